"""The pieces that each class of a label map falls into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import ndimage

# Voxels that share a face, an edge or a corner are connected: 26 neighbours. Cartilage
# is a few voxels thick and curved; with 6 neighbours it would fall apart.
_NEIGHBOURS = np.ones((3, 3, 3), bool)


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


def pieces(label_map: np.ndarray) -> Iterator[Pieces]:
    """The pieces of each class that a label map holds.

    Args:
      label_map: (I, J, K) whole numbers, 0 for background.
    """
    for value, box in enumerate(ndimage.find_objects(label_map), start=1):
        if box is not None:
            numbers, _ = ndimage.label(label_map[box] == value, _NEIGHBOURS)
            sizes = np.bincount(numbers.ravel())
            sizes[0] = 0  # all else
            yield Pieces(value, box, numbers, sizes)
