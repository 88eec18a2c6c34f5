"""Seg-CNN: the 3D U-Net of the abstract (levels and features: ISMRM 2019, no. 1140)."""

from __future__ import annotations

import keras

from deepresolve.networks.layers import Crop, Pad
from deepresolve.networks.model import Model, Settings
from deepresolve.networks.unet import (
    live_channels,
    num_resolutions,
    size_multiple,
    unet,
)


def build(config: Settings, precision: str = "float32") -> keras.Model:
    """Volume in, probabilities of the classes out.

    Args:
      config: uses num_levels, num_features, dropout, class_names and seed.
      precision: Keras dtype policy; input and output are float32.

    Returns:
      A model from (batch, rows, columns, slices, 1), scaled to 0..1, to (batch, rows,
      columns, slices, C), background first. Any size: the last planes are repeated up
      to a multiple of 2^(levels - 1), and what they gave is cut off.
    """
    image = keras.Input((None, None, None, 1), dtype="float32", name="image")
    multiple = size_multiple(config)
    padded = Pad((multiple,) * 3, dtype="float32", name="padded")(image)
    probabilities = unet(padded, config, precision)
    cropped = Crop(dtype="float32", name="cropped")([probabilities, image])
    return keras.Model(image, cropped, name="seg_cnn")


MODEL = Model(
    build,
    title="3D Seg-CNN",
    engine="windows",
    num_resolutions=num_resolutions,
    slice_multiple=size_multiple,
    live_channels=live_channels,
)
