"""Clean-up of label maps: stray islands."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# Voxels that share a face, an edge or a corner are connected: 26 neighbours. Cartilage
# is a few voxels thick and curved; with 6 neighbours it would fall apart.
_NEIGHBOURS = np.ones((3, 3, 3), bool)


def keep_largest(label_map: np.ndarray) -> np.ndarray:
    """The largest connected component of each class; all else becomes background.

    Of two equally large ones the first in the array's order stays.

    Args:
      label_map: (I, J, K) whole numbers, 0 for background.

    Returns:
      A new array of the same shape and dtype.
    """
    result = np.zeros_like(label_map)
    boxes = ndimage.find_objects(label_map)
    for value, box in enumerate(boxes, start=1):
        if box is None:  # a class that the map does not hold
            continue
        components, _ = ndimage.label(label_map[box] == value, _NEIGHBOURS)
        sizes = np.bincount(components.ravel())
        largest = 1 + np.argmax(sizes[1:])
        result[box][components == largest] = value
    return result
