"""Windows on small grids, and volumes whose answer is known.

Where windows start, and their weights, together with those of a graph:
`graphs.test_blending`.
"""

import math

import numpy as np
import pytest
from scipy import ndimage

from deepresolve.inference.tiling import blending_weights, tiled, window_starts


@pytest.mark.parametrize("overlap", [0.0, 0.1, 0.25, 0.5, 0.8])
def test_every_grid_spans_its_volume_and_overlaps_enough(overlap):
    for window in (1, 3, 8, 32):
        for size in range(window, 4 * window + 3):
            starts = np.array(window_starts(size, window, overlap))
            assert starts[0] == 0
            assert starts[-1] + window == size
            steps = np.diff(starts)
            assert np.all(steps >= 1)
            assert np.all(steps <= max(1, window * (1 - overlap)))


def test_weights_of_two_windows_of_four_voxels():
    # Centre 1.5, sigma 4 / 8: exp(-4.5), exp(-0.5), exp(-0.5), exp(-4.5). Where the
    # windows share a voxel: exp(-0.5) / (exp(-0.5) + exp(-4.5)) = 1 / (1 + exp(-4)).
    more = 1 / (1 + math.exp(-4))
    np.testing.assert_allclose(
        blending_weights((0, 2), 4),
        [[1, 1, more, 1 - more], [1 - more, more, 1, 1]],
        rtol=1e-6,
    )


@pytest.mark.parametrize(("size", "window"), [(50, 32), (97, 16), (7, 2), (5, 1)])
def test_no_voxel_is_without_weight_and_weights_add_up_to_one(size, window):
    starts = window_starts(size, window, 0.25)
    weights = blending_weights(starts, window)
    assert weights.min() > 1e-4  # exp(-8) at the very edge
    total = np.zeros(size)
    for start, weight in zip(starts, weights, strict=True):
        total[start : start + window] += weight
    np.testing.assert_allclose(total, 1, rtol=1e-6)


def same(window):
    """The network that gives back its input."""
    return window


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


WINDOWS = [(8, 8, 8), (5, 20, 3), (100, 7, 100), (1, 1, 1), (20, 18, 17)]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_neither_a_constant_nor_a_ramp_shows_a_seam(window, overlap):
    shape = (12, 13, 11)
    i, j, k = np.indices(shape)
    for volume in (np.ones(shape), 0.5 * i - 0.3 * j + 0.1 * k):
        result = tiled(same, volume, window, overlap=overlap, num_outputs=1)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result[..., 0], volume, rtol=0, atol=2e-6)


@pytest.mark.parametrize("window", WINDOWS)
def test_position_independent_network_equals_one_pass(window):
    def network(x):
        return np.concatenate([x**2, np.sin(x), 1 - x], axis=-1)

    volume = noise(20, 18, 17)
    expected = network(volume[np.newaxis, ..., np.newaxis])[0]
    result = tiled(network, volume, window, num_outputs=3)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5)


def mean_of_neighbours(window):
    """Of 3x3x3 voxels, with zeros beyond the window, as a network's padding has."""
    return ndimage.uniform_filter(window, (0, 3, 3, 3, 0), mode="constant")


def test_convolution_is_exact_but_where_a_window_ends():
    volume = noise(40, 20, 20)
    whole = mean_of_neighbours(volume[np.newaxis, ..., np.newaxis])[0, ..., 0]
    result = tiled(
        mean_of_neighbours, volume, (16, 20, 20), overlap=0.5, num_outputs=1
    )[..., 0]
    starts = window_starts(40, 16, 0.5)  # 0, 8, 16, 24
    edges = [n for s in starts for n in (s, s + 15) if 0 < n < 39]
    inner = np.setdiff1d(np.arange(40), edges)
    np.testing.assert_allclose(result[inner], whole[inner], rtol=0, atol=1e-6)
    # There the window that ends has a weight of exp(-7.0) against exp(-0.03).
    assert np.abs(result - whole)[edges].max() < 2e-3 * np.abs(volume).max()


@pytest.mark.parametrize("window", [(16, 8, 20), (3, 20, 7), (5, 5, 5)])
def test_convolution_with_a_margin_is_exact_everywhere(window):
    volume = noise(40, 20, 20)
    whole = mean_of_neighbours(volume[np.newaxis, ..., np.newaxis])[0]
    result = tiled(mean_of_neighbours, volume, window, margin=1, num_outputs=1)
    np.testing.assert_allclose(result, whole, rtol=0, atol=1e-6)


def test_windows_begin_where_blocks_of_voxels_do():
    """A network of blocks of three slices, the last of which may be smaller."""
    corners = []

    def mean_of_blocks(x):
        corners.append(x[0, 0, 0, 0, 0])
        blocks = np.split(x, range(3, x.shape[3], 3), axis=3)
        means = [
            np.broadcast_to(b.mean(axis=3, keepdims=True), b.shape) for b in blocks
        ]
        return np.concatenate(means, axis=3)

    volume = np.broadcast_to(np.arange(38.0), (4, 5, 38))
    whole = mean_of_blocks(volume[np.newaxis, ..., np.newaxis])[0]
    corners.clear()
    result = tiled(
        mean_of_blocks, volume, (4, 5, 8), margin=2, multiple=(1, 1, 3), num_outputs=1
    )
    np.testing.assert_allclose(result, whole, rtol=1e-6)
    # 38 - 8 is a multiple: windows of 8, of which 4 speak, so steps of 3.
    assert corners == [*range(0, 31, 3)]


def test_margins_that_leave_nothing_are_refused():
    with pytest.raises(ValueError, match="looks 2 voxels far"):
        tiled(same, noise(8, 8, 8), (4, 8, 8), margin=2, num_outputs=1)
    tiled(same, noise(4, 8, 8), (4, 8, 8), margin=2, num_outputs=1)  # at once


def test_convolution_in_windows_without_overlap_shows_seams():
    volume = np.ones((40, 20, 20), np.float32)
    result = tiled(
        mean_of_neighbours, volume, (20, 20, 20), overlap=0.0, num_outputs=1
    )[..., 0]
    assert result[19, 10, 10] == pytest.approx(2 / 3)


def test_axes_have_overlaps_of_their_own():
    corners = []

    def network(x):
        corners.append(tuple(x[0, 0, 0, 0]))
        return x

    volume = np.arange(8 * 8, dtype=float).reshape(1, 8, 8)
    tiled(network, volume, (1, 8, 4), overlap=(0.5, 0.5, 0), num_outputs=1)
    assert corners == [(0,), (4,)]


def test_volume_smaller_than_the_window_goes_through_at_once():
    shapes = []

    def network(x):
        shapes.append(x.shape)
        return x

    volume = noise(4, 5, 6)
    result = tiled(network, volume, (32, 32, 32), num_outputs=1)
    assert shapes == [(1, 4, 5, 6, 1)]
    np.testing.assert_array_equal(result[..., 0], volume)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window_shape": (4, 4)}, "three whole numbers"),
        ({"window_shape": (4, 4, 0)}, "at least 1"),
        ({"window_shape": (4, 4, 2.5)}, "three whole numbers"),
        ({"overlap": 1.0}, "below 1; got 1.0"),
        ({"overlap": -0.1}, "0 or more"),
        ({"num_outputs": 2}, r"shape \(1, 4, 4, 4, 1\); expected \(1, 4, 4, 4, 2\)"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    options = {"window_shape": (4, 4, 4), "num_outputs": 1, **options}
    with pytest.raises(ValueError, match=message):
        tiled(same, noise(8, 8, 8), **options)
