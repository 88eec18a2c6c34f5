"""Plates laid flat: thickness on a grid that is alike in every knee.

The femur's plate is unrolled: a circle is fitted to its bone as seen from the side, and
each place has an angle around it (0 degrees straight down, towards the back positive)
and a distance across. Plates of tibia and patella are projected along their mean
normal. Columns run from medial to lateral in both knees, rows from the front to the
back, or down the patella. Columns, and rows in mm, count from the middle of the plate's
area.

No map of a curved surface keeps all areas. Each cell says how much bone lies in it, so
means weighted by `area_mm2` are those of the surface; `stretch` is that area over the
cell's own: 1 where the map is true, 1.4 on a slope of 45 degrees, and more where the
plate folds back onto itself, as on the walls of the femur's notch.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from deepresolve.quantification.axes import knee_axes
from deepresolve.quantification.knee import KneeMeasures
from deepresolve.quantification.places import REGION_NAMES, region_numbers
from deepresolve.quantification.regions import BACK, DOWN, MEDIAL
from deepresolve.quantification.surfaces import Surface

# Of a grid: mm, and degrees around the femur, whose radius of 25 to 30 mm makes them
# about as long.
STEP_MM, STEP_DEGREES = 0.5, 1.0
_UNROLLED = "F"
# Along the longest side of a triangle.
_POINTS_A_CELL = 2
_TINY = 1e-9
_DECIMALS = 6
CSV_COLUMNS = (
    *("scan", "plate", "row", "row_unit", "column_mm", "thickness_mm", "denuded"),
    *("region", "area_mm2", "fingerprint"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class FlatPlate:
    """One plate on a grid of (rows, columns).

    Attributes:
      name: "F", "MT", "LT", "T" or "P".
      rows: (r,) float64, middles of the rows, in `row_unit`.
      columns_mm: (c,) float64, middles of the columns.
      row_unit: "degrees" or "mm".
      row_mm: length of a row, in mm: of the femur an arc of the fitted circle.
      edges: what lies beyond the first and the last row and column: ("anterior",
        "posterior", "medial", "lateral"); ("left", "right") of the patient where
        nothing tells what is medial.
      thickness_mm: (r, c) float64, mean over the covered bone of a cell; 0 where most
        of it is denuded, NaN where there is no bone of the plate.
      denuded: (r, c) bool; where the bone has no label none is, for it cannot be told
        there, and the map ends with the cartilage.
      region: (r, c) uint8, from 1, of `places.REGION_NAMES`; 0: none.
      area_mm2: (r, c) float64, of the bone's surface in each cell.
    """

    name: str
    rows: np.ndarray
    columns_mm: np.ndarray
    row_unit: str
    row_mm: float
    edges: tuple[str, str, str, str]
    thickness_mm: np.ndarray
    denuded: np.ndarray
    region: np.ndarray
    area_mm2: np.ndarray

    @property
    def stretch(self) -> np.ndarray:
        """Area of the bone in each cell over that of the cell; NaN outside: (r, c)."""
        ratio = self.area_mm2 / (self.row_mm * STEP_MM)
        return np.where(np.isnan(self.thickness_mm), np.nan, ratio)


class _Cells(NamedTuple):
    """As the last four of a `FlatPlate`: (r, c) each."""

    thickness_mm: np.ndarray
    denuded: np.ndarray
    region: np.ndarray
    area_mm2: np.ndarray


def flatten(knee: KneeMeasures, name: str) -> FlatPlate:
    """Lays a plate flat.

    Args:
      knee: what `knee.measure` gave.
      name: of the plate: "F", "MT", ...
    """
    laid = _laid(knee, name)
    (first_row, first_column), cells = _cells(knee, name, laid)
    num_rows, num_columns = cells.area_mm2.shape
    return FlatPlate(
        name,
        (first_row + np.arange(num_rows) + 0.5) * laid.step,
        (first_column + np.arange(num_columns) + 0.5) * STEP_MM,
        laid.unit,
        laid.row_mm,
        laid.edges,
        *cells,
    )


def laid_flat(knee: KneeMeasures, name: str) -> np.ndarray:
    """Where each vertex of a plate's bone lies on the plate laid flat.

    Args:
      knee: what `knee.measure` gave.
      name: of the plate: "F", "MT", ...

    Returns:
      (n, 2) float64, row and column in the units of `FlatPlate.rows` and
      `FlatPlate.columns_mm`.
    """
    return _laid(knee, name).places


def mean_in_cells(knee: KneeMeasures, name: str, numbers: np.ndarray) -> np.ndarray:
    """Numbers of a plate's vertices on the grid of `flatten`.

    Args:
      knee: what `knee.measure` gave.
      name: of the plate: "F", "MT", ...
      numbers: (n,), of each vertex of its bone.

    Returns:
      (r, c) float64, mean over the bone's area in each cell; NaN where there is none.
    """
    spread = _spread(knee, name, _laid(knee, name))
    area = spread.total(spread.areas)
    mean = spread.total(spread.areas * numbers[spread.vertex]) / np.where(area, area, 1)
    return np.where(area > 0, mean, np.nan)


class _Laid(NamedTuple):
    """How a plate lies flat.

    Attributes:
      places: (n, 2), row and column of each vertex, in `unit` and mm.
      step: height of a cell, in `unit`.
      unit: "degrees" or "mm".
      row_mm: height of a cell, in mm.
      edges: as of a `FlatPlate`.
    """

    places: np.ndarray
    step: float
    unit: str
    row_mm: float
    edges: tuple[str, str, str, str]


def _laid(knee: KneeMeasures, name: str) -> _Laid:
    bone = _straight(knee, name)
    across = ("medial", "lateral") if knee.side else ("left", "right")
    if name == _UNROLLED:
        places, radius_mm = _unroll(bone)
        row_mm = radius_mm * math.radians(STEP_DEGREES)
        edges = ("anterior", "posterior", *across)
        return _Laid(places, STEP_DEGREES, "degrees", row_mm, edges)
    places, axis = _project(bone)
    along = {BACK: ("anterior", "posterior"), DOWN: ("superior", "inferior")}[axis]
    return _Laid(places, STEP_MM, "mm", STEP_MM, (*along, *across))


def _straight(knee: KneeMeasures, name: str) -> Surface:
    """The bone of a plate, in mm down, back and towards medial along the knee's axes.

    Towards the patient's left where nothing tells what is medial; along the axes of the
    scan without both tibial plates.
    """
    bones = {
        plate: knee.plates[plate].bone
        for plate in (name, "MT", "LT")
        if plate in knee.plates
    }
    if knee.side == "left":  # Its medial side is to the patient's right.
        bones = {plate: bone.mirrored(MEDIAL, 0.0) for plate, bone in bones.items()}
    if "MT" not in bones or "LT" not in bones:
        return bones[name]
    return bones[name].turned(knee_axes(bones["MT"], bones["LT"]))


def _unroll(bone: Surface) -> tuple[np.ndarray, float]:
    """(degrees, mm) of each vertex: (n, 2), and the radius of the circle in mm."""
    centre, radius_mm = fit_circle(bone.vertices[:, [DOWN, BACK]], bone.areas_mm2)
    down, back = (bone.vertices[:, [DOWN, BACK]] - centre).T
    medial = bone.vertices[:, MEDIAL]
    to_lateral = np.average(medial, weights=bone.areas_mm2) - medial
    # The shaft, where the angle jumps, has no cartilage.
    degrees = np.degrees(np.arctan2(back, down))
    return np.stack([degrees, to_lateral], axis=1), radius_mm


def fit_circle(points: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Circle through points, by least squares of (distance² - radius²), after Kåsa.

    I. Kåsa, IEEE Trans. Instrum. Meas. 1976;25:8.

    Args:
      points: (n, 2).
      weights: (n,), 0 or above.

    Returns:
      Its centre (2,) and its radius.
    """
    middle = np.average(points, axis=0, weights=weights)
    away = points - middle
    root = np.sqrt(weights)
    # |p|² = 2 c·p + (radius² - |c|²) is linear in what is sought.
    left = np.column_stack([2 * away, np.ones(len(away))]) * root[:, None]
    (x, y, rest), *_ = np.linalg.lstsq(left, (away**2).sum(axis=1) * root, rcond=None)
    return middle + np.array([x, y]), float(np.sqrt(rest + x**2 + y**2))


def _project(bone: Surface) -> tuple[np.ndarray, int]:
    """(mm, mm) of each vertex: (n, 2), and the axis that rows run along."""
    normal = np.average(bone.normals, axis=0, weights=bone.areas_mm2)
    normal /= np.linalg.norm(normal)
    axis = min((DOWN, BACK), key=lambda n: abs(normal[n]))
    along = np.eye(3)[axis] - normal[axis] * normal
    along /= np.linalg.norm(along)
    across = np.cross(normal, along)
    across *= -np.sign(across[MEDIAL])  # To lateral.
    middle = np.average(bone.vertices, axis=0, weights=bone.areas_mm2)
    return (bone.vertices - middle) @ np.stack([along, across], axis=1), axis


def _cells(
    knee: KneeMeasures, name: str, laid: _Laid
) -> tuple[tuple[int, int], _Cells]:
    """Row and column of the first cell, and what lies in each.

    Args:
      knee: what `knee.measure` gave.
      name: of the plate.
      laid: how it lies.
    """
    plate, spread = knee.plates[name], _spread(knee, name, laid)
    vertex, areas, total = spread.vertex, spread.areas, spread.total
    area = total(areas)
    covered = total(areas * plate.covered[vertex])
    thickness = total(areas * plate.thickness_mm[vertex])
    denuded = (area > 0) & (covered < area / 2)
    inside = np.where(denuded, 0.0, thickness / np.where(covered > 0, covered, 1.0))
    numbers = region_numbers(knee, name)[vertex]
    shares = [total(areas * (numbers == n)) for n in range(len(REGION_NAMES) + 1)]
    region = np.argmax(shares, axis=0).astype(np.uint8)
    cells = _Cells(np.where(area > 0, inside, np.nan), denuded, region, area)
    return spread.first, cells


class _Spread(NamedTuple):
    """Points all over a plate, each in a cell.

    Attributes:
      vertex: (p,) int, of the bone, that each point belongs to.
      areas: (p,), of each in mm²; 0 where the plate's map has no bone.
      cell: (p,) int, number of its cell, row by row.
      first: row and column of the first cell.
      shape: rows and columns.
    """

    vertex: np.ndarray
    areas: np.ndarray
    cell: np.ndarray
    first: tuple[int, int]
    shape: tuple[int, int]

    def total(self, weights: np.ndarray) -> np.ndarray:
        """Sum of what points have, in each cell: (r, c)."""
        summed = np.bincount(self.cell, weights, math.prod(self.shape))
        return summed.reshape(self.shape)


def _spread(knee: KneeMeasures, name: str, laid: _Laid) -> _Spread:
    plate = knee.plates[name]
    cells = laid.places / (laid.step, STEP_MM)
    vertex, at, areas = _points(plate.bone, cells)
    if name in knee.without_bone:
        areas = areas * plate.covered[vertex]
    # What lies on a border between cells lies there in a mirrored knee, too.
    cell = np.floor(np.round(at, _DECIMALS)).astype(int)
    first = cell.min(axis=0)
    num_rows, num_columns = cell.max(axis=0) - first + 1
    shape = int(num_rows), int(num_columns)
    numbers = np.ravel_multi_index(tuple((cell - first).T), shape)
    return _Spread(vertex, areas, numbers, (int(first[0]), int(first[1])), shape)


def _points(
    bone: Surface, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points all over the triangles, close enough that no cell is missed.

    Args:
      bone: of the plate.
      places: (n, 2), where each of its vertices goes, in cells.

    Returns:
      (p,) int, the vertex that each point belongs to; (p, 2), where it goes, in cells;
      (p,), its area in mm²: those of a vertex add up to that of the vertex.
    """
    # In a mirrored surface triangles have their corners in another order.
    faces = np.sort(bone.faces, axis=1)
    corners = bone.vertices[faces]
    sides_mm = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    weights = _barycentric(max(1, math.ceil(_POINTS_A_CELL * sides_mm.max() / STEP_MM)))
    of_faces = np.einsum("pc,fcx->fpx", weights, places[faces]).reshape(-1, 2)
    nearest = faces[:, np.argmax(weights, axis=1)].ravel()
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    of_points = np.repeat(np.linalg.norm(crossed, axis=1), len(weights))
    # Every vertex itself, too: at the rim some have no triangle left.
    vertex = np.concatenate([nearest, np.arange(len(places))])
    shares = np.concatenate([of_points, np.full(len(places), _TINY)])
    areas = bone.areas_mm2 / np.bincount(vertex, shares)
    return vertex, np.concatenate([of_faces, places]), shares * areas[vertex]


def _barycentric(parts: int) -> np.ndarray:
    """Middles of the parts² equal triangles that a triangle is cut into: (p, 3)."""
    i, j = np.indices((parts, parts)).reshape(2, -1)
    upright, turned = i + j < parts, i + j < parts - 1
    first = np.concatenate([i[upright] + 1 / 3, i[turned] + 2 / 3]) / parts
    second = np.concatenate([j[upright] + 1 / 3, j[turned] + 2 / 3]) / parts
    return np.stack([first, second, 1 - first - second], axis=1)


def to_csv(plates: Sequence[FlatPlate], scan: str, fingerprint: str) -> str:
    """A table with a line for each cell that holds bone; region "" is none.

    Args:
      plates: of one knee.
      scan: its name, in every line, so that tables of several knees can be joined.
      fingerprint: what the numbers follow from, as the table of measures has it.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    names = ("", *REGION_NAMES)
    for plate in plates:
        for row, column in np.argwhere(plate.area_mm2 > 0):
            writer.writerow(
                (
                    *(scan, plate.name, f"{plate.rows[row]:g}", plate.row_unit),
                    f"{plate.columns_mm[column]:g}",
                    f"{plate.thickness_mm[row, column]:.3f}",
                    int(plate.denuded[row, column]),
                    names[plate.region[row, column]],
                    f"{plate.area_mm2[row, column]:.4f}",
                    fingerprint,
                )
            )
    return table.getvalue()
