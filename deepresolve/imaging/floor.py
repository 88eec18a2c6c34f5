"""A computed image stays above the lowest voxel that was acquired.

Networks and interpolations overshoot beside edges: next to bright tissue air comes out
negative, which no magnitude image is, and which fits and logarithms downstream cannot
take. So what falls below the acquired scan's own minimum is held there; a scan that has
negative voxels of its own (phase, real part, differences) keeps them.

There is no ceiling: a thick slice averages what thin ones show, so that a thin one may
be brighter than all that was acquired.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# As a share of the intensity range: what lies further below is no rounding of zero.
FAR = 0.01


class Undershoot(NamedTuple):
    """How much of an image lay below its floor before it was held there.

    Attributes:
      floor: the acquired scan's minimum, in scan units.
      share: of all voxels, those below.
      share_far: of all voxels, those below by more than `FAR` of the intensity range.
      largest: of the distances below, as a share of the intensity range.
    """

    floor: float
    share: float
    share_far: float
    largest: float


def hold(array: np.ndarray, floor: float) -> np.ndarray:
    """The voxels, those below `floor` at it.

    Args:
      array: float32 of any shape.
      floor: minimum of the acquired scan, in the units of `array`.
    """
    return np.maximum(array, np.float32(floor))


def measure(array: np.ndarray, floor: float, data_range: float) -> Undershoot:
    """What `hold` changes.

    Args:
      array: float32 of any shape, as it was computed.
      floor: minimum of the acquired scan, in the units of `array`.
      data_range: the scan's intensity range, in the same units.
    """
    lowest = min(floor, float(array.min()))
    far = np.float32(floor - FAR * data_range)
    return Undershoot(
        floor=floor,
        share=np.count_nonzero(array < np.float32(floor)) / array.size,
        share_far=np.count_nonzero(array < far) / array.size,
        largest=(floor - lowest) / data_range,
    )
