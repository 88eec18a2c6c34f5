"""Another contrast: intensities to a power."""

from __future__ import annotations

import tensorflow as tf


def sample_gamma(seed: tf.Tensor, max_gamma: float) -> tf.Tensor:
    """The power: scalar float32, exp of a number uniform in -max_gamma..max_gamma."""
    return tf.exp(tf.random.stateless_uniform((), seed, -max_gamma, max_gamma))


def apply_gamma(patch: tf.Tensor, gamma: tf.Tensor) -> tf.Tensor:
    """sign(v) |v|^gamma of each voxel v; 0 and 1 stay, and so does the order.

    Scaled intensities leave 0..1 a little at either end. The sign is set aside, for a
    negative number has no real power.
    """
    return tf.sign(patch) * tf.pow(tf.abs(patch), gamma)
