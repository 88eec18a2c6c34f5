"""Convolutions of planes that lie one after the other, each (1, rows, columns, C).

Four planes together cost half of what they cost one by one (`winograd`); a single one
is a convolution of the three planes that it depends on, laid side by side as channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from deepresolve.inference import winograd

GROUP = winograd.NUM_OUTPUTS
# From here on, six products for up to four planes are fewer than three for each.
_FEWEST_PLANES = 3
# With fewer channels the products are cheaper than the mixtures that save them, and in
# smaller planes, of which there are few, than what it takes to compile the mixtures.
_FEWEST_CHANNELS = 8
_FEWEST_VOXELS = 32 * 32


class Convolution3:
    """A 3x3x3 convolution with zeros around the volume.

    Args:
      kernel: (3, 3, 3, channels, filters), as Keras keeps it.
      bias: (filters,).
      rectify: whether ReLU comes after it.
      dtype: what it computes in.

    Attributes:
      num_features: filters.
    """

    def __init__(self, kernel: np.ndarray, bias: np.ndarray, rectify: bool, dtype: str):
        self.num_features = kernel.shape[-1]
        self._dtype = dtype
        self._is_wide = kernel.shape[3] >= _FEWEST_CHANNELS
        self._bias = tf.constant(bias, tf.float32)
        self._rectify = rectify
        self._kernels = tf.cast(winograd.transform_kernel(kernel), dtype)
        # (rows, columns, slices, c, f) -> (rows, columns, slices c, f)
        self._side_by_side = tf.cast(kernel.reshape(3, 3, -1, kernel.shape[-1]), dtype)

    def __call__(self, planes: Sequence[tf.Tensor | None]) -> list[tf.Tensor]:
        """Takes n + 2 planes, None for zeros, at least one is none; returns n."""
        zeros = tf.zeros_like(next(plane for plane in planes if plane is not None))
        known = [zeros if plane is None else plane for plane in planes]
        is_large = self._is_wide and math.prod(zeros.shape[1:3]) >= _FEWEST_VOXELS
        result: list[tf.Tensor] = []
        while len(result) < len(known) - 2:
            first = len(result)
            num = min(GROUP, len(known) - 2 - first)
            if num < _FEWEST_PLANES or not is_large:
                result.append(self._one(known[first : first + 3]))
                continue
            group = known[first : first + winograd.NUM_INPUTS]
            group += [zeros] * (winograd.NUM_INPUTS - len(group))
            result += self._four(group)[:num]
        return result

    def _four(self, planes: list[tf.Tensor]) -> list[tf.Tensor]:
        planes = [tf.cast(plane, self._dtype) for plane in planes]
        return _convolve(planes, self._kernels, self._bias, self._rectify)

    def _one(self, planes: list[tf.Tensor]) -> tf.Tensor:
        joined = tf.cast(tf.concat(planes, axis=-1), self._dtype)
        return convolve_plane(joined, self._side_by_side, self._bias, self._rectify)


@tf.function(reduce_retracing=True)
def convolve_plane(
    plane: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, rectify: bool
) -> tf.Tensor:
    """A 2D convolution; as one graph, so that bias and ReLU are fused into it."""
    out = tf.nn.conv2d(plane, kernel, 1, "SAME")
    out = tf.nn.bias_add(out, tf.cast(bias, out.dtype))
    return tf.nn.relu(out) if rectify else out


@tf.function(reduce_retracing=True)
def _convolve(
    planes: Sequence[tf.Tensor], kernels: tf.Tensor, bias: tf.Tensor, rectify: bool
) -> list[tf.Tensor]:
    products = [
        tf.nn.conv2d(factor, kernel, 1, "SAME")
        for factor, kernel in zip(_factors(planes), tf.unstack(kernels), strict=True)
    ]
    return _outputs(products, bias, rectify)


# Mixing moves much memory for little arithmetic, so it is compiled: each plane is read
# and written once. The sums are float32 whatever the planes are.
@tf.function(jit_compile=True)
def _factors(planes: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    wide = [tf.cast(plane, tf.float32) for plane in planes]
    mixed = winograd.mix(winograd.FROM_INPUTS, wide)
    return [tf.cast(plane, planes[0].dtype) for plane in mixed]


@tf.function(jit_compile=True)
def _outputs(
    products: Sequence[tf.Tensor], bias: tf.Tensor, rectify: bool
) -> list[tf.Tensor]:
    wide = [tf.cast(product, tf.float32) for product in products]
    mixed = [plane + bias for plane in winograd.mix(winograd.TO_OUTPUTS, wide)]
    if rectify:
        mixed = [tf.nn.relu(plane) for plane in mixed]
    return [tf.cast(plane, products[0].dtype) for plane in mixed]
