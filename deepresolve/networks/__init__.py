"""Keras networks and losses.

A network is a module with `build(config, precision) -> keras.Model` whose spatial shape
out is its spatial shape in, for any size. To add one, write the module and add its line
to `MODELS`.
"""

import keras

from deepresolve.config import Config
from deepresolve.networks import sr_cnn
from deepresolve.networks.losses import LOSSES

MODELS = {"sr_cnn": sr_cnn.build}

__all__ = ["LOSSES", "MODELS", "build_loss", "build_model"]


def build_model(config: Config, precision: str = "float32") -> keras.Model:
    """The network that `config.model` names, with fresh weights.

    Raises:
      ValueError: no network of that name.
    """
    if config.model not in MODELS:
        raise ValueError(f"Unknown model {config.model!r}; known: {sorted(MODELS)}.")
    return MODELS[config.model](config, precision)


def build_loss(config: Config) -> keras.losses.Loss:
    """The loss that `config.loss` names.

    Raises:
      ValueError: no loss of that name.
    """
    if config.loss not in LOSSES:
        raise ValueError(f"Unknown loss {config.loss!r}; known: {sorted(LOSSES)}.")
    return LOSSES[config.loss]()
