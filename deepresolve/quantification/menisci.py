"""Menisci in numbers: volume, how much of a plate they cover, how far they stand out.

Coverage and extrusion as in Tack (OAC 2018;26:680), along the axes of the scan;
extrusion as pymskt has it, in the middle tenth of the plate from front to back.

Arrays run down, back, and towards medial, as in `regions`.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from deepresolve.quantification.regions import BACK, DOWN, MEDIAL
from deepresolve.quantification.thickness import Plate

# OAI's tables have none of menisci; these names are ours.
QUANTITIES = ("VC", "coverage", "extrusion")
# Above a plate, how far a meniscus is looked for.
_ABOVE_MM = 10.0
# Of a plate from front to back, where extrusion is measured.
_MIDDLE = (0.45, 0.55)


def measure_meniscus(
    meniscus: np.ndarray, plate: Plate, side: str, spacing_mm: tuple[float, ...]
) -> dict[str, float]:
    """Numbers of one meniscus and the tibial plate below it.

    Args:
      meniscus: (I, J, K) bool, of the array that the plate was measured in.
      plate: the tibial cartilage of its side.
      side: "medial" or "lateral".
      spacing_mm: of the voxels.

    Returns:
      VC, its volume in mm³; coverage, the share of the plate's surface that lies below
      it, in %; extrusion, how far its largest piece stands out beyond the plate, in mm:
      negative where it does not. NaN where none of it lies in the middle of the plate.
    """
    voxel_mm3 = float(np.prod(spacing_mm))
    return {
        "VC": voxel_mm3 * int(np.count_nonzero(meniscus)),
        "coverage": _coverage(meniscus, plate, spacing_mm),
        "extrusion": _extrusion_mm(meniscus, plate, side, spacing_mm),
    }


def _coverage(
    meniscus: np.ndarray, plate: Plate, spacing_mm: tuple[float, ...]
) -> float:
    """In %, of the articular surface's area."""
    at = np.rint(plate.articular.vertices / spacing_mm).astype(int)
    at = np.clip(at, 0, np.array(meniscus.shape) - 1)
    row, column, plane = at.T
    # Voxels of the meniscus from the top down to a row.
    so_far = np.cumsum(meniscus, axis=DOWN)
    first = np.maximum(row - round(_ABOVE_MM / spacing_mm[DOWN]), 0)
    between = so_far[row, column, plane] - so_far[first, column, plane]
    areas = plate.articular.areas_mm2
    return float(100 * areas[between > 0].sum() / areas.sum())


def _extrusion_mm(
    meniscus: np.ndarray, plate: Plate, side: str, spacing_mm: tuple[float, ...]
) -> float:
    outwards = 1 if side == "medial" else -1
    numbers, _ = ndimage.label(meniscus, np.ones((3, 3, 3)))
    meniscus = numbers == 1 + np.argmax(np.bincount(numbers.ravel())[1:])
    back = plate.bone.vertices[:, BACK]
    low, high = back.min() + np.multiply(_MIDDLE, np.ptp(back))
    of_plate = plate.bone.vertices[(back >= low) & (back <= high), MEDIAL]
    columns = np.arange(meniscus.shape[BACK]) * spacing_mm[BACK]
    (middle,) = np.nonzero((columns >= low) & (columns <= high))
    planes = np.flatnonzero(meniscus[:, middle].any(axis=(0, 1)))
    if not planes.size or not of_plate.size:
        return math.nan
    # The last vertex of a plate lies in the middle of its last voxel.
    outermost = np.multiply(outwards, planes).max() * spacing_mm[MEDIAL]
    return float(outermost - (outwards * of_plate).max())
