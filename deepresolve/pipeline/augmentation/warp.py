"""Rotation and scaling within the slices: one resampling for all of them.

A patch is read from the whole slices that it lies in, so that its turned corners hold
what the scan holds there. Beyond the scan's edge everything is 0: air, background.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import tensorflow as tf


def pixel_spacing(affine: tf.Tensor) -> tf.Tensor:
    """Distance between rows and between columns: (2,) float32, in mm.

    Args:
      affine: (4, 4), voxel indices to RAS+ mm.
    """
    return tf.cast(tf.norm(affine[:3, :2], axis=0), tf.float32)


def sample_warp(
    seed: tf.Tensor, max_rotation_degrees: float, max_scaling: float
) -> tf.Tensor:
    """A random rotation and scaling about the middle of a patch.

    Args:
      seed: (2,) integers.
      max_rotation_degrees: either way; uniform up to here.
      max_scaling: sizes grow by 1 / (1 + this) to 1 + this, uniform in the logarithm.

    Returns:
      (2, 2) float32. Takes an offset from the middle of the patch, (down, right) in mm,
      to the offset at which the scan is read for it.
    """
    turn, growth = tf.unstack(tf.random.stateless_uniform((2,), seed, -1.0, 1.0))
    angle = turn * math.radians(max_rotation_degrees)
    size = tf.pow(1.0 + max_scaling, growth)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    return tf.stack([[cosine, -sine], [sine, cosine]]) / size


def apply_warp(
    array: tf.Tensor,
    warp: tf.Tensor,
    position: tf.Tensor,
    patch_shape: Sequence[int],
    spacing_mm: tf.Tensor,
    interpolation: Literal["BILINEAR", "NEAREST"],
) -> tf.Tensor:
    """The patch at `position`, rotated and scaled about its middle.

    Args:
      array: (rows, columns, slices, 1) volume, float32 or uint8.
      warp: (2, 2) of `sample_warp`; the unit matrix cuts the patch as it is.
      position: (3,) int32, first voxel of the patch before it is warped.
      patch_shape: voxels of the patch.
      spacing_mm: (2,) of `pixel_spacing`; shapes keep their angles where pixels are not
        square, too.
      interpolation: NEAREST for labels, which keeps to the values there are.

    Returns:
      `patch_shape` + (1,), of the array's dtype.
    """
    num_rows, num_columns, num_slices = patch_shape
    slices = tf.slice(array, [0, 0, position[2], 0], [-1, -1, num_slices, 1])
    resampled = tf.raw_ops.ImageProjectiveTransformV3(
        images=slices[tf.newaxis, ..., 0],  # (1, rows, columns, slices as channels)
        transforms=_transform(warp, position, patch_shape, spacing_mm)[tf.newaxis],
        output_shape=[num_rows, num_columns],
        fill_value=0.0,
        interpolation=interpolation,
        fill_mode="CONSTANT",
    )
    return tf.reshape(resampled, (*patch_shape, 1))


def _transform(
    warp: tf.Tensor,
    position: tf.Tensor,
    patch_shape: Sequence[int],
    spacing_mm: tf.Tensor,
) -> tf.Tensor:
    """Pixel of the patch to pixel of the slices, as ImageProjectiveTransformV3 has it.

    A pixel p is read at position + middle + matrix (p - middle).
    """
    middle = (tf.constant(patch_shape[:2], tf.float32) - 1) / 2
    # In pixels instead of mm: divided by the spacing there, times the spacing here.
    matrix = warp * spacing_mm / spacing_mm[:, tf.newaxis]
    first = tf.cast(position[:2], tf.float32) + middle
    origin = first - tf.linalg.matvec(matrix, middle)
    # [a0 a1 a2 b0 b1 b2 c0 c1] with x' = a0 x + a1 y + a2, y' = b0 x + b1 y + b2, where
    # x counts columns and y rows; c0 = c1 = 0 without perspective.
    to_x = tf.stack([matrix[1, 1], matrix[1, 0], origin[1]])
    to_y = tf.stack([matrix[0, 1], matrix[0, 0], origin[0]])
    return tf.concat([to_x, to_y, [0.0, 0.0]], axis=0)
