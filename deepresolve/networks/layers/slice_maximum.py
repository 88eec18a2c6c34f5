"""A whole scan's features from those of its slices: the largest of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras

from deepresolve.system.keras_stack import Tensor, ops

Within = Literal["mean", "max"]

# Below every feature that there is, and finite in half precision as well.
_LOWEST = -1e4


@keras.saving.register_keras_serializable("deepresolve")
class SliceMaximum(keras.layers.Layer):
    """Pools features within each slice, and takes the maximum over slices.

    Call it on `[features, image]`: (batch, I', J', K, C) and what they are features of,
    (batch, I, J, K, 1). A slice of the image whose pixels are all alike was filled in,
    or shows nothing: it never is the maximum. Returns (batch, C).

    Args:
      within: how the pixels of a slice are pooled: "mean" (as Bien, PLoS Med 2018) or
        "max" (as Tsai, MIDL 2020).
    """

    def __init__(self, within: Within = "mean", **options: Any):
        super().__init__(**options)
        self.within = within

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """The largest of each feature over the slices that show something."""
        features, image = inputs
        pooled = getattr(ops, self.within)(features, axis=(1, 2))  # (b, K, C)
        brightest, darkest = ops.max(image, axis=(1, 2)), ops.min(image, axis=(1, 2))
        shown = brightest > darkest  # (b, K, 1)
        return ops.max(ops.where(shown, pooled, _LOWEST), axis=1)

    def compute_output_shape(
        self, input_shape: Sequence[Sequence[int | None]]
    ) -> tuple[int | None, ...]:
        """A number for each feature."""
        features, _ = input_shape
        return (features[0], features[-1])

    def get_config(self) -> dict[str, Any]:
        """What the layer is made of again."""
        return {**super().get_config(), "within": self.within}
