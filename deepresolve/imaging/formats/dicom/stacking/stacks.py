"""How slices on one grid lie along their normal: at one place, in stacks, with gaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepresolve.imaging.formats.dicom.slice_header import SliceHeader
from deepresolve.imaging.formats.dicom.stacking import geometry

# A gap of more slices than that may be two stacks.
_WIDE_GAP = 5
_FEWEST_OF_A_STACK = 3
# A gap that is off a whole number of spacings by this share is no missing slice.
_UNEVEN = 0.1


def most_at_one_place(slices: Sequence[SliceHeader]) -> int:
    """How many slices lie at the place where most do."""
    distance_mm = np.sort([s.along_normal_mm for s in slices])
    moves = np.diff(distance_mm) >= geometry.SAME_POSITION_MM
    places = np.concatenate([[0], np.cumsum(moves)])
    return int(np.bincount(places).max())


def is_even(slices: Sequence[SliceHeader]) -> bool:
    """Whether slices make a volume, of three slices at least, without a fault."""
    if len(slices) < _FEWEST_OF_A_STACK:
        return False
    ordered = sorted(slices, key=lambda header: header.along_normal_mm)
    return not geometry.faults(ordered)


def between_gaps(slices: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """The slices up to and from each gap that is no slice or two missing.

    Args:
      slices: two at least, no two at one place.
    """
    ordered = sorted(slices, key=lambda header: header.along_normal_mm)
    steps = np.diff([header.along_normal_mm for header in ordered])
    ratio = steps / np.median(steps)
    uneven = np.abs(ratio - np.round(ratio)) > _UNEVEN
    is_gap = (ratio > 1 + _UNEVEN) & (uneven | (ratio > _WIDE_GAP))
    if not geometry.faults(ordered):  # Of positions in few digits.
        is_gap[:] = False
    ends = [*(np.flatnonzero(is_gap) + 1), len(ordered)]
    return [ordered[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def extent(stack: Sequence[SliceHeader]) -> str:
    """From where to where slices lie, which are in order."""
    low, high = (stack[n].along_normal_mm for n in (0, -1))
    return f"from {low:.2f} to {high:.2f} mm"
