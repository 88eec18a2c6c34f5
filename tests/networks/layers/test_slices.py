import numpy as np
import tensorflow as tf

from deepresolve.networks.layers import BatchToSlices, SlicesToBatch


def volumes():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 3, 4, 5, 6)).astype(np.float32)


def test_each_slice_becomes_an_image():
    x = volumes()
    images = np.asarray(SlicesToBatch()(x))
    expected = [x[example, :, :, k] for example in range(2) for k in range(5)]
    np.testing.assert_array_equal(images, expected)


def test_images_become_the_volumes_again():
    x = volumes()
    back = BatchToSlices()([SlicesToBatch()(x), x[..., :1]])
    np.testing.assert_array_equal(back, x)


def test_sizes_may_be_known_only_when_it_runs():
    @tf.function(input_signature=[tf.TensorSpec((None, None, None, None, 6))])
    def there_and_back(x):
        return BatchToSlices()([SlicesToBatch()(x), x])

    x = volumes()
    np.testing.assert_array_equal(there_and_back(x), x)


def test_shapes_are_known_where_sizes_are():
    to_batch, to_slices = SlicesToBatch(), BatchToSlices()
    assert to_batch.compute_output_shape((2, 3, 4, 5, 6)) == (10, 3, 4, 6)
    assert to_batch.compute_output_shape((None, 3, None, 5, 6)) == (None, 3, None, 6)
    shapes = [(None, 3, 4, 6), (2, 9, 9, 5, 1)]
    assert to_slices.compute_output_shape(shapes) == (2, 3, 4, 5, 6)
