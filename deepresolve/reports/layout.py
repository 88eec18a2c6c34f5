"""Figures of panels: how large each is, and where it stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

WIDTH_PX = 2000
DPI = 100
_HIGHEST_PX = 2000
_NARROWEST_PX = 160  # A panel's title needs as much.


class Slice(Protocol):
    """What panels must know of the slice that they show."""

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Distance between rows and between columns, in mm."""

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width in mm."""

    @property
    def edges(self) -> tuple[str, str, str, str]:
        """Anatomical letters of the top, right, bottom and left edge."""


@dataclasses.dataclass(frozen=True)
class Margins:
    """Room around and between panels, in pixels.

    Attributes:
      left: for the names of rows.
      right: nothing is written there.
      top: for the headline and the titles of columns.
      bottom: for colour bars and captions.
      gap: between panels.
    """

    left: int = 56
    right: int = 12
    top: int = 92
    bottom: int = 96
    gap: int = 8


def panel_width(num_columns: int, margins: Margins) -> float:
    """Width in pixels of each of so many panels side by side."""
    inner = WIDTH_PX - margins.left - margins.right - (num_columns - 1) * margins.gap
    return inner / num_columns


def grid(
    heights_px: Sequence[int], num_columns: int, margins: Margins
) -> tuple[Figure, list[list[Axes]]]:
    """An empty figure of rows of panels of one width.

    Args:
      heights_px: of each row.
      num_columns: panels of each row.
      margins: around them.

    Returns:
      The figure, `WIDTH_PX` wide, and its panels by row.
    """
    width = panel_width(num_columns, margins)
    gaps = (len(heights_px) - 1) * margins.gap
    height = margins.top + sum(heights_px) + gaps + margins.bottom
    figure = _empty(height)
    rows, top = [], height - margins.top
    for row_height in heights_px:
        top -= row_height
        lefts = [margins.left + i * (width + margins.gap) for i in range(num_columns)]
        size = width / WIDTH_PX, row_height / height
        rows.append(
            [
                figure.add_axes(
                    (left / WIDTH_PX, top / height, *size), facecolor="black"
                )
                for left in lefts
            ]
        )
        top -= margins.gap
    return figure, rows


def grid_to_scale(
    slices: Sequence[Slice], num_columns: int, margins: Margins
) -> tuple[Figure, list[list[Axes]]]:
    """An empty figure of a row a slice; all panels have the same pixels per mm.

    Args:
      slices: what each row shows.
      num_columns: panels of each row.
      margins: around them.

    Returns:
      The figure, `WIDTH_PX` wide, and its panels by row.
    """
    widest_mm = max(shown.size_mm[1] for shown in slices)
    px_per_mm = panel_width(num_columns, margins) / widest_mm
    heights = [round(shown.size_mm[0] * px_per_mm) for shown in slices]
    return grid(heights, num_columns, margins)


def rows_to_scale(
    rows: Sequence[Sequence[Slice]], margins: Margins, *, row_gap: int
) -> tuple[Figure, list[list[Axes]]]:
    """An empty figure of panels that are as large as their slices, all to one scale.

    Args:
      rows: the slices of each row, from left to right.
      margins: around the panels, and the gap between those of a row.
      row_gap: between rows, in pixels.

    Returns:
      The figure, `WIDTH_PX` wide, and its panels by row.
    """
    inner = WIDTH_PX - margins.left - margins.right
    px_per_mm = min(
        _HIGHEST_PX / sum(max(shown.size_mm[0] for shown in row) for row in rows),
        *(
            (inner - (len(row) - 1) * margins.gap)
            / sum(shown.size_mm[1] for shown in row)
            for row in rows
        ),
    )
    sizes = [[[mm * px_per_mm for mm in s.size_mm] for s in row] for row in rows]
    tops: list[float] = [margins.top]
    for row in sizes:
        tops.append(tops[-1] + max(height for height, _ in row) + row_gap)
    height = round(tops[-1] - row_gap + margins.bottom)
    figure = _empty(height)
    panels: list[list[Axes]] = []
    for top, row in zip(tops, sizes, strict=False):
        panels.append([])
        left: float = margins.left
        for high, wide in row:
            box = left, height - top - high, wide, high
            places = np.divide(box, (WIDTH_PX, height, WIDTH_PX, height))
            panels[-1].append(figure.add_axes(tuple(places), facecolor="black"))
            left += max(wide, _NARROWEST_PX) + margins.gap
    return figure, panels


def _empty(height: int) -> Figure:
    figure = Figure(figsize=(WIDTH_PX / DPI, height / DPI), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure
