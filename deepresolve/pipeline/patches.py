"""Where patches lie in a volume, and cutting them out.

A position is the first voxel (row, column, slice) of a patch. Everything here is
TensorFlow ops, so that it runs in tf.data's own threads.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def check_patch_fits(
    shape: Sequence[int], patch_shape: Sequence[int], name: str
) -> None:
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

    A patch smaller than the slices lies anywhere in them: 288 x 288 of 384 x 384 pixels
    has 97 x 97 places, each as likely. One that is as large has one.

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


def move_to_foreground(
    positions: tf.Tensor,
    labels: tf.Tensor,
    patch_shape: Sequence[int],
    rate: float,
    seed: tf.Tensor,
) -> tf.Tensor:
    """Puts patches around foreground voxels, each patch with probability `rate`.

    Each class that the volume holds is as likely as any other, however small, and so is
    each of its voxels (as in nnU-Net: Isensee, Nature Methods 2021). The voxel becomes
    the patch's middle, or as near to it as the volume's edges allow. Where all is 0,
    every patch stays where it was.

    Args:
      positions: (count, 3) int32, where patches lie otherwise.
      labels: (rows, columns, slices, 1) uint8 class numbers.
      patch_shape: voxels of a patch; of an even number, the middle is the later one.
      rate: 0..1.
      seed: (2,) integers; the same seed gives the same positions.

    Returns:
      (count, 3) int32. Computing it takes 24 bytes for each foreground voxel.
    """
    choice_seed, class_seed, voxel_seed = tf.unstack(
        tf.random.experimental.stateless_split(seed, 3)
    )
    count = tf.shape(positions)[:1]
    shape = tf.shape(labels)[:3]
    flat = tf.reshape(labels, [-1])
    foreground = tf.where(flat > 0)[:, 0]
    classes = tf.cast(tf.gather(flat, foreground), tf.int32)
    # Voxels of the first class, then of the second, ...
    foreground = tf.gather(foreground, tf.argsort(classes))
    counts = tf.math.bincount(classes)
    ends = tf.cumsum(counts)
    present = tf.concat([tf.where(counts > 0)[:, 0], [0]], axis=0)
    num_classes = tf.size(present) - 1
    drawn = tf.random.stateless_uniform(
        count, class_seed, maxval=tf.maximum(num_classes, 1), dtype=tf.int32
    )
    drawn = tf.gather(present, drawn)
    # Of nothing there is nothing to draw from: voxel 0, which is then not chosen.
    counts, ends = (tf.concat([of, [0]], axis=0) for of in (counts, ends))
    last, num = tf.gather(ends, drawn), tf.gather(counts, drawn)
    share = tf.random.stateless_uniform(count, voxel_seed, dtype=tf.float64)
    index = last - num + tf.cast(share * tf.cast(num, tf.float64), tf.int32)
    voxels = tf.gather(tf.concat([foreground, [0]], axis=0), index)
    voxels = tf.transpose(tf.unravel_index(tf.cast(voxels, tf.int32), shape))
    patch = tf.constant(patch_shape, tf.int32)
    around = tf.clip_by_value(voxels - patch // 2, 0, shape - patch)
    chosen = tf.random.stateless_uniform(count, choice_seed) < rate
    chosen = tf.logical_and(chosen, num_classes > 0)
    return tf.where(chosen[:, tf.newaxis], around, positions)


def cut(array: tf.Tensor, position: tf.Tensor, patch_shape: Sequence[int]) -> tf.Tensor:
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


def tissue_share(image: tf.Tensor, air_threshold: float) -> tf.Tensor:
    """Share of a patch's voxels whose scaled intensity is above `air_threshold`."""
    return tf.reduce_mean(tf.cast(image > air_threshold, tf.float32))
