"""Moving a patch within the slices, as a knee lies off the middle of its coil."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def sample_offset(
    seed: tf.Tensor, max_offset: float, patch_shape: Sequence[int]
) -> tf.Tensor:
    """Where a patch begins that lay at the first voxel.

    Args:
      seed: (2,) integers.
      max_offset: at most this share of the rows and of the columns, either way.
      patch_shape: voxels of the patch.

    Returns:
      (3,) int32, whole (rows, columns, 0) voxels, uniform; `warp.apply_warp` takes it
      as the patch's position, and what is beyond the scan's edge is 0.
    """
    share = tf.random.stateless_uniform((2,), seed, -max_offset, max_offset)
    in_plane = tf.cast(
        tf.round(share * tf.constant(patch_shape[:2], tf.float32)), "int32"
    )
    return tf.concat([in_plane, [0]], axis=0)
