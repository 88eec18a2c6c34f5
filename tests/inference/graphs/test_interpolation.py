"""The same matrix as from SciPy's spline."""

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.imaging.degradation import interpolation_matrix
from deepresolve.inference.graphs.interpolation import cubic_matrix


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_equals_scipy_for_any_number_of_slices(factor):
    signature = [tf.TensorSpec((), tf.int32)]
    graph = tf.function(lambda n: cubic_matrix(n, factor), input_signature=signature)
    for num_thick in [1, 2, 3, 4, 5, 6, 7, 20, 93]:
        expected = interpolation_matrix(num_thick, factor, (num_thick - 1) * factor + 1)
        actual = graph(num_thick)
        assert actual.dtype == tf.float32
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-7)
