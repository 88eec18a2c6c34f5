"""The scale in NumPy and in a graph, both held to `np.percentile`."""

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.imaging import intensity
from deepresolve.inference.graphs import scaling

GRAPH = tf.function(scaling.estimate_scale)
BOTH = pytest.mark.parametrize(
    "estimate_scale",
    [intensity.estimate_scale, lambda array: GRAPH(array.astype(np.float32))],
    ids=["NumPy", "graph"],
)


def small_object_in_air():
    array = np.zeros((40, 40, 20))
    array[3, 4, 5:8] = 700
    return array


RANDOM = np.random.default_rng(0)
ARRAYS = {
    "noise": RANDOM.normal(300, 80, (31, 17, 23)),
    # Of 16 bits, which NumPy's counts instead of sorting.
    "whole numbers": RANDOM.integers(-50, 900, (64, 64, 24)).astype(np.int16),
    "squares": (np.arange(24, dtype=np.int16) ** 2).reshape(2, 3, 4),
    "few values": RANDOM.integers(0, 3, (13, 11, 9)).astype(np.int16),
    "two voxels": np.array([[[3.0, 8.0]]]),
    "skewed": RANDOM.exponential(200, (50, 21, 10)),
}


def check(scale, array, low, high):
    """That a scale is from `low` to `high`, there and back."""
    assert float(scale.low) == pytest.approx(low, rel=1e-7, abs=1e-7)
    assert float(scale.high) == pytest.approx(high, rel=1e-7)
    scaled = scale.apply(array.astype(np.float32))
    expected = (array.astype(np.float64) - low) / (high - low)
    np.testing.assert_allclose(scaled, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(scale.invert(scaled), array, rtol=1e-5, atol=1e-3)


@BOTH
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
def test_bounds_are_numpys_percentiles(estimate_scale, array):
    if array.dtype.kind == "f":
        array = array.astype(np.float32)
    low, high = np.percentile(array.astype(np.float64), [0.1, 99.9])
    check(estimate_scale(array), array, low, high)


@BOTH
def test_where_percentiles_coincide_the_extremes_are_the_bounds(estimate_scale):
    array = small_object_in_air().astype(np.int16)
    assert np.ptp(np.percentile(array, [0.1, 99.9])) == 0
    check(estimate_scale(array), array, 0, 700)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((3, 3, 3), 7), "Every voxel has the same value"),
        (np.array([[[1.0, np.nan, 2.0]]]), "NaN or infinity"),
        (np.array([[[1.0, np.inf, 2.0]]]), "NaN or infinity"),
        (np.zeros((3, 0, 3)), "no voxels"),
    ],
)
def test_what_cannot_be_scaled_is_refused(array, message):
    signature = [tf.TensorSpec((None, None, None))]
    graph = tf.function(scaling.estimate_scale, input_signature=signature)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        graph(array.astype(np.float32))
