"""Losses of super-resolution: how far intensities are from the true ones."""

from __future__ import annotations

import keras

from deepresolve.system.keras_stack import Tensor, ops


def charbonnier(y_true: Tensor, y_pred: Tensor, *, epsilon: float = 1e-3) -> Tensor:
    """Mean over the voxels of sqrt(error^2 + epsilon^2).

    The absolute error, rounded off where it is small. Strong edges, which no network
    can wholly restore, weigh less than in the squared error, and flat tissue more.

    Args:
      y_true: intensities, (batch, ...), of at least one more axis, scaled to 0..1.
      y_pred: estimates, the same shape, any floating type.
      epsilon: error below which the loss is round, of full scale.

    Returns:
      (batch,) float32, at least epsilon.

    Source: Charbonnier, ICIP 1994; for super-resolution Lai, CVPR 2017, whose epsilon
    it is.
    """
    error = ops.cast(y_pred, "float32") - ops.cast(y_true, "float32")
    axes = tuple(range(1, len(error.shape)))
    return ops.mean(ops.sqrt(error * error + epsilon**2), axis=axes)


@keras.saving.register_keras_serializable("deepresolve")
class Charbonnier(keras.losses.Loss):
    """Mean over the batch of `charbonnier`."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """One loss for each example."""
        return charbonnier(y_true, y_pred)
