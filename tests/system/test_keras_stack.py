import keras
import numpy as np
import pytest
import tensorflow as tf

from deepresolve.system.keras_stack import KERAS_3, ops, tensorflow


def test_stack_is_told_from_the_version():
    assert keras.__version__.startswith("3.") is KERAS_3


def test_shape_is_static_where_known_and_a_tensor_where_not():
    @tf.function(input_signature=[tf.TensorSpec((2, None, 5))])
    def middle_plus_one(x):
        known, unknown, last = ops.shape(x)
        assert (known, last) == (2, 5)
        return unknown + 1

    assert int(middle_plus_one(np.zeros((2, 3, 5), np.float32))) == 4


def test_operations_are_numpys():
    x = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(ops.reshape(x, (4, 6)), x.reshape(4, 6))
    np.testing.assert_array_equal(ops.transpose(x, (2, 0, 1)), x.transpose(2, 0, 1))
    np.testing.assert_array_equal(
        ops.concatenate([x, x], axis=1), np.concatenate([x, x], axis=1)
    )
    np.testing.assert_array_equal(ops.maximum(x, 7.0), np.maximum(x, 7))
    np.testing.assert_array_equal(ops.where(x > 7, x, 0.0), np.where(x > 7, x, 0))
    np.testing.assert_allclose(ops.log(x + 1), np.log(x + 1))
    np.testing.assert_allclose(ops.sqrt(x), np.sqrt(x))


def test_reductions_are_numpys():
    x = np.arange(24.0).reshape(2, 3, 4)
    for name in ("max", "mean", "sum"):
        expected = getattr(np, name)(x, axis=(0, 2))
        np.testing.assert_array_equal(getattr(ops, name)(x, axis=(0, 2)), expected)
    np.testing.assert_array_equal(
        ops.max(x, axis=-1, keepdims=True), x.max(-1, keepdims=True)
    )


def test_places_of_the_largest_are_numpys():
    x = np.random.default_rng(0).random((2, 3, 4))
    np.testing.assert_array_equal(ops.argmax(x, axis=-1), x.argmax(-1))


def test_tensorflow_is_given_where_keras_runs_on_it(monkeypatch):
    assert tensorflow("A test") is tf
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="TensorFlow, and Keras runs on jax"):
        tensorflow("A test")


def test_class_numbers_become_one_hot():
    numbers = ops.cast(np.array([[2, 0]], np.uint8), "int32")
    one_hot = ops.one_hot(numbers, 3)
    np.testing.assert_array_equal(one_hot, [[[0, 0, 1], [1, 0, 0]]])
    assert one_hot.dtype == "float32"
