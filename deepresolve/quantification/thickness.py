"""How thick the cartilage on a bone is, at each place of the bone's surface.

Two measures, in both directions (Eckstein, OAC 2006;14:974, for the terms; which of
the known measures to use, after a comparison on 507 knees, PMC10076900):

    normal     along the bone's normal until the cartilage ends
    nearest    to the nearest place of the cartilage's outer surface

Where a normal runs along the cartilage or back into the bone, as in a groove, the
nearest place counts. Where no cartilage lies on a bone inside a plate, the bone is
denuded and the cartilage 0 mm thick there; a loss at a plate's edge cannot be told from
a plate that is smaller. Where cartilage leaves the scan before its outer surface is
reached it cannot be measured: such places are no part of the plate.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
from scipy.spatial import KDTree

from deepresolve.quantification.coverage import hidden, holes, meets
from deepresolve.quantification.sheets import Shares, Sheets, sheets
from deepresolve.quantification.surfaces import Surface, sample

# No cartilage is thicker; how finely it is looked for along a normal.
MOST_MM = 10.0
_STEP_MM = 0.1
_TINY = 1e-9
# Cosine between the way from the bone and the outer surface's normal: what stands
# steeper is the cartilage's rim.
_FACES_AWAY = 0.5
# What lies further along a normal than so many times as far as the nearest place does
# not lie across the cartilage.
_MOST_OF_NEAREST = 3.0


@dataclasses.dataclass(frozen=True, eq=False)
class Plate:
    """The cartilage on one bone, or on a part of it.

    Attributes:
      bone: surface of the bone as far as the plate goes, denuded parts within it
        included (tAB).
      articular: outer surface of the cartilage (AC).
      covered: (n,) bool, of the vertices of `bone`: with cartilage (cAB).
      thickness_mm: (n,) float64 along the bone's normals, or to the nearest place where
        a normal does not cross the cartilage; 0 where it is denuded.
      nearest_mm: (n,) float64 to the outer surface; 0 where it is denuded.
      back_mm: (m,) float64, of the vertices of `articular`: to the bone.
      below: (m,) int, the vertex of `bone` that each of them is nearest to.
      voxels_mm3: (n,) float64, volume of the cartilage's voxels that a vertex of `bone`
        is nearest to (VC).
      beyond_mm2: area of bone that is left out, for the outer surface above it lies
        beyond the scan.
    """

    bone: Surface
    articular: Surface
    covered: np.ndarray
    thickness_mm: np.ndarray
    nearest_mm: np.ndarray
    back_mm: np.ndarray
    below: np.ndarray
    voxels_mm3: np.ndarray
    beyond_mm2: float

    def part(self, kept: np.ndarray) -> Plate:
        """The plate over some vertices of its bone, with what lay beyond the scan.

        Args:
          kept: (n,) bool.
        """
        above = kept[self.below]
        number = np.cumsum(kept) - 1
        return dataclasses.replace(
            self,
            bone=self.bone.part(kept),
            articular=self.articular.part(above),
            covered=self.covered[kept],
            thickness_mm=self.thickness_mm[kept],
            nearest_mm=self.nearest_mm[kept],
            back_mm=self.back_mm[above],
            below=number[self.below[above]],
            voxels_mm3=self.voxels_mm3[kept],
        )


def measure_plate(
    bone: np.ndarray,
    cartilage: np.ndarray,
    spacing_mm: tuple[float, ...],
    shares: Shares | None = None,
) -> Plate:
    """The cartilage on a bone.

    Args:
      bone: (I, J, K) bool.
      cartilage: (I, J, K) bool, on the same grid.
      spacing_mm: of the voxels.
      shares: how probable both are, which places their surfaces between voxels; None:
        the masks are all that is known.

    Raises:
      ValueError: one of them has no voxel, or they do not touch.
    """
    for name, mask in (("bone", bone), ("cartilage", cartilage)):
        if not mask.any():
            raise ValueError(f"No voxel of the {name}: there is nothing to measure.")
    found = sheets(bone, cartilage, spacing_mm, shares)
    covered, thin, in_plate = _covered(found)
    articular = _articular(found, thin)
    plate, covered = found.bone.part(in_plate), covered[in_plate]
    nearest_mm = np.zeros(len(covered))
    nearest_mm[covered], _ = KDTree(articular.vertices).query(plate.vertices[covered])
    normal_mm = _along_normals(plate, found.of_both, spacing_mm)
    across = (normal_mm <= _MOST_OF_NEAREST * nearest_mm) & (normal_mm < MOST_MM)
    edge_mm = found.to_edge_mm(plate.vertices, plate.normals)
    kept = ~covered | (edge_mm >= np.minimum(normal_mm, nearest_mm))
    if not (kept & covered).any():
        raise ValueError("The surface of the cartilage lies beyond the scan.")
    whole_mm3 = _voxels_mm3(found, plate)
    beyond_mm2 = float(plate.areas_mm2[~kept].sum())
    normal_mm = np.where(covered & across, normal_mm, nearest_mm)
    plate = plate.part(kept)
    back_mm, below = KDTree(plate.vertices).query(articular.vertices)
    return Plate(
        _moved(plate, found.offset_mm),
        _moved(articular, found.offset_mm),
        *(covered[kept], normal_mm[kept], nearest_mm[kept], back_mm, below),
        *(whole_mm3[kept], beyond_mm2),
    )


def _covered(found: Sheets) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which vertices of the bone have cartilage, a thin one, and are in the plate."""
    whole, spacing_mm = found.bone, found.spacing_mm
    covered = meets(found.cartilage, whole.vertices, whole.normals, spacing_mm)
    within = found.within(whole.vertices)
    if not (covered & within).any():
        raise ValueError("The cartilage does not lie on the bone.")
    bare = holes(whole, covered, within)
    thin = hidden(whole, found.bone_apart_mm, bare, spacing_mm)
    return covered | thin, thin, within & (covered | bare)


def _articular(found: Sheets, thin: np.ndarray) -> Surface:
    """The outer surface where it is the cartilage's, above bone that is in the scan."""
    outer = found.outer
    _, below = KDTree(found.bone.vertices).query(outer.vertices)
    is_own = meets(found.cartilage, outer.vertices, -outer.normals, found.spacing_mm)
    is_own |= thin[below]
    is_own &= np.sum(found.upwards * outer.normals, axis=1) > _FACES_AWAY
    is_own &= found.within(outer.vertices) & found.within(found.bone.vertices)[below]
    if not is_own.any():
        raise ValueError("The cartilage has no surface of its own.")
    return outer.part(is_own)


def _voxels_mm3(found: Sheets, plate: Surface) -> np.ndarray:
    """Volume of the cartilage's voxels that each vertex is nearest to: (n,)."""
    _, nearest = KDTree(plate.vertices).query(found.voxels * found.spacing_mm)
    counts = np.bincount(nearest, minlength=len(plate.vertices))
    return counts * float(np.prod(found.spacing_mm))


def _moved(part: Surface, offset_mm: np.ndarray) -> Surface:
    return part._replace(vertices=part.vertices + offset_mm)


def _along_normals(
    bone: Surface, of_both: np.ndarray, spacing_mm: tuple[float, ...]
) -> np.ndarray:
    """From each vertex to where bone and cartilage end, at most `MOST_MM`."""
    steps = np.arange(0.0, MOST_MM + _STEP_MM, _STEP_MM)
    result = np.full(len(bone.vertices), MOST_MM)
    left = np.arange(len(result))
    before = sample(of_both, bone.vertices, spacing_mm)
    for start, stop in itertools.pairwise(steps):
        points = bone.vertices[left] + stop * bone.normals[left]
        value = sample(of_both, points, spacing_mm)
        ends = value >= 0
        # From below 0 to above it; who begins above has gone nowhere.
        low = np.minimum(before[ends], 0)
        share = low / np.minimum(low - value[ends], -_TINY)
        result[left[ends]] = start + (stop - start) * np.clip(share, 0, 1)
        left, before = left[~ends], value[~ends]
        if not left.size:
            break
    return result


# Names of OAI's tables; what they are says `statistics`.
QUANTITIES = (
    *("VC", "tAB", "cAB", "AC", "dABp", "VCtAB", "ThCtAB_aMe", "ThCcAB_aMe"),
    *("ThCtAB_aMiv", "ThCtAB_aMav", "ThCtAB_aSD", "ThCtAB_aCV"),
)


def statistics(plate: Plate, region: np.ndarray | None = None) -> dict[str, float]:
    """Eckstein's quantities of a plate (OAC 2006;14:974), by the names of OAI's tables.

    tAB, cAB, AC in cm², dABp in %, VC in mm³, all else in mm. Means are over area;
    aMe is the mean of both directions, aMiv and aMav those of the thinnest and the
    thickest hundredth, aSD and aCV (%) from bone to surface. Of a region without any
    bone all are NaN; where all of it is denuded, so are ThCcAB and the CV.

    Args:
      plate: as `measure_plate` gives it.
      region: (n,) bool, vertices of its bone; None: all.
    """
    if region is None:
        region = np.ones(len(plate.covered), bool)
    areas, thick = plate.bone.areas_mm2[region], plate.thickness_mm[region]
    is_covered, above = plate.covered[region], region[plate.below]
    back = plate.articular.areas_mm2[above]
    if not areas.size:
        return dict.fromkeys(QUANTITIES, math.nan)
    total, bare = areas.sum(), areas[~is_covered].sum()
    covered = areas[is_covered].sum()
    volume_mm3 = plate.voxels_mm3[region].sum()
    mean = float(np.average(thick, weights=areas))
    # From the surface, only what is covered is seen.
    both_ways = math.nan
    if is_covered.any() and above.any():
        over_covered = np.average(thick[is_covered], weights=areas[is_covered])
        both_ways = (over_covered + np.average(plate.back_mm[above], weights=back)) / 2
    over_all = both_ways * covered / total if covered else 0.0
    deviation = float(np.sqrt(np.average((thick - mean) ** 2, weights=areas)))
    lowest, highest = (
        _mean_of(thick, areas, np.argsort(values)) for values in (thick, -thick)
    )
    numbers = (
        *(volume_mm3, total / 100, covered / 100, back.sum() / 100),
        *(100 * bare / total, volume_mm3 / total),
        *(over_all, both_ways, lowest, highest, deviation),
        100 * deviation / mean if mean else math.nan,
    )
    return dict(zip(QUANTITIES, map(float, numbers), strict=True))


def _mean_of(values: np.ndarray, areas: np.ndarray, order: np.ndarray) -> float:
    """Mean over the first hundredth of the area, in an order."""
    below = np.cumsum(areas[order]) <= areas.sum() / 100
    below[0] = True
    return float(np.average(values[order][below], weights=areas[order][below]))
