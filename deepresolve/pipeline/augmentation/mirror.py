"""Mirroring left and right: a left knee becomes a right one, and stays a knee.

Classes that are named by their side change places: `imaging.mirroring` says which.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def left_right_axis(affine: tf.Tensor) -> tf.Tensor:
    """The array axis that lies nearest to the patient's left-right direction.

    Of a canonical volume: slices if it is sagittal, columns if coronal or axial.

    Args:
      affine: (4, 4), voxel indices to RAS+ mm.

    Returns:
      Scalar int32: 0, 1 or 2.
    """
    steps_mm = affine[:3, :3]  # column n: one voxel along axis n, as (x, y, z)
    cosines = steps_mm / tf.norm(steps_mm, axis=0)
    return tf.argmax(tf.abs(cosines[0]), output_type=tf.int32)


def sample_mirror(seed: tf.Tensor) -> tf.Tensor:
    """Whether to mirror: scalar bool, with probability one half."""
    return tf.random.stateless_uniform((), seed) < 0.5


def apply_mirror(patch: tf.Tensor, mirrored: tf.Tensor, axis: tf.Tensor) -> tf.Tensor:
    """Reverses a (rows, columns, slices, 1) patch along `axis`, if `mirrored`."""
    along = tf.logical_and(mirrored, tf.equal(tf.range(4), axis))
    return tf.raw_ops.Reverse(tensor=patch, dims=along)


def apply_mirror_to_classes(
    labels: tf.Tensor, mirrored: tf.Tensor, table: np.ndarray
) -> tf.Tensor:
    """Exchanges left and right classes, if `mirrored`.

    Args:
      labels: uint8 class numbers of any shape.
      mirrored: scalar bool.
      table: the class that each becomes, (classes,) uint8.
    """
    unchanged = np.arange(len(table), dtype=np.uint8)
    if np.array_equal(table, unchanged):
        return labels
    return tf.gather(tf.where(mirrored, table, unchanged), tf.cast(labels, tf.int32))
