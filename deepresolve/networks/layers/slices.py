"""A volume as a batch of slices, for networks that see one slice at a time."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from deepresolve.system.keras_stack import Tensor, ops


@keras.saving.register_keras_serializable("deepresolve")
class SlicesToBatch(keras.layers.Layer):
    """(batch, I, J, K, C) -> (batch K, I, J, C): every slice an image of its own."""

    def call(self, inputs: Tensor) -> Tensor:
        """Lays the slices of each volume one after the other."""
        _, rows, columns, _, channels = ops.shape(inputs)
        slices = ops.transpose(inputs, (0, 3, 1, 2, 4))  # (b, K, I, J, C)
        return ops.reshape(slices, (-1, rows, columns, channels))

    def compute_output_shape(
        self, input_shape: Sequence[int | None]
    ) -> tuple[int | None, ...]:
        """Shape of the batch of slices; unknown sizes stay unknown."""
        batch, rows, columns, slices, channels = input_shape
        number = None if batch is None or slices is None else batch * slices
        return (number, rows, columns, channels)


@keras.saving.register_keras_serializable("deepresolve")
class BatchToSlices(keras.layers.Layer):
    """Undoes `SlicesToBatch`.

    Call it on `[images, like]`: (batch K, I, J, C) and a tensor (batch, any, any, K,
    any) of as many slices; returns (batch, I, J, K, C).
    """

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Stacks the images to volumes."""
        images, like = inputs
        _, rows, columns, channels = ops.shape(images)
        num_slices = ops.shape(like)[3]
        volumes = ops.reshape(images, (-1, num_slices, rows, columns, channels))
        return ops.transpose(volumes, (0, 2, 3, 1, 4))  # (b, K, I, J, C) -> volume

    def compute_output_shape(
        self, input_shape: Sequence[Sequence[int | None]]
    ) -> tuple[int | None, ...]:
        """Shape of the volumes; unknown sizes stay unknown."""
        (_, rows, columns, channels), (batch, _, _, slices, _) = input_shape
        return (batch, rows, columns, slices, channels)
