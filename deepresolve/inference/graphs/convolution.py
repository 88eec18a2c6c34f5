"""Convolutions of blocks of planes, in operations that every server has.

What `deepresolve.inference.convolutions` computes, directly: its mixtures of planes are
compiled by XLA, which a server may lack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from deepresolve.networks.layers import fold, unfold


def to_planes(block: tf.Tensor, factors: Sequence[int], dtype: str) -> tf.Tensor:
    """(rows, columns, slices) -> (1, slices', rows', columns', channels), folded."""
    folded = fold(block[tf.newaxis, ..., tf.newaxis], factors)
    # Planes are slices, and lie one after the other in memory.
    return tf.cast(tf.transpose(folded, (0, 3, 1, 2, 4)), dtype)


def to_slices(planes: tf.Tensor, factors: Sequence[int]) -> tf.Tensor:
    """Undoes `to_planes`; float32, what filled the fold up included."""
    folded = tf.transpose(tf.cast(planes, tf.float32), (0, 2, 3, 1, 4))
    return unfold(folded, factors)[0, ..., 0]


def plane_convolution(layer: keras.layers.Conv3D, dtype: str) -> Callable:
    """A function (1, n, rows, columns, c) -> (1, n - 2, rows, columns, c')."""
    kernel, bias = (tf.constant(np.asarray(w)) for w in layer.get_weights())
    # (rows, columns, slices, c, c') -> (slices, rows, columns, c, c')
    kernel = tf.cast(tf.transpose(kernel, (2, 0, 1, 3, 4)), dtype)
    bias = tf.cast(bias, dtype)
    rectify = layer.activation is keras.activations.relu
    return lambda planes: _convolve(planes, kernel, bias, rectify)


# As one graph, so that TensorFlow fuses bias and ReLU into the convolution.
@tf.function(reduce_retracing=True)
def _convolve(
    planes: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, rectify: bool
) -> tf.Tensor:
    in_plane_edges = [[0, 0], [0, 0], [1, 1], [1, 1], [0, 0]]
    padded = tf.pad(planes, in_plane_edges)
    out = tf.nn.conv3d(padded, kernel, (1, 1, 1, 1, 1), "VALID")
    out = tf.nn.bias_add(out, bias)
    return tf.nn.relu(out) if rectify else out
