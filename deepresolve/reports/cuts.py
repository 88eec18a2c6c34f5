"""How an anatomical plane runs along a volume's axes.

All that a viewer in a browser knows of geometry; apart from `planes`, for a server
starts without nibabel and SciPy.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from deepresolve.imaging.anatomy import CANONICAL_ORIENTATION, OPPOSITE


@dataclasses.dataclass(frozen=True)
class Cut:
    """How (row, column, slice) of an anatomical plane run along a volume's own axes.

    Attributes:
      axes: for rows, columns and slices, the axis of the volume.
      flipped: for each, whether the index falls where the volume's own grows.
      pixel_mm: distance between rows and between columns, in mm.
      edges: as `edge_letters`.
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    pixel_mm: tuple[float, float]
    edges: tuple[str, str, str, str]


def cut(orientation: str, spacing_mm: Sequence[float], plane: str) -> Cut:
    """The cut that takes a volume to what `Volume.in_plane` makes of it.

    Args:
      orientation: nibabel's axis codes: where each index of the volume grows to.
      spacing_mm: between its voxels, along each axis.
      plane: "sagittal", "coronal" or "axial".
    """
    wanted = CANONICAL_ORIENTATION[plane]
    rows, columns, slices = (
        orientation.index(letter if letter in orientation else OPPOSITE[letter])
        for letter in wanted
    )
    down, right, through = (letter not in orientation for letter in wanted)
    return Cut(
        (rows, columns, slices),
        (down, right, through),
        (float(spacing_mm[rows]), float(spacing_mm[columns])),
        edge_letters(wanted),
    )


def edge_letters(orientation: str) -> tuple[str, str, str, str]:
    """Anatomical letters of the top, right, bottom and left edge of a slice.

    Args:
      orientation: where rows, columns and slices of the plane grow to.
    """
    down, right = orientation[0], orientation[1]
    return OPPOSITE[down], right, down, OPPOSITE[right]


def for_viewer(
    plane: str,
    chosen: Cut,
    *,
    start: int,
    ticks: tuple[str, Iterable[float]] | None = None,
) -> dict[str, Any]:
    """A plane as `viewer/volume.js` has it, of JSON values.

    Args:
      plane: its name.
      chosen: how it runs.
      start: the slice to begin with.
      ticks: what to mark positions beside, "rows" or "columns", and their places: n in
        the middle of number n, n + 0.5 between it and the next one.
    """
    described = {"name": plane, **dataclasses.asdict(chosen), "start": start}
    if ticks is None:
        return described | {"ticks": None}
    along, places = ticks
    at = [round(float(place), 4) for place in places]
    return described | {"ticks": {"along": along, "at": at}}
