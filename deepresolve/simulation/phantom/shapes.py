"""Signed distances (mm, negative inside) and how they are joined.

Formulas after I. Quilez, "Distance functions". Arrays broadcast; points are given
as (y, z, x).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import spatial

from deepresolve.simulation.phantom.lattice import Field, Grid


def smooth_union(a: np.ndarray, b: np.ndarray, radius: float) -> np.ndarray:
    """Minimum with its crease rounded over `radius` mm (polynomial)."""
    blend = np.maximum(radius - np.abs(a - b), 0) / radius
    return np.minimum(a, b) - blend**2 * (radius / 4)


def smooth_intersection(a: np.ndarray, b: np.ndarray, radius: float) -> np.ndarray:
    """Maximum with its edge rounded over `radius` mm."""
    return -smooth_union(-a, -b, radius)


def rounded_extrusion(
    profile: np.ndarray, across: np.ndarray, radius: float
) -> np.ndarray:
    """A profile swept across: `profile` and `across` are distances, edges rounded."""
    p, a = profile + radius, across + radius
    outside = np.sqrt(np.maximum(p, 0) ** 2 + np.maximum(a, 0) ** 2)
    return np.minimum(np.maximum(p, a), 0) + outside - radius


def ellipse(
    u: np.ndarray,
    v: np.ndarray,
    half_u: npt.ArrayLike,
    half_v: npt.ArrayLike,
    exponent: float = 2.0,
) -> np.ndarray:
    """Distance (first order) to a superellipse in the plane (u, v)."""
    u, v = np.abs(u) / half_u, np.abs(v) / half_v
    level = (u**exponent + v**exponent) ** (1 / exponent)
    return (level - 1) * np.minimum(half_u, half_v)


def strap(
    coordinates: Sequence[np.ndarray],
    start: Sequence[float],
    stop: Sequence[float],
    half_width: float,
    half_thickness: float,
    axis: int,
) -> np.ndarray:
    """A flat band from point to point, wide along one coordinate.

    Args:
      coordinates: (y, z, x) arrays that broadcast.
      start: (y, z, x) of one end, mm.
      stop: the other end.
      half_width: along `axis`, mm.
      half_thickness: across it, mm.
      axis: 0, 1 or 2 in the order (y, z, x).
    """
    direction = np.subtract(stop, start).astype(np.float32)
    offsets = [c - np.float32(s) for c, s in zip(coordinates, start, strict=True)]
    along = sum(o * d for o, d in zip(offsets, direction, strict=True))
    along = np.clip(along / np.float32(direction @ direction), 0, 1)
    offsets = [o - along * d for o, d in zip(offsets, direction, strict=True)]
    wide = (offsets[axis] / half_width) ** 2
    thin = sum(o**2 for n, o in enumerate(offsets) if n != axis) / half_thickness**2
    return (np.sqrt(wide + thin) - 1) * min(half_width, half_thickness)


def straightened(level: np.ndarray, grid: Grid, flattest: float = 0.2) -> np.ndarray:
    """A level divided by its own slope: a distance to first order (Taubin 1994).

    Args:
      level: given on `grid`; zero on the surface.
      grid: a lattice.
      flattest: slope below which the level is left flat, so that no noise is raised.
    """
    gradient = np.gradient(level, *grid.spacing_mm)
    slope = np.sqrt(sum(g * g for g in gradient))
    return level / np.maximum(slope, flattest)


@dataclasses.dataclass(frozen=True, eq=False)
class Surface:
    """Exact distances near the zero level of an implicit function.

    Attributes:
      distance: signed distance in mm, exact within the band, first order outside.
      band: mask of the grid's points within the band.
      foot: (n, 3) the nearest surface point (y, z, x) of each point of the band.
      normal: (n, 3) outward unit normal there.
    """

    distance: Field
    band: np.ndarray
    foot: np.ndarray
    normal: np.ndarray


def measure_surface(
    level: np.ndarray, grid: Grid, *, inner_mm: float = 2.5, outer_mm: float = 6.0
) -> Surface:
    """Distances to the surface where `level` is zero.

    Points beside the surface are projected onto it along the gradient; every point
    of the band then measures its distance from the nearest one's tangent plane.

    Args:
      level: negative inside, positive outside; smooth, any positive slope.
      grid: where `level` is given.
      inner_mm: depth of the band inside.
      outer_mm: height of the band outside.
    """
    gradient = np.stack(np.gradient(level, *grid.spacing_mm), axis=-1)
    slope = np.linalg.norm(gradient, axis=-1) + 1e-6
    distance = level / slope
    beside = np.abs(distance) < 0.9 * max(grid.spacing_mm)
    band = (distance > -1.3 * inner_mm) & (distance < 1.3 * outer_mm)
    distance = np.clip(distance, -3 * inner_mm, 3 * outer_mm).astype(np.float32)
    if not beside.any():
        empty = np.zeros((0, 3), np.float32)
        return Surface(Field(distance, grid), np.zeros_like(band), empty, empty)
    normal = gradient[beside] / slope[beside, None]
    surface = grid.points(beside) - distance[beside, None] * normal
    points = grid.points(band)
    _, nearest = spatial.cKDTree(surface).query(points)
    normal = normal[nearest]
    offset = points - surface[nearest]
    height = np.sum(offset * normal, axis=1)
    sideways = np.sqrt(np.maximum(np.sum(offset**2, axis=1) - height**2, 0))
    # Surface points lie about a knot apart: only beyond that is an offset real.
    beyond = np.maximum(sideways - 0.7 * max(grid.spacing_mm), 0)
    inside = distance[band] < 0
    distance[band] = np.where(inside, -1, 1) * np.sqrt(height**2 + beyond**2)
    foot = points - height[:, None] * normal
    return Surface(Field(distance, grid), band, foot, normal.astype(np.float32))
