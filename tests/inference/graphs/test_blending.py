"""The same windows, weights and sums as in `tiling`."""

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.config import Config
from deepresolve.inference import tiling
from deepresolve.inference import windows as in_memory
from deepresolve.inference.graphs import blending as windows

CONFIG = Config(
    task="segmentation",
    model="seg_cnn",
    num_features=8,
    num_levels=3,
    patch_shape=(32, 32, 16),
)


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.9])
@pytest.mark.parametrize(("size", "window"), [(9, 9), (10, 9), (37, 8), (5, 1)])
def test_starts_and_weights_equal_those_of_tiling(size, window, overlap):
    expected = tiling.window_starts(size, window, overlap)
    starts = windows.window_starts(tf.constant(size), tf.constant(window), overlap)
    np.testing.assert_array_equal(starts, expected)
    np.testing.assert_allclose(
        windows.blending_weights(starts, tf.constant(window)),
        tiling.blending_weights(expected, window),
        rtol=1e-6,
    )


@pytest.mark.parametrize("model", ["seg_cnn", "unet_2d"])
@pytest.mark.parametrize("memory_gib", [1e-3, 0.02, 0.1, 100.0])
@pytest.mark.parametrize("shape", [(64, 48, 20), (200, 300, 50), (7, 5, 3)])
def test_window_equals_the_segmenters(shape, memory_gib, model):
    config = CONFIG.replace(model=model)
    expected = in_memory.fitting_window(shape, config, memory_gib)
    actual = windows.fitting_window(tf.constant(shape), config, memory_gib)
    np.testing.assert_array_equal(actual, np.minimum(expected, shape))


@pytest.mark.parametrize("window", [(4, 6, 3), (11, 9, 4), (5, 9, 13), (11, 9, 13)])
def test_sum_equals_that_of_tiling(window):
    volume = np.random.default_rng(0).random((11, 9, 13), np.float32)

    def network(voxels):
        """Differs from window to window, so that a wrong weight or place shows."""
        shifted = voxels - tf.reduce_mean(voxels)
        return tf.concat([shifted, shifted**2], axis=-1)

    overlaps = (0.25, 0.5, 0.0)
    graph = tf.function(
        lambda v, w: windows.blended(network, v, w, overlaps, 2),
        input_signature=[
            tf.TensorSpec((None, None, None)),
            tf.TensorSpec((3,), tf.int32),
        ],
    )
    expected = tiling.tiled(network, volume, window, overlap=overlaps, num_outputs=2)
    actual = graph(volume, tf.constant(window))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)
