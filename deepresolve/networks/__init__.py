"""Keras networks and losses, by task.

A network is a module with `build(config, precision) -> keras.Model` whose spatial shape
out is its spatial shape in, for any size. To add one, write the module and add its line
to `MODELS`. What it takes is (batch, rows, columns, slices, 1) float32, scaled to 0..1;
what it gives has, for super-resolution, one channel of intensities, and for
segmentation the probabilities of the background and of each of `config.class_names`.

A loss is a function without arguments that makes a `keras.losses.Loss`. Its y_true are,
for super-resolution, intensities, and for segmentation class numbers, (batch, rows,
columns, slices, 1).
"""

from collections.abc import Mapping
from typing import Any

import keras

from deepresolve.config import Config
from deepresolve.networks import seg_cnn, segnet_2d, sr_cnn, unet_2d
from deepresolve.networks.layers import CUSTOM_OBJECTS
from deepresolve.networks.losses import images, overlap

MODELS = {
    "super_resolution": {"sr_cnn": sr_cnn.build},
    "segmentation": {
        "seg_cnn": seg_cnn.build,
        "segnet_2d": segnet_2d.build,
        "unet_2d": unet_2d.build,
    },
}
LOSSES = {
    "super_resolution": {
        "charbonnier": images.Charbonnier,
        "mean_absolute_error": keras.losses.MeanAbsoluteError,
        "mean_squared_error": keras.losses.MeanSquaredError,
    },
    "segmentation": {
        "dice": overlap.Dice,
        "dice_cross_entropy": overlap.DiceCrossEntropy,
        "generalised_dice": overlap.GeneralisedDice,
        "tversky": overlap.Tversky,
    },
}

# Networks that see one slice at a time.
SLICEWISE = frozenset({"segnet_2d", "unet_2d"})

__all__ = [
    "CUSTOM_OBJECTS",
    "LOSSES",
    "MODELS",
    "SLICEWISE",
    "build_loss",
    "build_model",
]


def build_model(config: Config, precision: str = "float32") -> keras.Model:
    """The network that `config.model` names, with fresh weights.

    Raises:
      ValueError: the task has no network of that name.
    """
    return _find("model", MODELS, config.task, config.model)(config, precision)


def build_loss(config: Config) -> keras.losses.Loss:
    """The loss that `config.loss` names.

    Raises:
      ValueError: the task has no loss of that name.
    """
    return _find("loss", LOSSES, config.task, config.loss)()


def _find(kind: str, tables: Mapping[str, Mapping], task: str, name: str) -> Any:
    if name in tables[task]:
        return tables[task][name]
    owners = [owner for owner, table in tables.items() if name in table]
    problem = (
        f"The {kind} {name!r} is for task={owners[0]}, this run for task={task}"
        if owners
        else f"Unknown {kind} {name!r} for task={task}"
    )
    raise ValueError(f"{problem}; known: {sorted(tables[task])}.")
