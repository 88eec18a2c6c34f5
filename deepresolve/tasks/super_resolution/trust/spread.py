"""How much thin slices change where nothing should: when the scan is mirrored.

A network that has understood an image says the same of its mirror image. Where it does
not, it is unsure. Small spread is no proof: all passes can share one mistake.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from deepresolve.imaging import floor
from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.findings import digits
from deepresolve.tasks.super_resolution.super_resolver import Enhance

_ROWS, _COLUMNS = 0, 1


def measure(
    enhance: Enhance,
    scan: Volume,
    factor: int,
    thin: Volume,
    progress: bool = False,
) -> tuple[dict[str, Any], Volume]:
    """Takes a scan through the network twice more, its slices mirrored.

    Once upside down and once left for right, as drawn: in the plane, where a mirrored
    knee still has its acquired slices where they were.

    Args:
      enhance: the network, or what is given in its place.
      scan: the thick slices.
      factor: thin slices per thick slice spacing.
      thin: what became of them, float32, in the axes of `scan`.
      progress: show a progress bar.

    Returns:
      Numbers as JSON values, and the standard deviation over the three passes in each
      voxel, in scan units, on the grid of `thin`.
    """
    canonical, first = scan.canonical(), thin.canonical()
    scale = estimate_scale(canonical.array)
    scaled = dataclasses.replace(canonical, array=scale.apply(canonical.array))
    interpolated = interpolate(scaled, factor).array
    lowest = float(scale.apply(np.min(canonical.array)))
    # Sums over the differences from the first pass, which itself adds nothing to them.
    total, squares = np.zeros((2, *first.shape), np.float32)
    for axis in (_ROWS, _COLUMNS):
        mirrored = enhance(np.flip(interpolated, axis), progress)
        held = floor.hold(np.flip(mirrored, axis), lowest)  # as `thin` is
        difference = held - scale.apply(first.array)
        total += difference
        squares += np.square(difference, out=difference)
    squares -= np.square(total, out=total) / 3
    deviation = np.sqrt(np.maximum(squares, 0, out=squares) / 2)
    over = "3 passes: as it is, rows reversed, columns reversed"
    numbers = numbers_of(deviation, over)
    volume = first.with_array(deviation * np.float32(scale.high - scale.low))
    return numbers, volume.restored_as(scan)


def numbers_of(deviation: np.ndarray, over: str) -> dict[str, Any]:
    """What a report says of a spread, as JSON values.

    Args:
      deviation: standard deviation in each voxel, as a share of the intensity range.
      over: what it was taken over.
    """
    return {
        "measured": True,
        "over": over,
        "unit": "standard deviation, share of the intensity range",
        "mean": digits(deviation.mean(dtype=np.float64)),
        "percentile_99": digits(np.percentile(deviation, 99)),
        "largest": digits(deviation.max()),
    }
