"""A network of 2D images, run over every slice of a volume."""

from __future__ import annotations

from collections.abc import Callable

import keras

from deepresolve.networks.layers import BatchToSlices, Crop, Pad, SlicesToBatch


def slicewise_model(network: Callable, size_multiple: int, name: str) -> keras.Model:
    """A model of volumes whose slices know nothing of each other.

    Args:
      network: from (batch, I, J, 1) to (batch, I, J, C), float32.
      size_multiple: what I and J must be multiples of; the last row and column are
        repeated up to it, and what they gave is cut off.
      name: of the model.

    Returns:
      A model from (batch, rows, columns, slices, 1) to (batch, rows, columns, slices,
      C), any size, float32.
    """
    image = keras.Input((None, None, None, 1), dtype="float32", name="image")
    multiples = (size_multiple, size_multiple, 1)
    padded = Pad(multiples, dtype="float32", name="padded")(image)
    slices = SlicesToBatch(dtype="float32", name="slices")(padded)
    probabilities = network(slices)
    volumes = BatchToSlices(dtype="float32", name="volumes")([probabilities, image])
    cropped = Crop(dtype="float32", name="cropped")([volumes, image])
    return keras.Model(image, cropped, name=name)
