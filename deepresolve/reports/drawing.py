"""Slices in panels on black: letters, scale bars, contours, names.

Planes stand as a radiologist reads them, and pixels have their true shape.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from deepresolve.reports.layout import DPI, WIDTH_PX, Margins, Slice

_YELLOW = "#ffd24d"
_GREY = "#bbbbbb"
_SCALE_BARS_MM = (1, 2, 5, 10, 20, 50)
GREY_PERCENTILES = (0.5, 99.5)


def window(images: Sequence[np.ndarray]) -> tuple[float, float]:
    """Black and white of grey panels: percentiles of all pixels of these images."""
    pixels = np.concatenate([image.ravel() for image in images])
    low, high = np.percentile(pixels, GREY_PERCENTILES)
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
    figure.savefig(file, format="png", dpi=DPI, facecolor=background)
    return file.getvalue()
