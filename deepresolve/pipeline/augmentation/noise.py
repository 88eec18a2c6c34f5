"""Receiver noise."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def sample_noise(seed: tf.Tensor, max_noise: float, shape: Sequence[int]) -> tf.Tensor:
    """Gaussian noise, each voxel for itself.

    Args:
      seed: (2,) integers.
      max_noise: the standard deviation is uniform from 0 to this.
      shape: of the patch.

    Returns:
      float32 of `shape`, full scale being 1.
    """
    level_seed, voxel_seed = tf.unstack(tf.random.experimental.stateless_split(seed))
    level = tf.random.stateless_uniform((), level_seed, 0.0, max_noise)
    return level * tf.random.stateless_normal(shape, voxel_seed)


def apply_noise(patch: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """Adds the noise."""
    return patch + noise
