"""Convolving on a coarser grid: neighbouring voxels become channels, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from deepresolve.networks.layers.padding import crop, pad
from deepresolve.system.keras_stack import Tensor, ops


def fold(x: Tensor, factors: Sequence[int]) -> Tensor:
    """Moves neighbouring voxels into channels, onto a grid coarser by `factors`.

    The inverse of sub-pixel convolution's shuffle (Shi et al., CVPR 2016, section 2.2).
    Sizes that do not divide are filled up with copies of the last plane.

    Args:
      x: (batch, I, J, K, C).
      factors: (f, g, h), voxels folded together along rows, columns and slices.

    Returns:
      (batch, ceil(I/f), ceil(J/g), ceil(K/h), f g h C).
    """
    channels = x.shape[-1]
    x = pad(x, factors)
    _, rows, columns, slices, _ = ops.shape(x)
    f, g, h = factors
    x = ops.reshape(x, (-1, rows // f, f, columns // g, g, slices // h, h, channels))
    # (b, I/f, f, J/g, g, K/h, h, C) -> (b, I/f, J/g, K/h, f, g, h, C)
    x = ops.transpose(x, (0, 1, 3, 5, 2, 4, 6, 7))
    coarse = (-1, rows // f, columns // g, slices // h, f * g * h * channels)
    return ops.reshape(x, coarse)


def unfold(x: Tensor, factors: Sequence[int]) -> Tensor:
    """Undoes `fold`, filled-up planes included.

    Args:
      x: (batch, I', J', K', f g h C).
      factors: those of the `fold` to undo.

    Returns:
      (batch, f I', g J', h K', C).
    """
    _, rows, columns, slices, _ = ops.shape(x)
    f, g, h = factors
    channels = x.shape[-1] // (f * g * h)
    x = ops.reshape(x, (-1, rows, columns, slices, f, g, h, channels))
    # (b, I', J', K', f, g, h, C) -> (b, I', f, J', g, K', h, C)
    x = ops.transpose(x, (0, 1, 4, 2, 5, 3, 6, 7))
    return ops.reshape(x, (-1, rows * f, columns * g, slices * h, channels))


@keras.saving.register_keras_serializable("deepresolve")
class Fold(keras.layers.Layer):
    """`fold` as a layer: (batch, I, J, K, C) to a coarser grid of more channels.

    Args:
      factors: (f, g, h), voxels folded together along rows, columns and slices.
    """

    def __init__(self, factors: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.factors = tuple(factors)

    def call(self, inputs: Tensor) -> Tensor:
        """Folds (batch, I, J, K, C)."""
        return fold(inputs, self.factors)

    def compute_output_shape(
        self, input_shape: Sequence[int | None]
    ) -> tuple[int | None, ...]:
        """Shape of the folded tensor; unknown sizes stay unknown."""
        batch, *spatial, channels = input_shape
        f, g, h = self.factors
        coarse = (
            None if n is None else -(-n // factor)
            for n, factor in zip(spatial, self.factors, strict=True)
        )
        return (batch, *coarse, None if channels is None else f * g * h * channels)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for Keras's serialisation."""
        return {**super().get_config(), "factors": self.factors}


@keras.saving.register_keras_serializable("deepresolve")
class Unfold(keras.layers.Layer):
    """`unfold` as a layer, cropped to a reference's size.

    Call it on `[folded, like]`: (batch, I', J', K', f g h C) and a tensor of the
    spatial size (I, J, K) that the result shall have; returns (batch, I, J, K, C).

    Args:
      factors: the `factors` of the `Fold` to undo.
    """

    def __init__(self, factors: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.factors = tuple(factors)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Unfolds the first tensor to the spatial size of the second."""
        folded, like = inputs
        return crop(unfold(folded, self.factors), like)

    def compute_output_shape(
        self, input_shape: Sequence[Sequence[int | None]]
    ) -> tuple[int | None, ...]:
        """The reference's spatial size with the unfolded channels."""
        (batch, *_, channels), (_, *spatial, _) = input_shape
        f, g, h = self.factors
        unfolded = None if channels is None else channels // (f * g * h)
        return (batch, *spatial, unfolded)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for Keras's serialisation."""
        return {**super().get_config(), "factors": self.factors}
