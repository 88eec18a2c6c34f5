"""A scan in the pixels and slices that a network is given, and back.

Everything here is TensorFlow ops: training, prediction and a server frame alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def framed(image: tf.Tensor, size: Sequence[int]) -> tf.Tensor:
    """A scan whose slices fill a frame as far as their shape allows.

    Resized with its proportions kept, without aliasing (a wider triangle where pixels
    get fewer), and filled up with 0, air, on both sides.

    Args:
      image: (rows, columns, slices) float32, scaled to 0..1.
      size: (rows, columns) of the frame.

    Returns:
      `size` + (slices,) float32.
    """
    inner = fitted_size(tf.shape(image)[:2], size)
    resized = tf.image.resize(image, inner, antialias=True)
    return tf.image.resize_with_crop_or_pad(resized, *size)


def unframed(frame: tf.Tensor, shape: Sequence[int], size: Sequence[int]) -> tf.Tensor:
    """What is known of a frame, in the pixels of the scan: linear between pixels.

    Args:
      frame: (i, j, slices) float32, of any number of pixels of the whole frame.
      shape: (rows, columns) of the scan.
      size: (rows, columns) of the frame.

    Returns:
      `shape` + (slices,) float32.
    """
    whole = tf.image.resize(frame, size)
    rows, columns = fitted_size(tf.constant(shape), size).numpy()
    inner = tf.image.resize_with_crop_or_pad(whole, rows, columns)
    return tf.image.resize(inner, shape, antialias=True)


def fitted_size(shape: tf.Tensor, size: Sequence[int]) -> tf.Tensor:
    """(rows, columns) int32 of slices of `shape` that touch the edges of a frame."""
    pixels = tf.cast(shape, tf.float64)
    scale = tf.reduce_min(tf.constant(size, tf.float64) / pixels)
    return tf.maximum(tf.cast(tf.round(pixels * scale), tf.int32), 1)


def some_slices(image: tf.Tensor, count: int, offset: tf.Tensor) -> tf.Tensor:
    """As many slices as asked for.

    Of more, some at even distances; fewer are filled up with slices of 0, which a
    network passes over.

    Args:
      image: (rows, columns, slices) float32.
      count: how many.
      offset: 0..1, where between two that are taken the first one lies.

    Returns:
      (rows, columns, count) float32.
    """
    there = tf.shape(image)[2]
    spacing = tf.maximum(tf.cast(there, tf.float32) / count, 1.0)
    places = (tf.range(count, dtype=tf.float32) + offset) * spacing
    places = tf.minimum(tf.cast(places, tf.int32), tf.maximum(there, count) - 1)
    missing = tf.maximum(count - there, 0)
    return tf.gather(tf.pad(image, [[0, 0], [0, 0], [0, missing]]), places, axis=2)
