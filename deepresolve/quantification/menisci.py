"""Menisci in numbers: volume, how much of a plate they cover, how far they stand out.

Coverage and extrusion as in Tack (OAC 2018;26:680), along the knee's axes; extrusion as
pymskt has it, in the middle tenth of the plate from front to back.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from deepresolve.quantification.regions import BACK, DOWN, MEDIAL
from deepresolve.quantification.surfaces import sample
from deepresolve.quantification.thickness import Plate

# OAI's tables have none of menisci; these names are ours.
QUANTITIES = ("VC", "coverage", "extrusion")
# Above a plate, how far a meniscus is looked for.
_ABOVE_MM = 10.0
# Of a plate from front to back, where extrusion is measured.
_MIDDLE = (0.45, 0.55)


def measure_meniscus(
    meniscus: np.ndarray,
    plate: Plate,
    side: str,
    spacing_mm: tuple[float, ...],
    axes: np.ndarray,
) -> dict[str, float]:
    """Numbers of one meniscus and the tibial plate below it.

    Args:
      meniscus: (I, J, K) bool, of the array that the plate was measured in.
      plate: the tibial cartilage of its side.
      side: "medial" or "lateral".
      spacing_mm: of the voxels.
      axes: (3, 3), the knee's down, back and medial, as `knee_axes` gives them.

    Returns:
      VC, its volume in mm³; coverage, the share of the plate's surface that lies below
      it, in %; extrusion, how far its largest piece stands out beyond the plate, in mm:
      negative where it does not. NaN where none of it lies in the middle of the plate.
    """
    voxel_mm3 = float(np.prod(spacing_mm))
    return {
        "VC": voxel_mm3 * int(np.count_nonzero(meniscus)),
        "coverage": _coverage(meniscus, plate, spacing_mm, axes[DOWN]),
        "extrusion": _extrusion_mm(meniscus, plate, side, spacing_mm, axes),
    }


def _coverage(
    meniscus: np.ndarray,
    plate: Plate,
    spacing_mm: tuple[float, ...],
    down: np.ndarray,
) -> float:
    """In %, of the articular surface's area."""
    share = meniscus.astype(np.float32)
    # No voxel is shorter than the shortest of its sides.
    above_mm = np.arange(0.0, _ABOVE_MM, min(spacing_mm) / 2)
    is_below = np.zeros(len(plate.articular.vertices), bool)
    for step in above_mm:
        there = plate.articular.vertices - step * down
        is_below |= sample(share, there, spacing_mm) >= 0.5
    areas = plate.articular.areas_mm2
    return float(100 * areas[is_below].sum() / areas.sum())


def _extrusion_mm(
    meniscus: np.ndarray,
    plate: Plate,
    side: str,
    spacing_mm: tuple[float, ...],
    axes: np.ndarray,
) -> float:
    out = axes[MEDIAL] if side == "medial" else -axes[MEDIAL]
    numbers, _ = ndimage.label(meniscus, np.ones((3, 3, 3)))
    largest = 1 + np.argmax(np.bincount(numbers.ravel())[1:])
    voxels_mm = np.argwhere(numbers == largest) * spacing_mm
    back = plate.bone.vertices @ axes[BACK]
    low, high = back.min() + np.multiply(_MIDDLE, np.ptp(back))
    # The last vertex of a plate lies in the middle of its last voxel.
    outermost = []
    for points_mm in (voxels_mm, plate.bone.vertices):
        at = points_mm @ axes[BACK]
        middle = points_mm[(at >= low) & (at <= high)]
        if not middle.size:
            return math.nan
        outermost.append((middle @ out).max())
    return float(outermost[0] - outermost[1])
