"""Windows in NumPy and in a graph, both held to literals, to SciPy and to long sums."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy import signal

from deepresolve import presets
from deepresolve.inference import tiling, window_size
from deepresolve.inference.graphs import blending
from deepresolve.inference.window_size import WindowRule, rule_of
from deepresolve.tasks.segmentation.settings import SegmentationConfig

OAI = (384, 384, 160)
DEMO = (144, 144, 121)
RULE = WindowRule((4, 4, 4), 1, 2, overlap=(0.25, 0.5, 0.0))


@pytest.mark.parametrize(
    ("size", "window", "overlap", "starts"),
    [
        (10, 4, 0.5, (0, 2, 4, 6)),  # steps of 2, and they fit
        (10, 4, 0.25, (0, 3, 6)),
        (11, 4, 0.25, (0, 2, 4, 7)),  # steps of 3 would end at 9: a fourth, spread
        (5, 4, 0.0, (0, 1)),  # flush with the end, at any overlap
        (8, 4, 0.0, (0, 4)),
        (4, 4, 0.9, (0,)),
        (3, 1, 0.9, (0, 1, 2)),  # no step below one voxel
        (37, 8, 0.25, (0, 5, 11, 17, 23, 29)),  # 29 n / 5, rounded down
    ],
)
def test_windows_of_one_axis(size, window, overlap, starts):
    assert tiling.window_starts(size, window, overlap) == starts
    in_graph = blending.window_starts(tf.constant(size), tf.constant(window), overlap)
    assert tuple(in_graph.numpy()) == starts


@pytest.mark.parametrize(
    ("size", "window", "margin", "multiple", "starts"),
    [
        (38, 8, 3, 1, (*range(0, 31, 2),)),  # 2 voxels between margins
        (10, 9, 4, 1, (0, 1)),
        (37, 10, 3, 3, (*range(0, 28, 3),)),  # of 4 voxels between margins, 3
        (9, 9, 4, 2, (0,)),
        (40, 7, 1, 3, (*range(0, 34, 3),)),  # steps of 5 would begin within a block
        (41, 17, 0, 4, (0, 12, 24)),  # steps of 12.75
    ],
)
def test_windows_leave_margins_and_begin_at_multiples(
    size, window, margin, multiple, starts
):
    assert tiling.window_starts(size, window, 0.25, margin, multiple) == starts
    in_graph = blending.window_starts(
        tf.constant(size), tf.constant(window), 0.25, margin, multiple
    )
    assert tuple(in_graph.numpy()) == starts


def test_windows_that_begin_at_multiples_grow_for_it():
    rule = WindowRule((8, 8, 8), 8, 1, margin=(2, 2, 2), multiple=(1, 2, 3))
    shape = (30, 31, 29)
    in_graph = blending.fitting_window(tf.constant(shape), rule, 1e-6)
    in_numpy = map(tiling.aligned_window, shape, rule.smallest, rule.multiple)
    assert tuple(in_graph.numpy()) == tuple(in_numpy) == (8, 9, 8)


def shares(starts, window, margin=0):
    """Of SciPy's Gaussian windows, in double precision: (windows, voxels)."""
    gaussian = signal.windows.gaussian(window, std=window / 8)
    placed = np.zeros((len(starts), starts[-1] + window))
    for row, start in zip(placed, starts, strict=True):
        row[start : start + window] = gaussian
        if start > 0:
            row[: start + margin] = 0
        if start < starts[-1]:
            row[start + window - margin :] = 0
    return placed / placed.sum(axis=0)


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.9])
@pytest.mark.parametrize(
    ("size", "window", "margin"),
    [
        *((9, 9, 0), (10, 9, 0), (37, 8, 0), (5, 1, 0)),
        *((9, 9, 4), (10, 9, 4), (37, 8, 3), (12, 8, 3)),
    ],
)
def test_weights_are_shares_of_scipys_gaussians(size, window, margin, overlap):
    starts = tiling.window_starts(size, window, overlap, margin)
    np.testing.assert_array_equal(
        blending.window_starts(tf.constant(size), tf.constant(window), overlap, margin),
        starts,
    )
    expected = [
        row[start : start + window]
        for row, start in zip(shares(starts, window, margin), starts, strict=True)
    ]
    in_numpy = tiling.blending_weights(starts, window, margin)
    in_graph = blending.blending_weights(
        tf.constant(starts), tf.constant(window), margin
    )
    for weights in (in_numpy, in_graph.numpy()):
        assert weights.dtype == np.float32
        np.testing.assert_allclose(weights, expected, rtol=1e-6)


# Worked out by hand.
@pytest.mark.parametrize(
    ("preset", "shape", "memory_gib", "window"),
    [
        # 110 MiB a slice: 384 x 384 x (6 x 32 features + 2 x 2 outputs) x 4 bytes.
        ("seg_cnn", OAI, 4.0, (384, 384, 32)),  # 37 slices fit; the network takes 16s
        ("seg_cnn", OAI, 18.0, (384, 384, 160)),  # 167 slices
        ("seg_cnn", OAI, 3.0, (288, 288, 32)),  # 27: fewer than a training patch's 32
        ("seg_cnn", (384, 384, 20), 4.0, (384, 384, 20)),
        ("seg_cnn_small", DEMO, 4.0, DEMO),  # 12 features: 0.7 GiB
        # 218 MiB a slice: 64 features.
        ("segnet_2d", OAI, 4.0, (384, 384, 18)),
        ("segnet_2d", OAI, 0.1, (288, 288, 1)),
        ("seg_cnn_small", DEMO, 0.0, (64, 64, 24)),
    ],
)
def test_window_is_as_large_as_memory_allows(preset, shape, memory_gib, window):
    config = presets.get(preset)
    rule = rule_of(config, 1 + len(config.class_names))
    assert window_size.fitting_window(shape, rule, memory_gib) == window
    in_graph = blending.fitting_window(tf.constant(shape), rule, memory_gib)
    assert tuple(in_graph.numpy()) == window


@pytest.mark.parametrize("model", ["seg_cnn", "unet_2d"])
@pytest.mark.parametrize("memory_gib", [1e-3, 0.02, 0.1, 100.0])
@pytest.mark.parametrize("shape", [(64, 48, 20), (200, 300, 50), (7, 5, 3)])
def test_a_graphs_window_is_no_larger_than_the_volume(shape, memory_gib, model):
    config = SegmentationConfig(
        model=model,
        num_features=8,
        num_levels=3,
        patch_shape=(32, 32, 16),
    )
    rule = rule_of(config, 1 + len(config.class_names))
    expected = window_size.fitting_window(shape, rule, memory_gib)
    actual = blending.fitting_window(tf.constant(shape), rule, memory_gib)
    np.testing.assert_array_equal(actual, np.minimum(expected, shape))


def network(voxels):
    """Differs from window to window, so that a wrong weight or place shows."""
    shifted = voxels - tf.reduce_mean(voxels)
    return tf.concat([shifted, shifted**2], axis=-1)


def long_sum(volume, window):
    """Every window's output times its shares, added up in double precision."""
    starts = [
        tiling.window_starts(*of_axis)
        for of_axis in zip(volume.shape, window, RULE.overlap, strict=True)
    ]
    placed = [shares(s, w) for s, w in zip(starts, window, strict=True)]
    total = np.zeros((*volume.shape, 2))
    for number in itertools.product(*(range(len(s)) for s in starts)):
        corner = [s[n] for s, n in zip(starts, number, strict=True)]
        region = tuple(slice(c, c + w) for c, w in zip(corner, window, strict=True))
        output = np.zeros_like(total)
        output[region] = network(volume[region][np.newaxis, ..., np.newaxis])[0]
        rows, columns, slices = (p[n] for p, n in zip(placed, number, strict=True))
        total += np.einsum("i,j,k,ijkc->ijkc", rows, columns, slices, output)
    return total


@pytest.mark.parametrize("window", [(4, 6, 3), (11, 9, 4), (5, 9, 13), (11, 9, 13)])
def test_both_are_the_long_sum(window):
    volume = np.random.default_rng(0).random((11, 9, 13), np.float32)
    expected = long_sum(volume, window)
    tiled = tiling.tiled(network, volume, window, overlap=RULE.overlap, num_outputs=2)
    np.testing.assert_allclose(tiled, expected, rtol=0, atol=1e-6)
    graph = tf.function(
        lambda v, w: blending.blended(network, v, w, RULE),
        input_signature=[
            tf.TensorSpec((None, None, None)),
            tf.TensorSpec((3,), tf.int32),
        ],
    )
    in_graph = graph(volume, tf.constant(window))
    np.testing.assert_allclose(in_graph, expected, rtol=0, atol=1e-6)
