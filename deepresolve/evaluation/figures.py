"""One picture of a result: three planes, each with what it is and where it is wrong.

Planes stand as a radiologist reads them, all at one scale. All grey panels share one
window, all error panels one scale. The slices are chosen by the error of TCI, so that
the network has no say in what is shown.
"""

from __future__ import annotations

import io

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from deepresolve.evaluation.subjects import Results
from deepresolve.evaluation.tables import TITLES
from deepresolve.evaluation.views import View, view

WIDTH_PX = 2000
_DPI = 100
_ROWS = ("coronal", "axial", "sagittal")
_GREYS = ("ground_truth", "sr", "tci")
_ERRORS = ("sr", "tci")
_YELLOW = "#ffd24d"
_SCALE_BARS_MM = (1, 2, 5, 10, 20, 50)

# Margins in pixels. Left: plane names; top: titles; bottom: colour bar and caption.
_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 56, 12, 92, 96, 8

_GREY_PERCENTILES = (0.5, 99.5)
_ERROR_PERCENTILE = 99.5


def comparison(results: Results) -> bytes:
    """Draws the example subject: coronal, axial and sagittal rows.

    Columns are ground truth, SR and TCI in grey, then the absolute errors of SR and
    TCI in colour. Each shows the slice of its plane on which TCI errs most, within the
    middle quarter of the plane.

    Returns:
      A PNG file, `WIDTH_PX` wide.
    """
    views = {plane: view(results.example, plane) for plane in _ROWS}
    figure, panels = _layout(views)
    window = _window(views)
    error_limit = _error_limit(views)
    for plane, row in panels.items():
        shown = views[plane]
        for axes, name in zip(row, _GREYS, strict=False):
            _draw(axes, shown.images[name], shown, cmap="gray", limits=window)
            _letter_edges(axes, shown)
        for axes, name in zip(row[len(_GREYS) :], _ERRORS, strict=True):
            limits = (0.0, error_limit)
            drawn = _draw(axes, shown.error(name), shown, cmap="inferno", limits=limits)
    _scale_bar(panels[_ROWS[-1]][0], views[_ROWS[-1]])
    _name_columns(panels[_ROWS[0]], results)
    for plane, row in panels.items():
        _name_row(figure, row[0], views[plane], results.example.ground_truth.plane)
    _colour_bar(figure, panels[_ROWS[-1]], drawn)
    _captions(figure, results)
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=_DPI, facecolor="black")
    return png.getvalue()


def _window(views: dict[str, View]) -> tuple[float, float]:
    """Black and white of the grey panels, from the ground truth's slices alone."""
    pixels = [shown.images["ground_truth"].ravel() for shown in views.values()]
    low, high = np.percentile(np.concatenate(pixels), _GREY_PERCENTILES)
    return float(low), float(high)


def _error_limit(views: dict[str, View]) -> float:
    pixels = [shown.error("tci").ravel() for shown in views.values()]
    return float(np.percentile(np.concatenate(pixels), _ERROR_PERCENTILE)) or 1.0


def _layout(views: dict[str, View]) -> tuple[Figure, dict[str, list[Axes]]]:
    """An empty figure whose panels all have the same number of pixels per mm."""
    num_columns = len(_GREYS) + len(_ERRORS)
    widest_mm = max(shown.size_mm[1] for shown in views.values())
    column_px = (WIDTH_PX - _LEFT - _RIGHT - (num_columns - 1) * _GAP) / num_columns
    px_per_mm = column_px / widest_mm
    heights = {plane: round(v.size_mm[0] * px_per_mm) for plane, v in views.items()}
    height_px = _TOP + sum(heights.values()) + (len(views) - 1) * _GAP + _BOTTOM
    figure = Figure(figsize=(WIDTH_PX / _DPI, height_px / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    panels, top = {}, height_px - _TOP
    for plane, height in heights.items():
        top -= height
        lefts = [_LEFT + i * (column_px + _GAP) for i in range(num_columns)]
        boxes = [(left, top, column_px, height) for left in lefts]
        panels[plane] = [
            figure.add_axes(
                (x / WIDTH_PX, y / height_px, w / WIDTH_PX, h / height_px),
                facecolor="black",
            )
            for x, y, w, h in boxes
        ]
        top -= _GAP
    return figure, panels


def _draw(
    axes: Axes,
    pixels: np.ndarray,
    shown: View,
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


def _letter_edges(axes: Axes, shown: View) -> None:
    places = ((0.5, 0.98), (0.98, 0.5), (0.5, 0.02), (0.02, 0.5))
    alignments = (
        ("center", "top"),
        ("right", "center"),
        ("center", "bottom"),
        ("left", "center"),
    )
    for letter, place, (ha, va) in zip(shown.edges, places, alignments, strict=True):
        axes.annotate(
            letter,
            place,
            xycoords=axes.patch,
            ha=ha,
            va=va,
            color=_YELLOW,
            fontsize=11,
            fontweight="bold",
            path_effects=[patheffects.withStroke(linewidth=3, foreground="black")],
        )


def _scale_bar(axes: Axes, shown: View) -> None:
    """A vertical bar of a round length in the lower left corner."""
    height, width = shown.size_mm
    length = max((mm for mm in _SCALE_BARS_MM if mm < height / 2), default=1)
    x, bottom = 0.04 * width, 0.95 * height
    axes.plot([x, x], [bottom - length, bottom], color="white", linewidth=2)
    axes.text(
        x + 0.02 * width, bottom, f"{length} mm", color="white", fontsize=9, va="bottom"
    )


def _name_columns(top_row: list[Axes], results: Results) -> None:
    titles = [_column_title(results, name) for name in _GREYS]
    titles += [f"Error of {TITLES[name]}" for name in _ERRORS]
    for axes, title in zip(top_row, titles, strict=True):
        axes.set_title(title, color="white", fontsize=11, pad=8)


def _name_row(figure: Figure, axes: Axes, shown: View, acquired_plane: str) -> None:
    """Plane and slice number, upwards along the left margin."""
    acquired = " (acquired plane)" if shown.plane == acquired_plane else ""
    number, total = shown.slice_number
    box = axes.get_position(original=True)
    figure.text(
        0.5 * _LEFT / WIDTH_PX,
        0.5 * (box.y0 + box.y1),
        f"{shown.plane.capitalize()}{acquired}\n{number} of {total}",
        color="white",
        fontsize=11,
        rotation=90,
        ha="center",
        va="center",
        multialignment="center",
    )


def _column_title(results: Results, image_set: str) -> str:
    """Name of the image set, and how this subject's whole volume measured."""
    values = {
        m.metric: m.value
        for m in results.measurements
        if (m.subject, m.image_set) == (results.example.subject, image_set)
    }
    numbers = [
        f"{results.metrics[name].title} {value * results.metrics[name].table_scale:.2f}"
        for name, value in values.items()
    ]
    return "\n".join([TITLES[image_set], "   ".join(numbers)])


def _colour_bar(figure: Figure, row: list[Axes], drawn: AxesImage) -> None:
    """One bar, in the bottom margin under both error columns."""
    first, last = (row[i].get_position(original=True) for i in (-len(_ERRORS), -1))
    y, height = 60 / figure.bbox.height, 12 / figure.bbox.height
    axes = figure.add_axes((first.x0, y, last.x1 - first.x0, height))
    bar = figure.colorbar(drawn, cax=axes, orientation="horizontal", extend="max")
    bar.set_label("absolute error, 1 = the full intensity range", color="white")
    bar.outline.set_edgecolor("white")
    axes.tick_params(colors="white")


def _captions(figure: Figure, results: Results) -> None:
    """What was done on top; how to read it at the bottom."""
    truth = results.example.ground_truth
    thick_mm = truth.slice_spacing_mm * results.downsample_factor
    headline = (
        f"{results.example.subject}: {truth.plane} slices every {thick_mm:.2f} mm, "
        f"brought back to {truth.slice_spacing_mm:.2f} mm "
        f"(factor {results.downsample_factor})"
    )
    legend = (
        "Slices: the largest error of TCI in the middle quarter of each plane. "
        "Numbers: the whole volume.\n"
        "One window for all grey panels, one scale for all errors."
    )
    left, px = _LEFT / WIDTH_PX, 1 / figure.bbox.height
    figure.text(left, 1 - 10 * px, headline, color="white", fontsize=13, va="top")
    figure.text(left, 24 * px, legend, color="#bbbbbb", fontsize=10)
