"""Keras networks, their layers and losses; which of them are for what, tasks say.

A network is a module with `MODEL`, a `Model`: `build(config, precision)`, and what the
rest needs to know of it. It takes (batch, rows, columns, slices, 1) float32, scaled to
0..1, of any size. A loss is a function without arguments that makes a
`keras.losses.Loss`. Each is a line in `MODELS` or `LOSSES` of a task's `models`.
"""

from deepresolve.networks.catalogue import build_loss, build_model, find_model
from deepresolve.networks.layers import CUSTOM_OBJECTS
from deepresolve.networks.model import Model

__all__ = ["CUSTOM_OBJECTS", "Model", "build_loss", "build_model", "find_model"]
