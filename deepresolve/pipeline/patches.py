"""Where patches lie in a volume, and cutting them out.

A position is the first voxel (row, column, slice) of a patch. Everything here is
TensorFlow ops, so that it runs in tf.data's own threads.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def check_patch_fits(shape: Sequence[int], patch_shape: Sequence[int], name: str):
    """ValueError, naming the volume, unless a patch fits into its shape."""
    if any(n < p for n, p in zip(shape, patch_shape, strict=True)):
        raise ValueError(
            f"{name} has {tuple(shape)} voxels (rows, columns, slices), too few for a "
            f"patch of {tuple(patch_shape)}. Choose a smaller --patch_shape."
        )


def grid_positions(
    shape: tf.Tensor,
    patch_shape: Sequence[int],
    stride: Sequence[int],
    alignment: Sequence[int] = (1, 1, 1),
) -> tf.Tensor:
    """Every `stride` voxels, and once more flush with the far end.

    Args:
      shape: (3,) int32, voxels of the volume.
      patch_shape: voxels of a patch along each axis.
      stride: distance of neighbouring positions along each axis; at least `alignment`
        is taken.
      alignment: positions are multiples of this along each axis.

    Returns:
      (n, 3) int32, slices varying fastest. A (384, 384, 160) volume with 32-voxel
      patches at stride 16 has 23 * 23 * 9 = 4,761.
    """
    along = []
    for axis in range(3):
        last = (shape[axis] - patch_shape[axis]) // alignment[axis] * alignment[axis]
        step = max(stride[axis], alignment[axis])  # smaller ones would repeat places
        regular = tf.range(0, last, step) // alignment[axis] * alignment[axis]
        along.append(tf.concat([regular, [last]], axis=0))
    return tf.reshape(tf.stack(tf.meshgrid(*along, indexing="ij"), axis=-1), (-1, 3))


def random_positions(
    count: int | tf.Tensor,
    shape: tf.Tensor,
    patch_shape: Sequence[int],
    seed: tf.Tensor,
    alignment: Sequence[int] = (1, 1, 1),
) -> tf.Tensor:
    """`count` positions, uniform over all places where a patch fits.

    Args:
      count: how many.
      shape: (3,) int32, voxels of the volume.
      patch_shape: voxels of a patch along each axis.
      seed: (2,) integers; the same seed gives the same positions.
      alignment: positions are multiples of this along each axis.

    Returns:
      (count, 3) int32.
    """
    align = tf.constant(alignment, tf.int32)
    places = (shape - tf.constant(patch_shape, tf.int32)) // align + 1
    drawn = tf.random.stateless_uniform(
        (count, 3), seed, maxval=None, minval=None, dtype=tf.int32
    )
    # Full-range int32 modulo a few hundred: the bias is below 1e-6.
    return tf.math.floormod(drawn, places) * align


def cut(array: tf.Tensor, position: tf.Tensor, patch_shape: Sequence[int]):
    """The patch at `position` of an array (..., rows, columns, slices, channels).

    Args:
      array: a volume with channels, with or without leading axes.
      position: first index along each axis but the last, leading axes included.
      patch_shape: voxels of the patch.

    Returns:
      (rows, columns, slices, channels) of the patch.
    """
    leading = [1] * (array.shape.rank - 4)
    begin = tf.concat([position, [0]], axis=0)
    patch = tf.slice(array, begin, [*leading, *patch_shape, -1])
    return tf.reshape(patch, (*patch_shape, array.shape[-1]))


def tissue_share(target: tf.Tensor, air_threshold: float) -> tf.Tensor:
    """Share of a patch's voxels whose scaled intensity is above `air_threshold`."""
    return tf.reduce_mean(tf.cast(target > air_threshold, tf.float32))
