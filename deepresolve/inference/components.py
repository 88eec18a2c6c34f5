"""The pieces that each class of a label map falls into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from deepresolve.imaging.volume import Volume

# Voxels that share a face, an edge or a corner are connected: 26 neighbours. Cartilage
# is a few voxels thick and curved; with 6 neighbours it would fall apart.
_NEIGHBOURS = np.ones((3, 3, 3), bool)
# Slices that lie further apart and not side by side, but above or in front of each
# other, cut what is curved as cartilage is into pieces that touch no more.
_THICK_MM = 2.0


class Pieces(NamedTuple):
    """Connected components of one class.

    Attributes:
      value: of the class in the label map.
      box: of the label map, all of the class in it.
      numbers: int32 of the box: of which piece, counted from 1, a voxel is; 0 of none.
      sizes: voxels of each piece; 0 for number 0.
    """

    value: int
    box: tuple[slice, ...]
    numbers: np.ndarray
    sizes: np.ndarray

    def middles(self, axis: int) -> np.ndarray:
        """Of each piece along an axis, in voxels of the label map; 0 for number 0."""
        shape = [-1 if a == axis else 1 for a in range(self.numbers.ndim)]
        along = np.arange(self.box[axis].start, self.box[axis].stop).reshape(shape)
        every = np.arange(1, len(self.sizes))
        where = np.broadcast_to(along, self.numbers.shape)
        return np.concatenate([[0.0], ndimage.mean(where, self.numbers, every)])


def pieces(label_map: Volume) -> Iterator[Pieces]:
    """The pieces of each class that a label map holds.

    Of thick slices (2 mm and more) that are not sagittal a piece is what no gap wider
    than from slice to slice runs through.

    Args:
      label_map: whole numbers, 0 for background.
    """
    coarsest_mm = max(label_map.spacing_mm)
    coarse = label_map.orientation[label_map.spacing_mm.index(coarsest_mm)]
    cuts = coarse not in "LR" and coarsest_mm >= _THICK_MM
    reach_mm = coarsest_mm / 2 if cuts else 0.0
    for value, box in enumerate(ndimage.find_objects(label_map.array), start=1):
        if box is not None:
            mask = label_map.array[box] == value
            joined = mask
            if reach_mm:
                away_mm = ndimage.distance_transform_edt(~mask, label_map.spacing_mm)
                joined = away_mm <= reach_mm
            numbers, _ = ndimage.label(joined, _NEIGHBOURS)
            numbers *= mask
            sizes = np.bincount(numbers.ravel())
            sizes[0] = 0  # all else
            yield Pieces(value, box, numbers, sizes)
