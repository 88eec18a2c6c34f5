"""Another level: all intensities higher or lower.

No two scans are scaled alike: interpolation undershoots beside edges, and the low
percentile that becomes 0 moves with it.
"""

from __future__ import annotations

import tensorflow as tf


def sample_shift(seed: tf.Tensor, max_shift: float) -> tf.Tensor:
    """What is added: scalar float32, uniform in -max_shift..max_shift, full scale 1."""
    return tf.random.stateless_uniform((), seed, -max_shift, max_shift)


def apply_shift(patch: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Adds `shift` to every voxel."""
    return patch + shift
