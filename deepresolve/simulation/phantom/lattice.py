"""Smooth fields over the knee: stored coarsely, sampled anywhere.

Anatomical coordinates are millimetres in the order (y, z, x): y grows anteriorly, z
superiorly, x laterally. Shapes and textures are functions of them alone, so that one
knee can be sampled with any voxels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from scipy import ndimage


class Sampler(Protocol):
    """Samples one field on many grids."""

    def __call__(self, grid: Grid, *, cell_mm: Sequence[float] = ...) -> np.ndarray:
        """Float32 values at the points of `grid`, averaged over cells of a size."""


# A random texture repeats after this many knots, or where the leg has ended.
_TEXTURE_KNOTS = 128
_TEXTURE_EXTENT_MM = 176.0
# Sub-positions that stand for the mean over a voxel's width.
_CELL_POSITIONS = (np.arange(4) + 0.5) / 4 - 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """Evenly spaced points.

    Attributes:
      y: ascending or descending coordinates along the first axis, mm.
      z: along the second.
      x: along the third.
      spacing_mm: distance between points along (y, z, x).
    """

    y: np.ndarray
    z: np.ndarray
    x: np.ndarray
    spacing_mm: tuple[float, float, float]

    @classmethod
    def along(cls, axes: Iterable[np.ndarray], spacing_mm: Iterable[float]) -> Grid:
        """The grid of three coordinate arrays, in the order (y, z, x)."""
        y, z, x = axes
        between_y, between_z, between_x = spacing_mm
        return cls(y, z, x, (between_y, between_z, between_x))

    @property
    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The three 1D coordinate arrays in storage order."""
        return self.y, self.z, self.x

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of points along (y, z, x)."""
        return len(self.y), len(self.z), len(self.x)

    def open(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Coordinates (y, z, x) as float32 arrays that broadcast to `shape`."""
        y, z, x = (a.astype(np.float32) for a in np.ix_(*self.axes))
        return y, z, x

    def points(self, where: np.ndarray) -> np.ndarray:
        """(n, 3) float32 coordinates (y, z, x) of the points chosen by a mask."""
        indices = np.nonzero(where)
        columns = [a[i] for a, i in zip(self.axes, indices, strict=True)]
        return np.stack(columns, axis=1).astype(np.float32)

    def window(self, region: tuple[slice, slice, slice]) -> Grid:
        """The points of `region`, one slice an axis."""
        axes = (a[s] for a, s in zip(self.axes, region, strict=True))
        return Grid.along(axes, self.spacing_mm)

    def inside(self, other: Grid) -> tuple[slice, slice, slice]:
        """The region of this grid within the bounds of `other`; may be empty."""
        y, z, x = (
            _range_within(a, b.min(), b.max())
            for a, b in zip(self.axes, other.axes, strict=True)
        )
        return y, z, x


def _range_within(positions: np.ndarray, low: float, high: float) -> slice:
    found = np.flatnonzero((positions >= low) & (positions <= high))
    return slice(found[0], found[-1] + 1) if len(found) else slice(0, 0)


def lattice_around(grid: Grid, spacing_mm: float, margin_mm: float) -> Grid:
    """The part of one fixed, infinite lattice that covers `grid` and a margin.

    Its knots are multiples of `spacing_mm`: two grids share the knots that both need.
    """
    axes = (
        spacing_mm
        * np.arange(
            np.floor((a.min() - margin_mm) / spacing_mm),
            np.ceil((a.max() + margin_mm) / spacing_mm) + 1,
        )
        for a in grid.axes
    )
    return Grid.along(axes, (spacing_mm,) * 3)


@dataclasses.dataclass(frozen=True, eq=False)
class Field:
    """Values at the points of a grid, cubic in between.

    Attributes:
      values: float32 of the grid's shape.
      grid: ascending coordinates.
    """

    values: np.ndarray
    grid: Grid

    def sample(self, grid: Grid) -> np.ndarray:
        """Float32 values at the points of `grid`; the edge is held outside."""
        matrices = [
            _keys_matrix(own, wanted)
            for own, wanted in zip(self.grid.axes, grid.axes, strict=True)
        ]
        return _contract(self.values, matrices)

    def at(self, points: np.ndarray) -> np.ndarray:
        """Linearly interpolated values at (n, 3) points (y, z, x)."""
        origin = [a[0] for a in self.grid.axes]
        indices = (points - origin) / self.grid.spacing_mm
        return ndimage.map_coordinates(self.values, indices.T, order=1, mode="nearest")

    def around(self, below: float) -> Field:
        """The same field, cropped to where it lies below a value."""
        low = self.values < below
        y, z, x = (
            _padded_range(np.any(low, axis=tuple(b for b in range(3) if b != axis)))
            for axis in range(3)
        )
        region = (y, z, x)
        return Field(
            np.ascontiguousarray(self.values[region]), self.grid.window(region)
        )

    def cropped_like(self, other: Field) -> Field:
        """The same field on the points of `other`, which lie within this grid."""
        region = self.grid.inside(other.grid)
        return Field(np.ascontiguousarray(self.values[region]), other.grid)


def _padded_range(found: np.ndarray, padding: int = 2) -> slice:
    indices = np.flatnonzero(found)
    if not len(indices):
        return slice(0, 1)
    return slice(max(indices[0] - padding, 0), indices[-1] + 1 + padding)


@dataclasses.dataclass(frozen=True)
class Texture:
    """A seeded random field of zero mean and unit variance.

    White noise at knots, blurred by cubic B-splines: its finest waves are about two
    knots long.

    Attributes:
      seed: entropy of the knots.
      knots_mm: distance between knots along (y, z, x).
    """

    seed: tuple[int, ...]
    knots_mm: tuple[float, float, float]

    def sample(
        self, grid: Grid, *, cell_mm: Sequence[float] = (0.0, 0.0, 0.0)
    ) -> np.ndarray:
        """Float32 values at the points of `grid`, averaged over cells of a size."""
        return self.sampler()(grid, cell_mm=cell_mm)

    def sampler(self) -> Sampler:
        """Draws the knots once and returns `sample` for many grids."""
        counts = [
            min(int(np.ceil(_TEXTURE_EXTENT_MM / knot)), _TEXTURE_KNOTS)
            for knot in self.knots_mm
        ]
        generator = np.random.default_rng(self.seed)
        knots = generator.standard_normal(counts, dtype=np.float32)

        def sample(
            grid: Grid, *, cell_mm: Sequence[float] = (0.0, 0.0, 0.0)
        ) -> np.ndarray:
            values, matrices = knots, []
            for axis, positions in enumerate(grid.axes):
                matrix = _spline_matrix(
                    positions / self.knots_mm[axis],
                    cell_mm[axis] / self.knots_mm[axis],
                    counts[axis],
                )
                used = np.flatnonzero(matrix.any(axis=0))
                matrices.append(matrix[:, used])
                values = values.take(used, axis=axis)
            return _contract(values, matrices)

        return sample


def _contract(values: np.ndarray, matrices: list[np.ndarray]) -> np.ndarray:
    """Multiplies axis n of a 3D array by the (new, old) matrix number n."""
    first = np.tensordot(matrices[0], values, axes=1)
    return np.matmul(np.matmul(matrices[1], first), matrices[2].T)


def _keys_matrix(knots: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """(positions, knots) weights of cubic convolution (Keys 1981, a = -1/2)."""
    last = len(knots) - 1
    step = knots[1] - knots[0] if last else 1.0
    place = np.clip((positions - knots[0]) / step, 0, last)
    base = np.floor(place).astype(int)
    matrix = np.zeros((len(positions), len(knots)), dtype=np.float32)
    rows = np.arange(len(positions))
    for tap in range(-1, 3):
        away = np.abs(place - base - tap)
        near = (1.5 * away - 2.5) * away**2 + 1
        far = ((-0.5 * away + 2.5) * away - 4) * away + 2
        weight = np.where(away <= 1, near, np.where(away < 2, far, 0))
        np.add.at(matrix, (rows, np.clip(base + tap, 0, last)), weight)
    return matrix


def _spline_matrix(places: np.ndarray, cell: float, count: int) -> np.ndarray:
    """(positions, knots) weights of periodic cubic B-splines, averaged over cells.

    `places` and `cell` are in knots. Point samples would have unit variance.
    """
    matrix = np.zeros((len(places), count), dtype=np.float32)
    rows = np.arange(len(places))
    for offset in _CELL_POSITIONS if cell else (0.0,):
        place = places + offset * cell
        base = np.floor(place).astype(int)
        for tap in range(-1, 3):
            away = np.abs(place - base - tap)
            near = 2 / 3 - away**2 + away**3 / 2
            far = np.clip(2 - away, 0, None) ** 3 / 6
            np.add.at(
                matrix, (rows, (base + tap) % count), np.where(away < 1, near, far)
            )
    # The squared weights of a cubic B-spline integrate to 151 / 315.
    unit = np.sqrt(315 / 151) / (len(_CELL_POSITIONS) if cell else 1)
    return matrix * np.float32(unit)
