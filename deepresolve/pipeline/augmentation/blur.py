"""Blur along the slice axis, as of slices that were acquired thick."""

from __future__ import annotations

import tensorflow as tf

# A narrower Gaussian is 1 at a voxel and 0 in float32 at its neighbours.
_NARROWEST = 0.05


def sample_blur(seed: tf.Tensor, max_blur: float) -> tf.Tensor:
    """Standard deviation in voxels: scalar float32, uniform from 0 to `max_blur`."""
    return tf.random.stateless_uniform((), seed, 0.0, max_blur)


def apply_blur(patch: tf.Tensor, standard_deviation: tf.Tensor) -> tf.Tensor:
    """Blurs a (rows, columns, slices, 1) patch along its slices by a Gaussian.

    The weights of a slice add up to 1 within the patch: its ends are not darkened.

    Args:
      patch: float32 of static shape.
      standard_deviation: scalar, in voxels; 0 changes nothing.
    """
    num_slices = patch.shape[2]
    place = tf.range(num_slices, dtype=tf.float32)
    distance = (place - place[:, tf.newaxis]) / tf.maximum(
        standard_deviation, _NARROWEST
    )
    # A softmax is exp over its sum: of -d^2 / 2 a Gaussian of unit gain. (new, old)
    weights = tf.nn.softmax(-(distance**2) / 2)
    columns = tf.reshape(patch, (-1, num_slices))  # one row per slice-axis column
    return tf.reshape(tf.linalg.matmul(columns, weights, transpose_b=True), patch.shape)
