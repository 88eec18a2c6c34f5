"""Convolutions of `label_precision.py`, and how a stream is built of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np
import tensorflow as tf

from deepresolve.inference import stream_parser, winograd
from deepresolve.inference.convolutions import Convolution3, convolve_plane


@contextmanager
def kept_exact(is_kept: Callable[[str], bool]) -> Iterator[None]:
    """Layers of some names are parsed as of a stream in float32."""
    build = stream_parser._convolution

    def convolution(layer, kernel, bias, rectify, dtype):
        own = "float32" if is_kept(layer.name) else dtype
        return build(layer, kernel, bias, rectify, own)

    def concatenated(planes):
        if len({plane.dtype for plane in planes}) > 1:
            planes = [tf.cast(plane, tf.float32) for plane in planes]
        return tf.concat(planes, axis=-1)

    with (
        mock.patch.object(stream_parser, "_convolution", convolution),
        mock.patch.object(stream_parser, "_concatenated", concatenated),
    ):
        yield


@contextmanager
def convolutions_of(kind: type[Convolution3]) -> Iterator[None]:
    """Convolutions over 3x3x3 voxels are parsed as of a class."""
    with mock.patch.object(stream_parser, "Convolution3", kind):
        yield


class RoundedFactors(Convolution3):
    """Factors of 8 bits; sums and planes of float32."""

    def __init__(self, kernel, bias, rectify, dtype):
        super().__init__(kernel, bias, rectify, dtype)
        self._kernels = _rounded(self._kernels)
        self._side_by_side = _rounded(self._side_by_side)

    def _four(self, planes):
        products = [
            tf.nn.conv2d(_rounded(factor), kernel, 1, "SAME")
            for factor, kernel in zip(
                winograd.mix(winograd.FROM_INPUTS, planes),
                tf.unstack(self._kernels),
                strict=True,
            )
        ]
        return _outputs(products, self._bias, self._rectify)

    def _one(self, planes):
        joined = _rounded(tf.concat(planes, axis=-1))
        return convolve_plane(joined, self._side_by_side, self._bias, self._rectify)


class Halves(Convolution3):
    """As exact as float32, of bfloat16 products: of a high and a low half each.

    A convolution in bfloat16 gives a sum rounded to 8 bits; one more, of the same
    products, of those with the low halves and of that sum, subtracted, gives what it
    was rounded by.
    """

    def __init__(self, kernel, bias, rectify, dtype):
        super().__init__(kernel, bias, rectify, dtype)
        high, low = _halves(self._kernels)
        filters = kernel.shape[-1]
        minus_one = np.zeros((*self._kernels.shape[:3], filters, filters))
        minus_one[:, 1, 1] = -np.eye(filters)
        self._high = high
        minus_sum = tf.cast(minus_one, tf.bfloat16)
        self._remainder = tf.concat([high, high, low, minus_sum], axis=-2)

    def _four(self, planes):
        return _of_halves(
            planes, self._high, self._remainder, self._bias, self._rectify
        )


@tf.function(reduce_retracing=True)
def _of_halves(planes, kernels, remainders, bias, rectify):
    sums = []
    for (high, thrice), kernel, remainder in zip(
        _factors(planes), tf.unstack(kernels), tf.unstack(remainders), strict=True
    ):
        coarse = tf.nn.conv2d(high, kernel, 1, "SAME")
        rest = tf.concat([thrice, coarse], axis=-1)
        fine = tf.nn.conv2d(rest, remainder, 1, "SAME")
        sums.append((coarse, fine))
    return _joined(sums, bias, rectify)


@tf.function(jit_compile=True)
def _factors(planes):
    result = []
    for factor in winograd.mix(winograd.FROM_INPUTS, planes):
        high, low = _halves(factor)
        result.append((high, tf.concat([high, low, high], axis=-1)))
    return result


@tf.function(jit_compile=True)
def _joined(sums, bias, rectify):
    wide = [
        tf.cast(coarse, tf.float32) + tf.cast(fine, tf.float32) for coarse, fine in sums
    ]
    return _outputs(wide, bias, rectify)


def _outputs(products, bias, rectify):
    planes = [plane + bias for plane in winograd.mix(winograd.TO_OUTPUTS, products)]
    return [tf.nn.relu(plane) for plane in planes] if rectify else planes


def _halves(values):
    """High and low half of float32, bfloat16 both."""
    high = tf.cast(values, tf.bfloat16)
    return high, tf.cast(values - tf.cast(high, tf.float32), tf.bfloat16)


def _rounded(values):
    return tf.cast(tf.cast(values, tf.bfloat16), tf.float32)


ARITHMETIC = {
    "float32, factors rounded to bfloat16": RoundedFactors,
    "bfloat16, high and low halves": Halves,
}
