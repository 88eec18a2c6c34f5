"""Networks and losses of segmentation. A new one is a line in its table.

A network's output has a channel for the background and for each of
`config.class_names`: probabilities, of the same size as the input. A loss's y_true are
class numbers, (batch, rows, columns, slices, 1).
"""

from __future__ import annotations

from collections.abc import Callable

import keras

from deepresolve.networks import Model, seg_cnn, segnet_2d, unet_2d
from deepresolve.networks.losses import overlap

MODELS: dict[str, Model] = {
    "seg_cnn": seg_cnn.MODEL,
    "segnet_2d": segnet_2d.MODEL,
    "unet_2d": unet_2d.MODEL,
}
LOSSES: dict[str, Callable[[], keras.losses.Loss]] = {
    "dice": overlap.Dice,
    "dice_cross_entropy": overlap.DiceCrossEntropy,
    "generalised_dice": overlap.GeneralisedDice,
    "tversky": overlap.Tversky,
}
