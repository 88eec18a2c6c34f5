import numpy as np
import pytest
import tensorflow as tf

from deepresolve.pipeline import augmentation


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("in_dataset", [False, True])
def test_flips_are_numpys(rows, columns, in_dataset):
    patch = np.random.default_rng(0).normal(size=(4, 5, 6, 1)).astype(np.float32)
    axes = [axis for axis, chosen in enumerate((rows, columns)) if chosen]
    flips = tf.constant([rows, columns])
    if in_dataset:
        dataset = tf.data.Dataset.from_tensors((patch, flips))
        flipped = next(iter(dataset.map(augmentation.apply_flips)))
    else:
        flipped = augmentation.apply_flips(tf.constant(patch), flips)
    np.testing.assert_array_equal(flipped, np.flip(patch, axes))


def test_each_axis_flips_half_of_the_time_independently():
    drawn = np.array([augmentation.sample_flips((0, n)) for n in range(400)])
    # Binomial(400, 1/2) has a standard deviation of 10.
    np.testing.assert_allclose(drawn.sum(axis=0), 200, atol=50)
    np.testing.assert_allclose((drawn[:, 0] ^ drawn[:, 1]).sum(), 200, atol=50)
