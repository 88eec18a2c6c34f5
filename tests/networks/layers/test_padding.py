import keras
import numpy as np
import pytest
import tensorflow as tf

from deepresolve.networks.layers import Crop, Pad


def volume(*shape):
    return np.random.default_rng(0).normal(size=(2, *shape, 3)).astype(np.float32)


@pytest.mark.parametrize("shape", [(5, 3, 7), (1, 1, 1), (8, 4, 1), (9, 2, 2)])
@pytest.mark.parametrize("multiples", [(4, 4, 4), (8, 2, 1), (1, 1, 1)])
def test_padding_repeats_the_last_planes(shape, multiples):
    x = volume(*shape)
    missing = [(0, -n % m) for n, m in zip(shape, multiples, strict=True)]
    expected = np.pad(x, [(0, 0), *missing, (0, 0)], mode="edge")
    np.testing.assert_array_equal(Pad(multiples)(x), expected)


@pytest.mark.parametrize("shape", [(5, 3, 7), (1, 1, 1), (8, 8, 8)])
def test_cropping_undoes_padding(shape):
    x = volume(*shape)
    like = x[..., :1]
    np.testing.assert_array_equal(Crop()([Pad((4, 4, 4))(x), like]), x)


def test_sizes_may_be_known_only_when_it_runs():
    @tf.function(input_signature=[tf.TensorSpec((None, None, None, None, 1))])
    def there_and_back(x):
        padded = Pad((4, 2, 3))(x)
        return tf.shape(padded), Crop()([padded, x])

    x = volume(5, 3, 7)[..., :1]
    shape, back = there_and_back(x)
    np.testing.assert_array_equal(shape, [2, 8, 4, 9, 1])
    np.testing.assert_array_equal(back, x)


def test_shapes_are_known_where_sizes_are():
    assert Pad((4, 4, 2)).compute_output_shape((None, 5, None, 7, 2)) == (
        None,
        8,
        None,
        8,
        2,
    )
    shapes = [(None, 8, None, 8, 5), (None, 5, None, 7, 1)]
    assert Crop().compute_output_shape(shapes) == (None, 5, None, 7, 5)


def test_padding_survives_serialisation():
    config = keras.saving.serialize_keras_object(Pad((1, 2, 3)))
    assert keras.saving.deserialize_keras_object(config).multiples == (1, 2, 3)
