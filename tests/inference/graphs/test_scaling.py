"""The same scale as from NumPy's percentiles."""

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.imaging import intensity
from deepresolve.inference.graphs.scaling import estimate_scale


def small_object_in_air():
    array = np.zeros((40, 40, 20))
    array[3, 4, 5:8] = 700
    return array


RANDOM = np.random.default_rng(0)
ARRAYS = {
    "noise": RANDOM.normal(300, 80, (31, 17, 23)),
    "whole numbers": RANDOM.integers(-50, 900, (64, 64, 24)),
    "few values": RANDOM.integers(0, 3, (13, 11, 9)),
    "small object in air": small_object_in_air(),
    "two voxels": np.array([[[3.0, 8.0]]]),
    "skewed": RANDOM.exponential(200, (50, 21, 10)),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
def test_equals_the_scale_of_imaging(array):
    array = array.astype(np.float32)
    expected = intensity.estimate_scale(array)
    scale = tf.function(estimate_scale)(array)
    assert float(scale.low) == pytest.approx(expected.low, rel=1e-7, abs=1e-7)
    assert float(scale.high) == pytest.approx(expected.high, rel=1e-7)
    scaled = scale.apply(array)
    np.testing.assert_allclose(scaled, expected.apply(array), rtol=0, atol=1e-6)
    np.testing.assert_allclose(scale.invert(scaled), array, rtol=1e-5, atol=1e-3)


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
    graph = tf.function(estimate_scale, input_signature=signature)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        graph(array.astype(np.float32))
