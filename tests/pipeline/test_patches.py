import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from deepresolve.pipeline import patches


def grid(shape, patch_shape, stride, alignment=(1, 1, 1)):
    shape = tf.constant(shape, tf.int32)
    return patches.grid_positions(shape, patch_shape, stride, alignment).numpy()


def test_published_grid_of_an_oai_volume():
    # METHOD: 23 x 23 x 9 = 4,761 patches.
    positions = grid((384, 384, 160), (32, 32, 32), (16, 16, 16))
    assert len(positions) == 4761
    assert positions.max(axis=0).tolist() == [352, 352, 128]
    assert len(np.unique(positions, axis=0)) == 4761


def test_literal_grid():
    positions = grid((4, 2, 3), (2, 2, 2), (2, 2, 2))
    np.testing.assert_array_equal(
        positions, [[0, 0, 0], [0, 0, 1], [2, 0, 0], [2, 0, 1]]
    )


def test_patch_of_the_whole_volume_has_one_position():
    np.testing.assert_array_equal(grid((5, 6, 7), (5, 6, 7), (1, 1, 1)), [[0, 0, 0]])


@pytest.mark.parametrize("shape", [(20, 21, 22), (9, 8, 30), (16, 40, 8)])
def test_grid_covers_every_voxel(shape):
    covered = np.zeros(shape, bool)
    for i, j, k in grid(shape, (8, 8, 8), (5, 6, 8)):
        covered[i : i + 8, j : j + 8, k : k + 8] = True
    assert covered.all()


def test_aligned_positions_start_at_acquired_slices():
    positions = grid((16, 16, 40), (16, 16, 9), (16, 16, 16), alignment=(1, 1, 3))
    assert positions[:, 2].tolist() == [0, 15, 30]
    drawn = patches.random_positions(
        500, tf.constant([16, 16, 40]), (16, 16, 9), (1, 2), (1, 1, 3)
    )
    assert set(drawn[:, 2].numpy()) == set(range(0, 32, 3))


@pytest.mark.parametrize("stride", [1, 2, 4, 5])
def test_no_position_comes_twice_whatever_stride_and_alignment(stride):
    positions = grid((9, 9, 40), (9, 9, 9), (1, 1, stride), alignment=(1, 1, 3))
    assert len(np.unique(positions, axis=0)) == len(positions)
    assert set(np.diff(positions[:, 2])) <= {3, 6}


def test_random_positions_reach_every_place_and_no_other():
    shape = tf.constant([10, 9, 8])
    drawn = patches.random_positions(5000, shape, (8, 8, 8), (0, 0)).numpy()
    np.testing.assert_array_equal(drawn.min(axis=0), [0, 0, 0])
    np.testing.assert_array_equal(drawn.max(axis=0), [2, 1, 0])
    counts = np.bincount(drawn[:, 0], minlength=3)
    # Binomial(5000, 1/3) has a standard deviation of 33.
    np.testing.assert_allclose(counts, 5000 / 3, atol=5 * 33)


def test_random_positions_follow_their_seed():
    shape = tf.constant([99, 99, 99])
    first, same, other = (
        patches.random_positions(9, shape, (8, 8, 8), seed).numpy()
        for seed in [(1, 2), (1, 2), (1, 3)]
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_patches_lie_anywhere_in_plane():
    # 384 - 288 + 1 = 97 places along rows and columns.
    shape = tf.constant([384, 384, 160])
    drawn = patches.random_positions(4000, shape, (288, 288, 32), (0, 1)).numpy()
    for axis in (0, 1):
        assert set(drawn[:, axis]) == set(range(97))
        counts = np.bincount(drawn[:, axis])
        assert stats.chisquare(counts).pvalue > 1e-3


def moved(compute, labels, count, patch_shape, rate, seed=(5, 6), start=0):
    """Positions that were (start, start, start), moved to the foreground."""
    return compute(
        lambda voxels: patches.move_to_foreground(
            tf.fill((count, 3), start),
            voxels[..., tf.newaxis],
            patch_shape,
            rate,
            tf.constant(seed, tf.int64),
        ),
        labels,
    )


@pytest.fixture
def few_voxels():
    """Labels with 6 foreground voxels: in the middle, near edges, in a corner."""
    voxels = [(9, 8, 10), (9, 8, 11), (0, 0, 0), (19, 17, 23), (2, 9, 12), (10, 16, 5)]
    labels = np.zeros((20, 18, 24), np.uint8)
    for number, voxel in enumerate(voxels, start=1):
        labels[voxel] = number
    return labels


@pytest.mark.parametrize("patch_shape", [(8, 8, 8), (5, 6, 1), (20, 18, 24)])
def test_foreground_is_as_near_to_the_middle_as_the_edges_allow(
    compute, few_voxels, patch_shape
):
    expected = set()
    for voxel in np.argwhere(few_voxels):
        first = [v - p // 2 for v, p in zip(voxel, patch_shape, strict=True)]
        fits = np.clip(first, 0, np.array(few_voxels.shape) - patch_shape)
        expected.add(tuple(fits.tolist()))
    positions = moved(compute, few_voxels, 200, patch_shape, 1.0)
    assert {tuple(position) for position in positions.tolist()} == expected
    for i, j, k in positions:
        r, c, s = patch_shape
        assert few_voxels[i : i + r, j : j + c, k : k + s].any()


def test_each_foreground_voxel_is_drawn_as_often(compute, few_voxels):
    positions = moved(compute, few_voxels, 3000, (1, 1, 1), 1.0)
    counts = np.bincount(few_voxels[tuple(positions.T)], minlength=7)[1:]
    assert counts.sum() == 3000
    assert stats.chisquare(counts).pvalue > 1e-3


def test_small_classes_are_met_as_often_as_large_ones(compute):
    labels = np.zeros((20, 18, 24), np.uint8)
    labels[:10] = 2
    labels[15, 3:6, 7] = 5
    positions = moved(compute, labels, 3000, (1, 1, 1), 1.0)
    counts = np.bincount(labels[tuple(positions.T)], minlength=6)
    assert counts[2] + counts[5] == 3000
    assert stats.chisquare(counts[[2, 5]]).pvalue > 1e-3
    small = np.bincount(positions[positions[:, 0] == 15][:, 1])[3:6]
    assert stats.chisquare(small).pvalue > 1e-3


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_the_stated_share_is_moved(compute, few_voxels, rate):
    few_voxels[0, 0, 0] = 0  # where the patches were
    positions = moved(compute, few_voxels, 2000, (1, 1, 1), rate)
    share = positions.any(axis=1).mean()
    # Binomial(2000, 0.3) has a standard deviation of 1% of 2000.
    assert share == pytest.approx(rate, abs=0.05 if 0 < rate < 1 else 0)


def test_without_foreground_patches_stay(compute):
    labels = np.zeros((9, 9, 9), np.uint8)
    positions = moved(compute, labels, 50, (4, 4, 4), 1.0, start=5)
    np.testing.assert_array_equal(positions, np.full((50, 3), 5))


def test_foreground_positions_follow_their_seed(compute, few_voxels):
    first, same, other = (
        moved(compute, few_voxels, 30, (1, 1, 1), 0.5, seed)
        for seed in [(1, 2), (1, 2), (1, 3)]
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_cut_is_slicing_eagerly_and_in_a_dataset():
    volume = np.random.default_rng(0).normal(size=(3, 6, 7, 8, 2)).astype(np.float32)
    expected = volume[1, 2:5, 3:6, 4:8]
    position = tf.constant([1, 2, 3, 4])
    np.testing.assert_array_equal(
        patches.cut(volume_tensor(volume), position, (3, 3, 4)), expected
    )
    dataset = tf.data.Dataset.from_tensors(position).map(
        lambda p: patches.cut(volume_tensor(volume), p, (3, 3, 4))
    )
    np.testing.assert_array_equal(next(iter(dataset)), expected)
    assert dataset.element_spec.shape == (3, 3, 4, 2)


def volume_tensor(volume):
    return tf.constant(volume)


def test_tissue_share_counts_voxels_above_air():
    patch = tf.constant([0.0, 0.04, 0.05, 0.06, 1.0])
    assert float(patches.tissue_share(patch, 0.05)) == pytest.approx(2 / 5)


def test_volume_smaller_than_a_patch_is_named():
    with pytest.raises(ValueError, match=r"knee-7 has \(64, 64, 20\).*--patch_shape"):
        patches.check_patch_fits((64, 64, 20), (32, 32, 32), "knee-7")
