"""Losses of segmentation: how far probabilities are from the true classes.

Each is a pure function of one-hot truth and probabilities, both (batch, I, J, K, C),
the background as the first class. It gives one loss for each example, (batch,) float32,
whatever the precision of the network. A thin `keras.losses.Loss` makes the one-hot
truth from class numbers and takes the mean over the batch. Sums run over the voxels of
one example; t is 1 where the truth is the class, p its probability.
"""

from __future__ import annotations

from collections.abc import Callable

import keras

from deepresolve.system.keras_stack import Tensor, ops

_VOXEL_AXES = (1, 2, 3)  # of (batch, rows, columns, slices, channels)
# Of a probability: its logarithm and the slope of that are finite in float32, and no
# softmax of reasonable logits comes near it.
_SMALLEST = 1e-30


def soft_dice(y_true: Tensor, y_pred: Tensor, *, smoothing: float = 1.0) -> Tensor:
    """1 - mean over the classes of (2 sum(t p) + s) / (sum(t) + sum(p) + s).

    The background is left out: it would hide what happens to small tissues. A class
    that an example lacks counts, too: its loss falls to 0 as its probabilities do.

    Args:
      y_true: one-hot, (batch, I, J, K, C), any type.
      y_pred: probabilities, (batch, I, J, K, C), any floating type.
      smoothing: s, in voxels; defines the loss of a class that is nowhere.

    Returns:
      (batch,) float32, from 0 (perfect) to 1.

    Source: Dice, Ecology 1945, with probabilities for sets; sums of p, not of p^2
    (Milletari, 3DV 2016 has squares).
    """
    t, p = _float32(y_true), _float32(y_pred)
    return _dice_loss(t, p, t * p, smoothing)


def cross_entropy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Mean over all voxels of -sum over all classes, background too, of t log p.

    Args:
      y_true: one-hot, (batch, I, J, K, C), any type.
      y_pred: probabilities, (batch, I, J, K, C), any floating type; below 1e-30 they
        count as 1e-30.

    Returns:
      (batch,) float32, at least 0.
    """
    return _log_loss(_float32(y_true) * _float32(y_pred))


def dice_cross_entropy(
    y_true: Tensor, y_pred: Tensor, *, smoothing: float = 1.0
) -> Tensor:
    """`soft_dice` plus `cross_entropy` (as in nnU-Net: Isensee, Nature Methods 2021).

    Cross-entropy has a slope even where an example's Dice is hopeless.

    Args:
      y_true: one-hot, (batch, I, J, K, C), any type.
      y_pred: probabilities, (batch, I, J, K, C), any floating type.
      smoothing: s of the Dice part, in voxels; defines the loss of a class that is
        nowhere.

    Returns:
      (batch,) float32, at least 0.
    """
    t, p = _float32(y_true), _float32(y_pred)
    common = t * p
    return _dice_loss(t, p, common, smoothing) + _log_loss(common)


def tversky(
    y_true: Tensor,
    y_pred: Tensor,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    smoothing: float = 1.0,
) -> Tensor:
    """1 - mean over the classes of (TP + s) / (TP + alpha FP + beta FN + s).

    TP = sum(t p), FP = sum((1 - t) p), FN = sum(t (1 - p)). The background is left
    out. alpha = beta = 1/2 is `soft_dice` of twice the smoothing.

    Args:
      y_true: one-hot, (batch, I, J, K, C), any type.
      y_pred: probabilities, (batch, I, J, K, C), any floating type.
      alpha: weight of voxels wrongly in a class.
      beta: weight of voxels wrongly outside it.
      smoothing: s, in voxels; defines the loss of a class that is nowhere.

    Returns:
      (batch,) float32, from 0 (perfect) to 1.

    Source: Salehi, MLMI 2017; 0.3 and 0.7 are the best there.
    """
    t, p = _float32(y_true), _float32(y_pred)
    hits, false_alarms, misses = (
        _foreground_volumes(x) for x in (t * p, (1 - t) * p, t * (1 - p))
    )
    found = hits + smoothing
    index = found / (found + alpha * false_alarms + beta * misses)
    return 1 - ops.mean(index, axis=-1)


def generalised_dice(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 - 2 sum_c(w sum(t p)) / sum_c(w (sum(t) + sum(p))), w = 1 / sum(t)^2.

    One fraction over all classes, the background too, whose weights make small
    tissues count as much as large ones. A class that an example lacks gets the largest
    weight of the others (as in the authors' NiftyNet). No smoothing: the truth is
    never empty in all classes, so the denominator is never 0.

    Args:
      y_true: one-hot, (batch, I, J, K, C), any type.
      y_pred: probabilities, (batch, I, J, K, C), any floating type.

    Returns:
      (batch,) float32, from 0 (perfect) to 1.

    Source: Sudre, DLMIA 2017, equation 3.
    """
    t, p = _float32(y_true), _float32(y_pred)
    overlap, true, predicted = (_volumes(x) for x in (t * p, t, p))
    weights = ops.where(true > 0, 1 / ops.maximum(true, 1.0) ** 2, 0.0)
    largest = ops.max(weights, axis=-1, keepdims=True)
    weights = ops.where(true > 0, weights, largest)
    agreement = ops.sum(weights * overlap, axis=-1)
    return 1 - 2 * agreement / ops.sum(weights * (true + predicted), axis=-1)


class _OfClassNumbers(keras.losses.Loss):
    """Mean over the batch of a loss whose truth is class numbers.

    y_true: (batch, I, J, K, 1) of any type; y_pred: (batch, I, J, K, C).
    """

    function: Callable

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """One loss for each example."""
        numbers = ops.cast(y_true[..., 0], "int32")
        return self.function(ops.one_hot(numbers, y_pred.shape[-1]), y_pred)


@keras.saving.register_keras_serializable("deepresolve")
class Dice(_OfClassNumbers):
    """`soft_dice` of class numbers (batch, I, J, K, 1)."""

    function = staticmethod(soft_dice)


@keras.saving.register_keras_serializable("deepresolve")
class DiceCrossEntropy(_OfClassNumbers):
    """`dice_cross_entropy` of class numbers (batch, I, J, K, 1)."""

    function = staticmethod(dice_cross_entropy)


@keras.saving.register_keras_serializable("deepresolve")
class GeneralisedDice(_OfClassNumbers):
    """`generalised_dice` of class numbers (batch, I, J, K, 1)."""

    function = staticmethod(generalised_dice)


@keras.saving.register_keras_serializable("deepresolve")
class Tversky(_OfClassNumbers):
    """`tversky` of class numbers (batch, I, J, K, 1)."""

    function = staticmethod(tversky)


def _dice_loss(t: Tensor, p: Tensor, common: Tensor, smoothing: float) -> Tensor:
    """`soft_dice`, where t p is known."""
    overlap, true, predicted = (_foreground_volumes(x) for x in (common, t, p))
    dice = (2 * overlap + smoothing) / (true + predicted + smoothing)
    return 1 - ops.mean(dice, axis=-1)


def _log_loss(common: Tensor) -> Tensor:
    """`cross_entropy` of t p, whose sum over the classes is that of the true one."""
    of_truth = ops.maximum(ops.sum(common, axis=-1), _SMALLEST)
    of_voxels = ops.log(of_truth)
    for _ in _VOXEL_AXES:
        of_voxels = ops.mean(of_voxels, axis=-1)
    return -of_voxels


def _float32(x: Tensor) -> Tensor:
    return ops.cast(x, "float32")


def _foreground_volumes(x: Tensor) -> Tensor:
    """`_volumes` of each class but the background: (batch, C - 1).

    Cut off after the sums: the gradient of a slice of all voxels takes 16 times as
    long.
    """
    return _volumes(x)[..., 1:]


def _volumes(x: Tensor) -> Tensor:
    """Sums over the voxels, for each class: (batch, I, J, K, C) -> (batch, C).

    Axis by axis: one sum of millions of voxels is off by percents, because TensorFlow
    adds them to one float32 after the other.
    """
    for axis in reversed(_VOXEL_AXES):
        x = ops.sum(x, axis=axis)
    return x
