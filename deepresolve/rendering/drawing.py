"""Panels of slices on black: grids of them, letters, scale bars, contours.

Planes stand as a radiologist reads them, and pixels have their true shape.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

WIDTH_PX = 2000
_DPI = 100
_YELLOW = "#ffd24d"
_GREY = "#bbbbbb"
_SCALE_BARS_MM = (1, 2, 5, 10, 20, 50)
_HIGHEST_PX = 2000
_NARROWEST_PX = 160  # A panel's title needs as much.
_GREY_PERCENTILES = (0.5, 99.5)


class Slice(Protocol):
    """What panels must know of the slice that they show.

    Attributes:
      pixel_mm: distance between rows and between columns, in mm.
      size_mm: height and width in mm.
      edges: anatomical letters of the top, right, bottom and left edge.
    """

    pixel_mm: tuple[float, float]
    size_mm: tuple[float, float]
    edges: tuple[str, str, str, str]


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
    figure = Figure(figsize=(WIDTH_PX / _DPI, height / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
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
    """As `grid`, a row a slice; all panels have the same number of pixels per mm."""
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
    tops = [margins.top]
    for row in sizes:
        tops.append(tops[-1] + max(height for height, _ in row) + row_gap)
    height = round(tops[-1] - row_gap + margins.bottom)
    figure = Figure(figsize=(WIDTH_PX / _DPI, height / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    panels = []
    for top, row in zip(tops, sizes, strict=False):
        panels.append([])
        left = margins.left
        for high, wide in row:
            box = left, height - top - high, wide, high
            places = np.divide(box, (WIDTH_PX, height, WIDTH_PX, height))
            panels[-1].append(figure.add_axes(tuple(places), facecolor="black"))
            left += max(wide, _NARROWEST_PX) + margins.gap
    return figure, panels


def window(images: Sequence[np.ndarray]) -> tuple[float, float]:
    """Black and white of grey panels: percentiles of all pixels of these images."""
    pixels = np.concatenate([image.ravel() for image in images])
    low, high = np.percentile(pixels, _GREY_PERCENTILES)
    return float(low), float(high)


def draw(
    axes: Axes,
    pixels: np.ndarray,
    shown: Slice,
    *,
    cmap: str,
    limits: tuple[float, float],
) -> AxesImage:
    """Draws one panel in mm, so that its pixels have their true shape."""
    height, width = shown.size_mm
    axes.set_axis_off()
    return axes.imshow(
        pixels, cmap=cmap, vmin=limits[0], vmax=limits[1], extent=(0, width, height, 0)
    )


def contours(
    axes: Axes,
    label_map: np.ndarray,
    shown: Slice,
    *,
    color: str,
    linewidth: float,
    linestyle: Any,
) -> None:
    """Outlines every class of a label map over its panel."""
    rows, columns = (
        (np.arange(size) + 0.5) * mm
        for size, mm in zip(label_map.shape, shown.pixel_mm, strict=True)
    )
    for number in np.unique(label_map[label_map > 0]):
        axes.contour(
            columns,
            rows,
            (label_map == number).astype(np.float32),
            levels=[0.5],
            colors=[color],
            linewidths=[linewidth],
            linestyles=[linestyle],
        )


def letter_edges(axes: Axes, shown: Slice) -> None:
    """Writes where the patient's sides lie."""
    places = ((0.5, 0.98), (0.98, 0.5), (0.5, 0.02), (0.02, 0.5))
    alignments = (
        ("center", "top"),
        ("right", "center"),
        ("center", "bottom"),
        ("left", "center"),
    )
    for letter, place, (ha, va) in zip(shown.edges, places, alignments, strict=True):
        outlined(axes, letter, place, ha=ha, va=va, color=_YELLOW, fontweight="bold")


def plain(text: str) -> str:
    """Text in which Matplotlib reads no mathematics."""
    return text.replace("$", r"\$")


def outlined(
    axes: Axes,
    text: str,
    place: tuple[float, float],
    *,
    ha: str,
    va: str,
    color: str = "white",
    fontweight: str = "normal",
) -> None:
    """Writes on an image, at a place from (0, 0), lower left, to (1, 1)."""
    axes.annotate(
        text,
        place,
        xycoords=axes.patch,
        ha=ha,
        va=va,
        color=color,
        fontsize=11,
        fontweight=fontweight,
        path_effects=[patheffects.withStroke(linewidth=3, foreground="black")],
    )


def scale_bar(axes: Axes, shown: Slice) -> None:
    """A vertical bar of a round length in the lower left corner."""
    height, width = shown.size_mm
    length = max((mm for mm in _SCALE_BARS_MM if mm < height / 2), default=1)
    x, bottom = 0.04 * width, 0.95 * height
    stroke = [patheffects.withStroke(linewidth=4, foreground="black")]
    axes.plot(
        [x, x],
        [bottom - length, bottom],
        color="white",
        linewidth=2,
        path_effects=stroke,
    )
    axes.text(
        x + 0.02 * width,
        bottom,
        f"{length} mm",
        color="white",
        fontsize=9,
        va="bottom",
        path_effects=stroke,
    )


def name_columns(top_row: Sequence[Axes], titles: Sequence[str]) -> None:
    """Writes a title above each panel of the top row."""
    for axes, title in zip(top_row, titles, strict=True):
        axes.set_title(title, color="white", fontsize=11, pad=8)


def name_row(figure: Figure, axes: Axes, name: str, margins: Margins) -> None:
    """Writes upwards along the left margin."""
    box = axes.get_position(original=True)
    figure.text(
        0.5 * margins.left / WIDTH_PX,
        0.5 * (box.y0 + box.y1),
        name,
        color="white",
        fontsize=11,
        rotation=90,
        ha="center",
        va="center",
        multialignment="center",
    )


def headline(figure: Figure, text: str, margins: Margins) -> None:
    """Writes what is shown along the top."""
    left, px = margins.left / WIDTH_PX, 1 / figure.bbox.height
    figure.text(left, 1 - 10 * px, text, color="white", fontsize=13, va="top")


def caption(figure: Figure, text: str, margins: Margins) -> None:
    """Writes how to read it along the bottom."""
    left, px = margins.left / WIDTH_PX, 1 / figure.bbox.height
    figure.text(left, 24 * px, text, color=_GREY, fontsize=10)


def png(figure: Figure, background: str = "black") -> bytes:
    """The figure as a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI, facecolor=background)
    return file.getvalue()
