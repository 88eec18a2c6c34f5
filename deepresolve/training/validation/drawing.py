"""Volumes as pictures: the right way up, with square pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from deepresolve.imaging.volume import Volume

_WHITE_PERCENTILE = 99  # joint fluid, far brighter than all else, may saturate


def across(volume: Volume, axis: int) -> Volume:
    """The same voxels, sliced across another axis of theirs.

    Returns:
      A view array[row, column, slice]; its slices stand as a radiologist sees them.
    """
    return dataclasses.replace(volume, slice_axis=axis, to_source=None).canonical()


def square_pixels(
    image: np.ndarray, spacing_mm: Sequence[float], *, order: int, scale: int = 1
) -> np.ndarray:
    """An image whose pixels are squares.

    Args:
      image: (rows, columns) pixels.
      spacing_mm: distance between rows and between columns, in mm.
      order: 0 repeats pixels, as labels need it; 1 interpolates linearly.
      scale: pixels of the result along the side of one of the image, the shorter side.

    Returns:
      The same field of view, in the image's dtype.
    """
    zoom = scale * np.asarray(spacing_mm) / min(spacing_mm)
    return ndimage.zoom(image, zoom, order=order, mode="nearest", grid_mode=True)


def white_level(image: Volume) -> float:
    """The intensity that is drawn white: the 99th percentile of a scan."""
    return float(np.percentile(image.array, _WHITE_PERCENTILE)) or 1.0
