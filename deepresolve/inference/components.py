"""Clean-up of label maps: stray islands."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# Voxels that share a face, an edge or a corner are connected: 26 neighbours. Cartilage
# is a few voxels thick and curved; with 6 neighbours it would fall apart.
_NEIGHBOURS = np.ones((3, 3, 3), bool)


def drop_small(label_map: np.ndarray, share: float) -> np.ndarray:
    """Each class without the connected components that are small beside its largest.

    A tissue may be several pieces: tibial cartilage is two plates, and either stays.

    Args:
      label_map: (I, J, K) whole numbers, 0 for background.
      share: of the voxels of a class's largest component; one that has fewer becomes
        background. 1 keeps the largest alone (or those, where several are).

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
        sizes[0] = 0  # all else
        stays = sizes >= max(1.0, share * sizes.max())
        result[box][stays[components]] = value
    return result
