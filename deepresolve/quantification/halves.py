"""The medial and the lateral half of a joint, and the gap between them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

# No plate is wider than this, and no meniscus; what is, and has a gap, is both halves.
_BOTH_MM = 45.0
# Of all voxels, that the smaller half has at least.
_EITHER_SIDE = 0.2
# Of the fullest plane, that one between the halves has at most.
_BETWEEN = 0.35
# Single planes, in which a network found little, are no gap.
_SMOOTH_MM = 1.0


def parted_joint(counts: np.ndarray, step_mm: float) -> int | None:
    """As `parted`; None where what there is is no wider than one half alone.

    Args:
      counts: (n,) voxels in each plane, from side to side.
      step_mm: from plane to plane.
    """
    filled = np.flatnonzero(counts)
    if not filled.size or np.ptp(filled) * step_mm <= _BOTH_MM:
        return None
    return parted(counts, step_mm)


def parted(counts: np.ndarray, step_mm: float) -> int | None:
    """The first plane of the second half; None where there are no two.

    Between them lies the plane with the least, which has little.

    Args:
      counts: (n,) voxels in each plane, from side to side; not all of them 0.
      step_mm: from plane to plane.
    """
    smooth = ndimage.gaussian_filter1d(counts.astype(float), _SMOOTH_MM / step_mm)
    share = np.cumsum(counts) / counts.sum()
    (between,) = np.nonzero((share > _EITHER_SIDE) & (share < 1 - _EITHER_SIDE))
    if not between.size or smooth[between].min() > _BETWEEN * smooth.max():
        return None
    return int(between[np.argmin(smooth[between])])
