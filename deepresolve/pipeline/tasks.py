"""What is input and what is target: the only place where tasks part.

A task is a function from a stored volume to `(inputs, target)`. Inputs hold variants
of the same scan, (variants, rows, columns, slices, channels); each patch draws one. To
add a task, write its function and add its line to `TASKS`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from deepresolve.config import Config
from deepresolve.imaging.degradation import degradation_matrix


def super_resolution(
    volume: Mapping[str, tf.Tensor], config: Config
) -> tuple[tf.Tensor, tf.Tensor]:
    """The scan as target; as input its TCI, once for each downsample factor.

    Whole volumes are degraded, never patches: the low-pass reaches 24 slices each way.

    Args:
      volume: "image" (rows, columns, slices) float32 in scan units, and "intensity"
        (2,) float32, the values that become 0 and 1.
      config: uses downsample_factors.

    Returns:
      Inputs (factors, rows, columns, slices, 1) and target (rows, columns, slices, 1),
      float32, scaled to 0..1.
    """
    low, high = tf.unstack(volume["intensity"])
    target = (volume["image"] - low) / (high - low)

    # Python runs once a volume here, for a matrix that depends on its number of slices
    # alone; the product over its voxels is TensorFlow's.
    matrices = tf.numpy_function(
        lambda slices: _degradation_matrices(int(slices), config.downsample_factors),
        [tf.shape(target)[2]],
        tf.float32,
    )
    matrices.set_shape((len(config.downsample_factors), None, None))
    shape = tf.shape(target)
    columns = tf.reshape(target, (1, -1, shape[2]))  # one row per slice-axis column
    degraded = tf.linalg.matmul(columns, matrices, transpose_b=True)
    inputs = tf.reshape(degraded, tf.concat([[-1], shape, [1]], axis=0))
    return inputs, target[..., tf.newaxis]


def _degradation_matrices(num_slices: int, factors: tuple[int, ...]) -> np.ndarray:
    return np.stack([degradation_matrix(num_slices, factor) for factor in factors])


TASKS = {"super_resolution": super_resolution}
