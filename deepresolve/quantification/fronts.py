"""Distances to a surface that lies between voxels.

Values on both sides of a surface tell where between two voxels it is: where the line
through them is zero. Of a voxel beside the surface the places along each axis make the
distance, as in fast marching (Sethian, PNAS 1996;93:1591): that of a plane which cuts
the axes there. All other voxels are as far away as the nearest one on the other side
is, without that one's own distance.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# Of a voxel: nothing is nearer to a surface, so that no distance is 0.
_LEAST_SHARE = 1e-3


def signed_mm(excess: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
    """Distance to where a field changes its sign, negative where it is 0 or above.

    Args:
      excess: (I, J, K) float, above 0 inside and below outside.
      spacing_mm: of the voxels.

    Returns:
      float32 of its shape, in mm.

    Raises:
      ValueError: it has one sign everywhere.
    """
    inside = excess >= 0
    if inside.all() or not inside.any():
        raise ValueError("A field that has one sign everywhere has no surface.")
    inverse_squares = np.zeros(excess.shape, np.float32)
    for axis, step_mm in enumerate(spacing_mm):
        inverse_squares += _along(excess, inside, axis) / step_mm**2
    beside = inverse_squares > 0
    own_mm = np.zeros(excess.shape, np.float32)
    own_mm[beside] = 1 / np.sqrt(inverse_squares[beside])
    return _from_other_side(inside, beside, own_mm, spacing_mm)


def _from_other_side(
    inside: np.ndarray,
    beside: np.ndarray,
    own_mm: np.ndarray,
    spacing_mm: tuple[float, ...],
) -> np.ndarray:
    """Signed distance of all voxels, given that of those beside the surface."""
    result = np.zeros(inside.shape, np.float32)
    for side, sign in ((inside, -1), (~inside, 1)):
        away_mm, nearest = ndimage.distance_transform_edt(
            side, spacing_mm, return_indices=True
        )
        away_mm -= own_mm[tuple(nearest)]
        result[side] = sign * np.where(beside, own_mm, away_mm)[side]
    return result


def _along(excess: np.ndarray, inside: np.ndarray, axis: int) -> np.ndarray:
    """1 over the square of how many voxels away the surface is along an axis.

    0 where it does not lie between a voxel and one of its two neighbours.
    """
    before, after = (
        tuple(part if along == axis else slice(None) for along in range(excess.ndim))
        for part in (slice(None, -1), slice(1, None))
    )
    changes = inside[before] != inside[after]
    low, high = excess[before][changes], excess[after][changes]
    share = np.clip(low / (low - high), _LEAST_SHARE, 1 - _LEAST_SHARE)
    found = np.zeros(excess.shape, np.float32)
    for where, voxels in ((before, share), (after, 1 - share)):
        nearer = np.zeros(changes.shape, np.float32)
        nearer[changes] = voxels**-2.0
        np.maximum(found[where], nearer, out=found[where])
    return found
