"""Seg-CNN: the 3D U-Net of the abstract (levels and features: ISMRM 2019, no. 1140)."""

from __future__ import annotations

import math

import keras

from deepresolve.networks.layers import Crop, Fold, Pad
from deepresolve.networks.model import Model, Settings
from deepresolve.networks.unet import (
    live_channels,
    num_resolutions,
    size_multiple,
    unet,
)


def build(config: Settings, precision: str = "float32") -> keras.Model:
    """Volume in, probabilities of the classes out.

    With `config.fold` above 1 the U-Net works on a coarser grid (see `Fold`), and tells
    the classes of all the voxels that it folded together.

    Args:
      config: uses num_levels, num_features, dropout, class_names, fold and seed.
      precision: Keras dtype policy; input and output are float32.

    Returns:
      A model from (batch, rows, columns, slices, 1), scaled to 0..1, to (batch, rows,
      columns, slices, C), background first. Any size: the last planes are repeated up
      to a multiple of 2^(levels - 1), times fold, and what they gave is cut off.
    """
    image = keras.Input((None, None, None, 1), dtype="float32", name="image")
    multiples = tuple(size_multiple(config) * factor for factor in config.fold)
    padded = Pad(multiples, dtype="float32", name="padded")(image)
    if config.fold == (1, 1, 1):
        probabilities = unet(padded, config, precision)
    else:
        folded = Fold(config.fold, dtype=precision, name="fold")(padded)
        probabilities = unet(folded, config, precision, unfolded=padded)
    cropped = Crop(dtype="float32", name="cropped")([probabilities, image])
    return keras.Model(image, cropped, name="seg_cnn")


def _slice_multiple(config: Settings) -> int:
    return size_multiple(config) * config.fold[2]


def _live_channels(config: Settings) -> int:
    """As of a U-Net; folded, its features are fewer, and its logits are kept, too."""
    if config.fold == (1, 1, 1):
        return live_channels(config)
    per_voxel = math.ceil(6 * config.num_features / math.prod(config.fold))
    return per_voxel + 3 * (len(config.class_names) + 1)


MODEL = Model(
    build,
    title="3D Seg-CNN",
    engine="stream",
    num_resolutions=num_resolutions,
    slice_multiple=_slice_multiple,
    live_channels=_live_channels,
)
