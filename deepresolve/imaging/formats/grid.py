"""How far apart two voxel grids lie."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np


def corner_distance_mm(
    shape: Sequence[int], affine: np.ndarray, other: np.ndarray
) -> float:
    """Largest distance between the places that two affines give one corner voxel.

    No voxel is farther: the distance is convex in the index, so a corner has most.

    Args:
      shape: the voxels along (i, j, k).
      affine: (4, 4), voxel indices to RAS+ mm.
      other: (4, 4), likewise.

    Returns:
      mm.
    """
    ends = itertools.product(*((0, n - 1) for n in shape))
    corners = np.array([(*corner, 1) for corner in ends], dtype=np.float64)
    return float(np.linalg.norm((corners @ (affine - other).T)[:, :3], axis=1).max())
