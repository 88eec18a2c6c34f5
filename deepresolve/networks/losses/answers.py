"""Losses of questions on a whole scan, each answered by a probability."""

from __future__ import annotations

import keras

from deepresolve.system.keras_stack import Tensor, ops

# Of a probability; no gradient comes from one that is smaller.
_SMALLEST = 1e-7


def weighted_cross_entropy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Mean over the outputs of -w (t log p + (1 - t) log(1 - p)).

    Args:
      y_true: (batch, outputs, 2): the target t, 0..1, and its weight w, at least 0. A
        weight of 0 stands for an answer that nobody knows.
      y_pred: probabilities p, (batch, outputs), any floating type; they count as 1e-7
        to 1 - 1e-7.

    Returns:
      (batch,) float32, at least 0.
    """
    truth, p = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
    target, weight = truth[..., 0], truth[..., 1]
    of_yes = target * ops.log(ops.maximum(p, _SMALLEST))
    of_no = (1 - target) * ops.log(ops.maximum(1 - p, _SMALLEST))
    return -ops.mean(weight * (of_yes + of_no), axis=-1)


@keras.saving.register_keras_serializable("deepresolve")
class WeightedCrossEntropy(keras.losses.Loss):
    """Mean over the batch of `weighted_cross_entropy`."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """One loss for each example."""
        return weighted_cross_entropy(y_true, y_pred)
