"""In-plane flips, which know nothing of left and right."""

from __future__ import annotations

import tensorflow as tf

IN_PLANE_AXES = (0, 1)  # rows, columns of (rows, columns, slices, channels)


def sample_flips(seed: tf.Tensor) -> tf.Tensor:
    """Which in-plane axes to flip: (2,) bool, each with probability one half."""
    return tf.random.stateless_uniform((2,), seed) < 0.5


def apply_flips(patch: tf.Tensor, flips: tf.Tensor) -> tf.Tensor:
    """Flips a (rows, columns, slices, channels) patch along the chosen axes.

    The slice axis is never flipped: a folded network's patches start at an acquired
    slice and need not end at one.
    """
    for number, axis in enumerate(IN_PLANE_AXES):
        patch = tf.where(flips[number], tf.reverse(patch, [axis]), patch)
    return patch
