"""Tricubic interpolation by SciPy's CubicSpline and in a graph, both held to B-splines.

A spline through n slices does not depend on how it is put together; the oracle solves
for B-splines (`make_interp_spline`, not-a-knot). Through 3 slices or fewer there is one
polynomial.
"""

import numpy as np
import pytest
import tensorflow as tf
from scipy import interpolate

from deepresolve.imaging.degradation import interpolation_matrix
from deepresolve.inference.graphs.interpolation import (
    cubic_matrix,
    cubic_matrix_at,
)


def in_numpy(num_thick, factor):
    return interpolation_matrix(num_thick, factor, (num_thick - 1) * factor + 1)


def in_a_graph(num_thick, factor):
    signature = [tf.TensorSpec((), tf.int32)]
    graph = tf.function(lambda n: cubic_matrix(n, factor), input_signature=signature)
    matrix = graph(num_thick)
    assert matrix.dtype == tf.float32
    return matrix


def by_splines(num_thick, factor):
    degree = min(3, num_thick - 1)
    spline = interpolate.make_interp_spline(
        np.arange(num_thick), np.eye(num_thick), k=degree
    )
    return spline(np.arange((num_thick - 1) * factor + 1) / factor)


@pytest.mark.parametrize("factor", [2, 3, 5])
@pytest.mark.parametrize("num_thick", [1, 2, 3, 4, 5, 6, 7, 20, 93])
def test_both_are_the_spline(num_thick, factor):
    expected = by_splines(num_thick, factor)
    for matrix in (in_numpy, in_a_graph):
        actual = matrix(num_thick, factor)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("num_thick", [1, 2, 3, 4, 20])
def test_any_positions_will_do(num_thick):
    last = num_thick - 1
    positions = np.r_[0, np.random.default_rng(0).uniform(0, last, 30), last]
    spline = interpolate.make_interp_spline(
        np.arange(num_thick), np.eye(num_thick), k=min(3, last)
    )
    signature = [tf.TensorSpec((), tf.int32), tf.TensorSpec((None,), tf.float64)]
    graph = tf.function(cubic_matrix_at, input_signature=signature)
    actual = graph(num_thick, positions)
    np.testing.assert_allclose(actual, spline(positions), rtol=0, atol=1e-7)
