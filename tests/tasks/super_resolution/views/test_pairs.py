"""Pairs of views, eagerly and within tf.data."""

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.networks.sr_views import NUM_INPUTS, NUM_PARTS
from deepresolve.pipeline.dataset import training_dataset
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.views.pairs import ViewPairs
from deepresolve.tasks.super_resolution.views.slicing import example_matrices

CONFIG = SuperResolutionConfig(
    model="sr_views",
    slice_profiles=("rect",),
    spacing_range_mm=(3.0, 3.0),
    patch_shape=(1, 16, 8),
    patch_sampling="random",
    patches_per_volume=4,
    batch_size=4,
    random_flips=True,
)
# Rows 1 mm apart, columns 0.75 mm: axes 36 mm and 24 mm long.
ROW_MM, COLUMN_MM = 1.0, 0.75
SHAPE = (36, 32, 5)


@pytest.fixture(scope="module")
def array():
    return np.random.default_rng(0).random(SHAPE, np.float32)


@pytest.fixture(scope="module")
def stored(array):
    return {
        "image": tf.constant(300 * array + 100),
        "intensity": tf.constant([100.0, 400.0]),
        "affine": tf.constant(np.diag([ROW_MM, COLUMN_MM, 4.0, 1.0])),
    }


def seed(*numbers):
    return tf.constant(numbers, tf.int64)


def by_axis(pairs, stored):
    """A drawn scan for either axis: {0: made thick along the rows, 1: columns}."""
    found = {}
    for number in range(16):
        scan = pairs.prepare(stored, seed(1, number))
        # Slices 3 mm apart: 12 in 36 mm beside 32 columns, 8 in 24 mm beside 36 rows.
        shape = tuple(pairs.shape(scan).numpy())
        found[{(5, 32, 12): 0, (5, 36, 8): 1}[shape]] = scan
    return found


def test_either_axis_is_drawn_and_made_thick_by_its_own_pixels(array, stored):
    found = by_axis(ViewPairs(CONFIG), stored)
    assert set(found) == {0, 1}
    for axis, (along_mm, beside_mm) in enumerate(
        [(ROW_MM, COLUMN_MM), (COLUMN_MM, ROW_MM)]
    ):
        spacing = 3.0 / along_mm
        # Both axes are a whole number of slices long: the offset has no room.
        thick, added = example_matrices(
            SHAPE[axis], spacing, SliceProfile("rect", spacing), 0.0
        )
        # (rows, columns, slices) -> (slices, beside, along)
        turned = np.moveaxis(np.moveaxis(array, axis, -1), 1, 0)
        scan = found[axis]
        np.testing.assert_allclose(scan.views[..., 0], turned @ thick.T, atol=1e-5)
        expected = (turned @ added.T).reshape(scan.added.shape)
        np.testing.assert_allclose(scan.added, expected, atol=1e-5)
        np.testing.assert_allclose(scan.facts, [1.0, beside_mm / 3.0, 0.0], rtol=1e-6)


def test_an_axis_of_coarse_pixels_is_not_made_thick(stored):
    for row_mm, shape in ((1.3, (5, 36, 8)), (0.4, (5, 32, 4))):
        affine = tf.constant(np.diag([row_mm, COLUMN_MM, 4.0, 1.0]))
        pairs = ViewPairs(CONFIG.replace(patch_shape=(1, 16, 4)))
        shapes = {
            tuple(pairs.shape(pairs.prepare({**stored, "affine": affine}, s)).numpy())
            for s in (seed(1, n) for n in range(12))
        }
        assert shapes == {shape}, row_mm


def test_slices_are_plain_means_of_pixels(array, stored):
    scan = by_axis(ViewPairs(CONFIG), stored)[0]
    means = array.reshape(12, 3, 32, 5).mean(axis=1)  # three rows a slice
    np.testing.assert_allclose(scan.views[..., 0], means.transpose(2, 1, 0), atol=1e-5)


def test_the_same_seed_gives_the_same_pairs(stored):
    config = CONFIG.replace(
        slice_profiles=("rect", "fir"),
        spacing_range_mm=(2.0, 3.0),
        thickness_range=(0.7, 1.5),
    )
    pairs = ViewPairs(config)
    first, again, other = (pairs.prepare(stored, seed(3, n)) for n in (0, 0, 1))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.allclose(first.facts, other.facts)


def test_a_patch_is_a_piece_of_one_view_with_its_facts(stored):
    pairs = ViewPairs(CONFIG)
    scan = by_axis(pairs, stored)[0]
    inputs, target = pairs.cut(scan, tf.constant([2, 5, 3]), seed(0, 0))
    assert inputs.shape == pairs.input_spec.shape == (16, 8, NUM_INPUTS)
    assert target.shape == pairs.target_spec.shape == (16, 8, NUM_PARTS)
    np.testing.assert_array_equal(inputs[..., :1], scan.views[2, 5:21, 3:11])
    np.testing.assert_array_equal(target, scan.added[2, 5:21, 3:11])
    np.testing.assert_array_equal(
        inputs[..., 1:], np.broadcast_to(scan.facts, (16, 8, NUM_INPUTS - 1))
    )
    np.testing.assert_array_equal(pairs.image((inputs, target)), inputs[..., :1])


def test_flipped_pairs_are_those_of_the_flipped_scan(array, stored):
    """Of the scan turned round, slices and their parts come in the other order."""
    pairs = ViewPairs(CONFIG)
    scan = by_axis(pairs, stored)[1]
    view, added = pairs.cut(scan, tf.constant([0, 0, 0]), seed(0, 0))
    turned_round = {**stored, "image": stored["image"][::-1, ::-1]}
    flipped = by_axis(pairs, turned_round)[1]
    # 36 rows beside 8 slices; patches of 16 rows, so that these are its last ones.
    expected = pairs.cut(flipped, tf.constant([0, 20, 0]), seed(0, 0))
    seen = set()
    for number in range(16):
        pair = pairs.augment((view, added), seed(5, number))
        ways = {
            "none": (view, added),
            "pixels": (view[::-1], added[::-1]),
            "slices": (view[:, ::-1], added[:, ::-1, ::-1]),
            "both": expected,
        }
        same = [name for name, way in ways.items() if _alike(pair, way)]
        assert len(same) == 1
        seen.update(same)
    assert seen == {"none", "pixels", "slices", "both"}


def _alike(pair, other):
    return all(np.allclose(a, b, atol=1e-5) for a, b in zip(pair, other, strict=True))


def test_without_flips_pairs_stay_as_they_are():
    pairs = ViewPairs(CONFIG.replace(random_flips=False))
    pair = tuple(tf.zeros(s.shape) for s in (pairs.input_spec, pairs.target_spec))
    assert pairs.augment(pair, seed(0, 1)) is pair


def test_spacings_never_leave_a_patch_without_room(stored):
    """10 mm apart, 24 mm hold two slices: the patch needs eight, 3 mm apart."""
    pairs = ViewPairs(CONFIG.replace(spacing_range_mm=(10.0, 10.0)))
    shapes = {
        tuple(pairs.shape(pairs.prepare(stored, seed(1, n))).numpy()) for n in range(16)
    }
    assert shapes == {(5, 32, 8), (5, 36, 8)}


def test_batches_come_through_the_pipeline(stored):
    dataset = training_dataset(
        lambda _: tf.data.Dataset.from_tensors(stored),
        ViewPairs(CONFIG),
        steps_per_epoch=2,
    )
    batches = list(dataset.take(2))
    for inputs, target in batches:
        assert inputs.shape == (4, 16, 8, NUM_INPUTS)
        assert target.shape == (4, 16, 8, NUM_PARTS)
        # Rect slices that touch keep the mean: parts add nothing to their slice,
        # beyond what the spline lacks, so that what is added is small but not 0.
        assert 0 < float(tf.reduce_mean(tf.abs(target))) < 0.5


def test_a_scan_too_small_for_a_patch_is_named():
    pairs = ViewPairs(CONFIG)
    pairs.check_fits((16, 16, 1), "knee")
    with pytest.raises(ValueError, match="knee"):
        pairs.check_fits((16, 15, 30), "knee")
