import keras
import numpy as np
import tensorflow as tf

from deepresolve.keras_stack import KERAS_3, ops


def test_stack_is_told_from_the_version():
    assert keras.__version__.startswith("3.") is KERAS_3


def test_shape_is_static_where_known_and_a_tensor_where_not():
    @tf.function(input_signature=[tf.TensorSpec((2, None, 5))])
    def middle_plus_one(x):
        return ops.shape(x)[1] + 1

    assert int(middle_plus_one(np.zeros((2, 3, 5), np.float32))) == 4


def test_operations_are_numpys():
    x = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(ops.reshape(x, (4, 6)), x.reshape(4, 6))
    np.testing.assert_array_equal(ops.transpose(x, (2, 0, 1)), x.transpose(2, 0, 1))
    np.testing.assert_array_equal(
        ops.concatenate([x, x], axis=1), np.concatenate([x, x], axis=1)
    )
