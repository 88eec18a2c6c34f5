"""What lesions do to one knee: shapes in anatomical mm, sampled on any grid.

Each shape says which part of its tissue it takes at every point; what fills it says
`signal`. None reaches out of its tissue.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from deepresolve.simulation.phantom import shapes, sites, soft_tissue
from deepresolve.simulation.phantom.bones import CORTEX_MM, Bone
from deepresolve.simulation.phantom.lattice import Field, Grid
from deepresolve.simulation.phantom.lesions import (
    CartilageLesion,
    Lesion,
    MarrowLesion,
    MeniscalTear,
)
from deepresolve.simulation.phantom.parameters import KneeParameters

# Width of the slope of a defect's wall.
_WALL_MM = 1.5
# A defect takes no cartilage so far above or below its place: that of another surface.
_AXIAL_MM = 8.0
# The middle of a ball lies so deep below the cortex, in radii: it rests on it broadly.
_SUNKEN = 0.6
# Length of a horizontal tear along the rim, and what bounds any around its place.
_HORIZONTAL_LENGTH_MM, _AROUND_MM = 10.0, 14.0
# A tear goes on so far beyond the free edge, where the meniscus is but a film.
_HIDDEN_MM = 1.0


@dataclasses.dataclass(frozen=True, eq=False)
class Defect:
    """Of a bone's cartilage: `depth` of its thickness within a radius is gone.

    Attributes:
      bone: "femur", "tibia" or "patella".
      place_mm: (3,) its middle, half way through the whole cartilage, (y, z, x).
      normal: (3,) outward unit normal of the bone there.
      radius_mm: where half of the depth is gone.
      depth: share of the thickness.
    """

    bone: str
    place_mm: np.ndarray
    normal: np.ndarray
    radius_mm: float
    depth: float

    def lost(self, grid: Grid) -> np.ndarray:
        """Share of the cartilage's thickness that is gone, by point of a grid."""
        offset = _from(self.place_mm, grid)
        axial = _dot(offset, self.normal)
        sideways = np.sqrt(np.maximum(_dot(offset, offset) - axial**2, 0))
        share = _slope(sideways - self.radius_mm, _WALL_MM)
        return np.where(np.abs(axial) < _AXIAL_MM, self.depth * share, 0)


@dataclasses.dataclass(frozen=True, eq=False)
class Cleft:
    """Of a meniscus: what lies within half a width of a sheet.

    Attributes:
      meniscus: "medial meniscus" or "lateral meniscus".
      place_mm: (3,) its middle, (y, z, x).
      sheet: signed distance from the sheet, mm.
      limit: distance from where the cleft ends, mm, negative inside.
      width_mm: of the cleft.
    """

    meniscus: str
    place_mm: np.ndarray
    sheet: Field
    limit: Field
    width_mm: float

    def part(self, grid: Grid, cell_mm: float) -> np.ndarray:
        """Part of each cell of a grid that is cleft: exact across the sheet."""
        away, half = self.sheet.sample(grid), self.width_mm / 2
        slab = _share(away - half, cell_mm) - _share(away + half, cell_mm)
        return slab * _share(self.limit.sample(grid), cell_mm)

    def inside(self, grid: Grid) -> np.ndarray:
        """Whether each point of a grid lies in the cleft."""
        near = np.abs(self.sheet.sample(grid)) < self.width_mm / 2
        return near & (self.limit.sample(grid) < 0)


@dataclasses.dataclass(frozen=True, eq=False)
class Ball:
    """Of a bone's marrow: an ill-defined ball, whose edge is as wide as its radius.

    Attributes:
      bone: "femur", "tibia" or "patella".
      place_mm: (3,) its middle, (y, z, x).
      radius_mm: where half of the marrow is changed.
    """

    bone: str
    place_mm: np.ndarray
    radius_mm: float

    def part(self, grid: Grid) -> np.ndarray:
        """Share of the marrow that is changed, by point of a grid."""
        offset = _from(self.place_mm, grid)
        away = np.sqrt(_dot(offset, offset))
        return _slope(away - self.radius_mm, self.radius_mm)


Shape: TypeAlias = Defect | Cleft | Ball


@dataclasses.dataclass(frozen=True, eq=False)
class Damage:
    """All lesions of one knee, as shapes in the order in which they were asked for."""

    shapes: tuple[Shape, ...] = ()

    @property
    def clefts(self) -> list[Cleft]:
        """The clefts of either meniscus."""
        return [shape for shape in self.shapes if isinstance(shape, Cleft)]

    def defects_of(self, bone: str) -> list[Defect]:
        """The defects of the cartilage on a bone."""
        return [s for s in self.shapes if isinstance(s, Defect) and s.bone == bone]

    def balls_of(self, bone: str) -> list[Ball]:
        """The balls in the marrow of a bone."""
        return [s for s in self.shapes if isinstance(s, Ball) and s.bone == bone]

    def remaining(self, bone: str, thickness: np.ndarray, grid: Grid) -> np.ndarray:
        """What defects leave of a cartilage's thickness at the points of a grid, mm."""
        left = thickness
        for defect in self.defects_of(bone):
            left = np.minimum(left, thickness * (1 - defect.lost(grid)))
        return left


def build(
    lesions: Iterable[Lesion],
    bones: dict[str, Bone],
    menisci: dict[str, Field],
    parameters: KneeParameters,
) -> Damage:
    """The shapes of lesions in one knee.

    Args:
      lesions: in any order.
      bones: with their whole fields.
      menisci: whole distance fields by name.
      parameters: of the knee.

    Raises:
      ValueError: the knee's field of view does not reach a lesion.
    """
    found: list[Shape] = []
    for lesion in lesions:
        if isinstance(lesion, CartilageLesion):
            found.append(_defect(lesion, bones, parameters))
        elif isinstance(lesion, MeniscalTear):
            found.append(_cleft(lesion, bones, menisci))
        else:
            found.append(_ball(lesion, bones, parameters))
    return Damage(tuple(found))


def _defect(
    lesion: CartilageLesion, bones: dict[str, Bone], parameters: KneeParameters
) -> Defect:
    site = sites.on_bone(lesion.region, lesion.along, lesion.across, bones, parameters)
    return Defect(
        bone=site.bone,
        place_mm=site.foot_mm + site.thickness_mm / 2 * site.normal,
        normal=site.normal,
        radius_mm=lesion.width_mm / 2,
        depth=lesion.depth,
    )


def _ball(
    lesion: MarrowLesion, bones: dict[str, Bone], parameters: KneeParameters
) -> Ball:
    site = sites.on_bone(lesion.region, lesion.along, lesion.across, bones, parameters)
    radius_mm = lesion.diameter_mm / 2
    below_mm = CORTEX_MM + _SUNKEN * radius_mm
    return Ball(site.bone, site.foot_mm - below_mm * site.normal, radius_mm)


def _cleft(
    lesion: MeniscalTear, bones: dict[str, Bone], menisci: dict[str, Field]
) -> Cleft:
    """The sheet of a tear, and where it ends, on the part of the lattice around it."""
    meniscus = menisci[lesion.meniscus].around(3.0)
    below, above = (
        bones[name].covered.cropped_like(meniscus) for name in ("tibia", "femur")
    )
    rim = sites.in_meniscus(lesion.meniscus, lesion.zone, lesion.along, below, above)
    grid = meniscus.grid
    y, z, x = _from(rim.place_mm, grid)
    along = np.broadcast_to(y * rim.along[0] + x * rim.along[1], grid.shape)
    ring = np.broadcast_to(soft_tissue.ring(grid, lesion.meniscus), grid.shape)
    from_edge = shapes.straightened(ring - rim.free_edge_mm, grid)
    if lesion.orientation == "horizontal":
        sheet = shapes.straightened((below.values - above.values) / 2, grid)
        beside = np.abs(along) - _HORIZONTAL_LENGTH_MM / 2
        limit = np.maximum(from_edge - lesion.extent_mm, beside)
    elif lesion.orientation == "vertical":
        sheet = shapes.straightened(ring - rim.middle_mm, grid)
        limit = np.abs(along) - lesion.extent_mm / 2
    else:
        sheet, limit = along, from_edge - lesion.extent_mm
    # A sheet meets the meniscus again where cartilage hides it, and on its other side.
    limit = np.maximum(limit, -from_edge - _HIDDEN_MM)
    limit = np.maximum(limit, np.sqrt(y**2 + z**2 + x**2) - _AROUND_MM)
    return Cleft(
        meniscus=lesion.meniscus,
        place_mm=rim.place_mm,
        sheet=Field(sheet.astype(np.float32), grid),
        limit=Field(limit.astype(np.float32), grid),
        width_mm=lesion.width_mm,
    )


def _from(place_mm: np.ndarray, grid: Grid) -> tuple[np.ndarray, ...]:
    """Coordinates (y, z, x) from a place, which broadcast to the grid's shape."""
    return tuple(c - np.float32(p) for c, p in zip(grid.open(), place_mm, strict=True))


def _dot(offset: Iterable[np.ndarray], other: Iterable[np.ndarray]) -> np.ndarray:
    y, z, x = (a * b for a, b in zip(offset, other, strict=True))
    return y + z + x


def _share(distance: np.ndarray, cell_mm: float) -> np.ndarray:
    """Part of each cell that lies inside a surface at a distance."""
    return np.clip(0.5 - distance / cell_mm, 0, 1)


def _slope(distance: np.ndarray, width_mm: float) -> np.ndarray:
    """From 1 inside a surface to 0 outside, smooth over a width, 1/2 on the surface."""
    share = _share(distance, width_mm)
    return share * share * (3 - 2 * share)
