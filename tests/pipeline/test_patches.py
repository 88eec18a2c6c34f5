import numpy as np
import pytest
import tensorflow as tf

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
