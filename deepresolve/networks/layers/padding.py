"""Padding to sizes that divide, and cropping back to a reference's size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from deepresolve.system.keras_stack import Tensor, ops

_SPATIAL_AXES = (1, 2, 3)  # of (batch, rows, columns, slices, channels)


def pad(x: Tensor, multiples: Sequence[int]) -> Tensor:
    """Repeats the last planes until every size is a multiple.

    Repeated planes continue the scan without an edge that is none, and need no more
    planes than there are.

    Args:
      x: (batch, I, J, K, C).
      multiples: (f, g, h), of rows, columns and slices.

    Returns:
      (batch, f ceil(I/f), g ceil(J/g), h ceil(K/h), C).
    """
    for axis, multiple in zip(_SPATIAL_AXES, multiples, strict=True):
        x = _pad_axis(x, axis, multiple)
    return x


def crop(x: Tensor, like: Tensor) -> Tensor:
    """Cuts off what is beyond the spatial size of `like`.

    Args:
      x: (batch, I', J', K', C), no smaller than `like`.
      like: (batch, I, J, K, any).

    Returns:
      (batch, I, J, K, C).
    """
    _, rows, columns, slices, _ = ops.shape(like)
    return x[:, :rows, :columns, :slices, :]


def padded_size(size: int | None, multiple: int) -> int | None:
    """Size after `pad`; None where it is unknown."""
    # Not by turning the sign: ONNX rounds negative quotients towards zero.
    return None if size is None else (size + multiple - 1) // multiple * multiple


@keras.saving.register_keras_serializable("deepresolve")
class Pad(keras.layers.Layer):
    """`pad` as a layer.

    Args:
      multiples: (f, g, h), of which rows, columns and slices become multiples.
    """

    def __init__(self, multiples: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.multiples = tuple(multiples)

    def call(self, inputs: Tensor) -> Tensor:
        """Pads (batch, I, J, K, C)."""
        return pad(inputs, self.multiples)

    def compute_output_shape(
        self, input_shape: Sequence[int | None]
    ) -> tuple[int | None, ...]:
        """Shape of the padded tensor; unknown sizes stay unknown."""
        batch, *spatial, channels = input_shape
        return (batch, *map(padded_size, spatial, self.multiples), channels)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for Keras's serialisation."""
        return {**super().get_config(), "multiples": self.multiples}


@keras.saving.register_keras_serializable("deepresolve")
class Crop(keras.layers.Layer):
    """`crop` as a layer. Call it on `[x, like]`."""

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Crops the first tensor to the spatial size of the second."""
        x, like = inputs
        return crop(x, like)

    def compute_output_shape(
        self, input_shape: Sequence[Sequence[int | None]]
    ) -> tuple[int | None, ...]:
        """The second tensor's spatial size with the first one's channels."""
        (batch, *_, channels), (_, *spatial, _) = input_shape
        return (batch, *spatial, channels)


def _pad_axis(x: Tensor, axis: int, multiple: int) -> Tensor:
    if multiple == 1:
        return x
    size = ops.shape(x)[axis]
    last = _slice(x, axis, size - 1, size)
    longest = ops.concatenate([x] + [last] * (multiple - 1), axis=axis)
    return _slice(longest, axis, 0, padded_size(size, multiple))


def _slice(x: Tensor, axis: int, start: Any, stop: Any) -> Tensor:
    index = [slice(None)] * 5
    index[axis] = slice(start, stop)
    return x[tuple(index)]
