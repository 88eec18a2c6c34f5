"""How thick the cartilage on a bone is, at each place of the bone's surface.

Two measures, in both directions (Eckstein, OAC 2006;14:974, for the terms; which of
the known measures to use, after a comparison on 507 knees, PMC10076900):

    normal     along the bone's normal until the cartilage ends
    nearest    to the nearest place of the cartilage's outer surface

The outer surface is that of bone and cartilage together, so a layer that is thinner
than two voxels has its two sides where they are, and a gap of one voxel between bone
and cartilage counts as cartilage; with wider gaps cartilage does not lie on the bone.
Where a normal runs along the cartilage or back into the bone, as in a groove, the
nearest place counts. Where no cartilage lies on a bone inside a plate, the bone is
denuded and the cartilage 0 mm thick there; a loss at a plate's edge cannot be told from
a plate that is smaller, and a layer of less than a voxel and a half counts as denuded
here and there.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph
from scipy.spatial import KDTree

from deepresolve.quantification.surfaces import (
    Surface,
    gradient,
    sample,
    signed_mm,
    surface,
)

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
# Bone around a plate that is looked at; beyond the array all goes on as it ends.
_MARGIN_MM = 6.0
_BEYOND_VOXELS = 4


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
    """

    bone: Surface
    articular: Surface
    covered: np.ndarray
    thickness_mm: np.ndarray
    nearest_mm: np.ndarray
    back_mm: np.ndarray
    below: np.ndarray
    voxels_mm3: np.ndarray


def measure_plate(
    bone: np.ndarray, cartilage: np.ndarray, spacing_mm: tuple[float, ...]
) -> Plate:
    """The cartilage on a bone.

    Args:
      bone: (I, J, K) bool.
      cartilage: (I, J, K) bool, on the same grid.
      spacing_mm: of the voxels.

    Raises:
      ValueError: one of them has no voxel, or they do not touch.
    """
    for name, mask in (("bone", bone), ("cartilage", cartilage)):
        if not mask.any():
            raise ValueError(f"No voxel of the {name}: there is nothing to measure.")
    box, offset_mm = _box(cartilage, spacing_mm)
    if not bone[box].any():
        raise ValueError("The cartilage does not lie on the bone.")
    own = np.pad(cartilage[box], _BEYOND_VOXELS)
    bone, cartilage = (
        np.pad(mask[box], _BEYOND_VOXELS, "edge") for mask in (bone, cartilage)
    )
    if bone.all():
        raise ValueError("The bone is all around: it has no surface there.")
    both = bone | cartilage | _gap(bone, cartilage)
    of_bone, of_both = signed_mm(bone, spacing_mm), signed_mm(both, spacing_mm)
    whole, outer = surface(of_bone, spacing_mm), surface(of_both, spacing_mm)
    is_covered = _meets(cartilage, whole.vertices, whole.normals, spacing_mm)
    within = _within(whole.vertices, own.shape, spacing_mm)
    if not (is_covered & within).any():
        raise ValueError("The cartilage does not lie on the bone.")
    in_plate = within & (is_covered | _holes(whole, is_covered, own.shape, spacing_mm))
    lies_on = _meets(cartilage, outer.vertices, -outer.normals, spacing_mm)
    upwards = gradient(of_bone, outer.vertices, spacing_mm)
    lies_on &= np.sum(upwards * outer.normals, axis=1) > _FACES_AWAY
    lies_on &= _within(outer.vertices, own.shape, spacing_mm)
    if not lies_on.any():
        raise ValueError("The cartilage has no surface of its own.")
    articular, plate = outer.part(lies_on), whole.part(in_plate)
    covered = is_covered[in_plate]
    nearest_mm = np.zeros(len(covered))
    nearest_mm[covered], _ = KDTree(articular.vertices).query(plate.vertices[covered])
    normal_mm = _along_normals(plate, of_both, spacing_mm)
    across = (normal_mm <= _MOST_OF_NEAREST * nearest_mm) & (normal_mm < MOST_MM)
    normal_mm = np.where(covered & across, normal_mm, nearest_mm)
    of_plate = KDTree(plate.vertices)
    back_mm, below = of_plate.query(articular.vertices)
    _, nearest = of_plate.query(np.argwhere(own) * spacing_mm)
    counts = np.bincount(nearest, minlength=len(covered))
    return Plate(
        _moved(plate, offset_mm),
        _moved(articular, offset_mm),
        covered,
        normal_mm,
        nearest_mm,
        back_mm,
        below,
        counts * float(np.prod(spacing_mm)),
    )


def _box(
    cartilage: np.ndarray, spacing_mm: tuple[float, ...]
) -> tuple[tuple[slice, ...], np.ndarray]:
    """Voxels around the cartilage, and where those beyond begin, in mm."""
    margin = np.ceil(np.divide(_MARGIN_MM, spacing_mm)).astype(int)
    (found,) = ndimage.find_objects(cartilage.astype(np.uint8))
    pairs = list(zip(found, margin, strict=True))
    box = tuple(slice(max(0, s.start - m), s.stop + m) for s, m in pairs)
    return box, np.array(
        [(s.start - _BEYOND_VOXELS) * mm for s, mm in zip(box, spacing_mm, strict=True)]
    )


def _gap(bone: np.ndarray, cartilage: np.ndarray) -> np.ndarray:
    """Voxels that are neither and lie between both, one voxel wide."""
    beside = np.ones((3, 3, 3), bool)
    both = bone | cartilage
    closed = ndimage.binary_closing(both) & ~both
    return (
        closed
        & ndimage.binary_dilation(bone, beside)
        & ndimage.binary_dilation(cartilage, beside)
    )


def _within(
    vertices: np.ndarray, shape: tuple[int, ...], spacing_mm: tuple[float, ...]
) -> np.ndarray:
    """Which vertices lie in what was looked at, and not beyond it."""
    at = vertices / spacing_mm - _BEYOND_VOXELS
    last = np.array(shape) - 2 * _BEYOND_VOXELS - 0.5
    return np.all((at >= -0.5) & (at <= last), axis=1)


def _meets(
    mask: np.ndarray,
    points_mm: np.ndarray,
    directions: np.ndarray,
    spacing_mm: tuple[float, ...],
) -> np.ndarray:
    """Whether who goes from a point meets the mask within a voxel and a half."""
    share = mask.astype(np.float32)
    # Along each direction a voxel is as long as its axes let it be.
    voxel_mm = 1 / np.linalg.norm(directions / spacing_mm, axis=1, keepdims=True)
    found = np.zeros(len(points_mm), bool)
    for voxels in (0.5, 1.0, 1.5):
        there = points_mm + voxels * voxel_mm * directions
        found |= sample(share, there, spacing_mm) >= 0.5
    return found


def _holes(
    bone: Surface,
    covered: np.ndarray,
    shape: tuple[int, ...],
    spacing_mm: tuple[float, ...],
) -> np.ndarray:
    """Bare vertices that cartilage cuts off from the rest of the bone."""
    edges = np.concatenate([bone.faces[:, [0, 1]], bone.faces[:, [1, 2]]])
    is_bare = ~covered[edges]
    bare = edges[is_bare.all(axis=1)]
    count = len(covered)
    joined = sparse.coo_matrix((np.ones(len(bare)), bare.T), (count, count))
    _, component = csgraph.connected_components(joined, directed=False)
    # A hole's rim is cartilage; cavities and islands of bone have none.
    rims = set(component[edges[is_bare & ~is_bare.all(axis=1, keepdims=True)]])
    at_border = ~_within(bone.vertices, shape, spacing_mm)
    sizes = np.bincount(component[~covered], minlength=component.max() + 1)
    outside = set(component[~covered & at_border]) | {np.argmax(sizes)}
    return ~covered & np.isin(component, list(rims - outside))


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
