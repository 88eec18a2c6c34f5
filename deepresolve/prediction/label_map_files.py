"""Label maps that are to be measured, of whatever format, and what is none."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping

import numpy as np

from deepresolve.imaging import formats
from deepresolve.imaging.formats import label_maps, segmentations
from deepresolve.imaging.volume import Volume

# Values of a label map; an image has more.
_MOST_VALUES = 100


def read_label_map(path: pathlib.Path) -> tuple[Volume, Mapping[int, str]]:
    """A label map, and what it says that its values mean, which only DICOM does.

    Raises:
      ValueError: it cannot be read, or holds no labels.
      OSError: it cannot be read.
    """
    if segmentations.is_one(path):
        found = segmentations.read(path)
        _check_labels(found.label_map.array, path)
        return found
    volume = formats.read_map(path)
    _check_labels(volume.array, path)
    return label_maps.on_image(volume, volume, path), {}


def _check_labels(array: np.ndarray, path: pathlib.Path) -> None:
    """ValueError of a map without a label, and of an image."""
    values = np.unique(array)
    if not values.any():
        raise ValueError(
            f"{path}: every voxel is 0, so nothing is labelled. Expected the number of "
            "a tissue in each of its voxels; draw or segment it again."
        )
    if len(values) > _MOST_VALUES and values[-1] > 1:
        what = "DICOM images" if path.is_dir() else "an image"
        raise ValueError(
            f"{path}: holds {len(values)} values from {values[0]:g} to {values[-1]:g}, "
            f"as {what} would, or a label map that was interpolated. Expected the "
            "number of a tissue in each voxel: name the label map that was drawn on "
            "this image (NIfTI, MetaImage, NRRD, or a DICOM segmentation)."
        )
