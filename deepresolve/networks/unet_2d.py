"""A 2D U-Net slice by slice: the usual baseline of musculoskeletal segmentation."""

from __future__ import annotations

import functools

import keras

from deepresolve.networks.model import Model, Settings
from deepresolve.networks.slicewise import slicewise_model
from deepresolve.networks.unet import (
    live_channels,
    num_resolutions,
    size_multiple,
    unet,
)


def build(config: Settings, precision: str = "float32") -> keras.Model:
    """Volume in, probabilities of the classes out, each slice on its own.

    Args:
      config: uses num_levels, num_features, dropout, class_names and seed.
      precision: Keras dtype policy; input and output are float32.

    Returns:
      A model from (batch, rows, columns, slices, 1), scaled to 0..1, to (batch, rows,
      columns, slices, C), background first; any size.
    """
    network = functools.partial(unet, config=config, precision=precision)
    return slicewise_model(network, size_multiple(config), "unet_2d")


MODEL = Model(
    build,
    title="2D U-Net",
    engine="windows",
    slicewise=True,
    num_resolutions=num_resolutions,
    live_channels=live_channels,
)
