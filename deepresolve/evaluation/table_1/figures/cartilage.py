"""After the paper's Figure 2: the joint reformatted, and its cartilage outlined.

    coronal     ground truth, SR and TCI, in a plane that thick sagittal slices blur
    zoom        the same slice where it has most cartilage
    sagittal    the reference's outline and the network's on each image set

Slices and zoom are chosen by the reference labels (without any by the error of TCI),
so that no network has a say in what is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from deepresolve.evaluation.table_1.figures.views import (
    View,
    interest,
    thickening,
    view,
    window,
)
from deepresolve.evaluation.table_1.results import Example, Results
from deepresolve.imaging.volume import Volume
from deepresolve.reports import drawing, layout
from deepresolve.reports.layout import Margins
from deepresolve.reports.planes import (
    box_around,
    central_slice,
    fullest_slice,
    fullest_window,
)

MARGINS = Margins(top=72)
COLUMNS = ("ground_truth", "sr", "tci")
# Told apart by those who cannot tell red from green, and on any grey. Where both run
# on one line, blue shows between the orange dashes.
REFERENCE_LINE: dict[str, Any] = {
    "color": "#2ec4ff",
    "linewidth": 2.2,
    "linestyle": "-",
}
ESTIMATE_LINE: dict[str, Any] = {
    "color": "#ff8c1a",
    "linewidth": 2.2,
    "linestyle": (0, (1.6, 1.2)),
}
_ZOOM_MM = (24.0, 40.0)
_SAGITTAL_MARGIN_MM = 8.0


def draw(results: Results) -> bytes:
    """Draws the example subject; the sagittal row only where "seg" was run.

    Returns:
      A PNG file, `layout.WIDTH_PX` wide.
    """
    example = results.example
    columns = [name for name in COLUMNS if name in example.images]
    weights = interest(example)
    coronal, box = _coronal(example, weights)
    views = {"coronal": coronal, "zoom": coronal.crop(box)}
    if example.label_maps:
        views["sagittal"] = _sagittal(example, weights)
    figure, rows = _layout(views, columns, results.plan.titles)
    for shown, row in zip(views.values(), rows, strict=True):
        _draw_row(row, shown, columns)
    for axes in rows[0]:
        _frame(axes, box, coronal)
    if "sagittal" in views:
        _outline_row(rows[-1], views["sagittal"], columns, results)
        _legend(figure, results)
    drawing.headline(figure, thickening(results), MARGINS)
    drawing.caption(figure, _caption(example), MARGINS)
    return drawing.png(figure)


def _coronal(example: Example, weights: Volume) -> tuple[View, tuple[slice, slice]]:
    """The slice, and where in it to zoom: (rows, columns)."""
    index = central_slice(weights, "coronal")
    shown = view(example, "coronal", index)
    height, width = (
        max(1, round(size / mm))
        for size, mm in zip(_ZOOM_MM, shown.pixel_mm, strict=True)
    )
    pixels = weights.in_plane("coronal").array[:, :, index]
    return shown, fullest_window(pixels, (height, width))


def _sagittal(example: Example, weights: Volume) -> View:
    """The slice with most cartilage, cut to what holds it."""
    index = fullest_slice(weights, "sagittal")
    shown = view(example, "sagittal", index)
    pixels = weights.in_plane("sagittal").array[:, :, index]
    return shown.crop(box_around(pixels, shown.pixel_mm, _SAGITTAL_MARGIN_MM))


def _layout(
    views: Mapping[str, View], columns: Sequence[str], titles: Mapping[str, str]
) -> tuple[Figure, list[list[Axes]]]:
    """An empty figure, its panels by view and image set, with their names.

    A view is a row that fills the width, so each has its own scale. Of one image set
    the views stand side by side: a panel as wide as the figure would be a poster.
    """
    if len(columns) == 1:
        return _side_by_side(views, titles[columns[0]])
    width = layout.panel_width(len(columns), MARGINS)
    heights = [_height(shown, width) for shown in views.values()]
    figure, rows = layout.grid(heights, len(columns), MARGINS)
    for (name, shown), row in zip(views.items(), rows, strict=True):
        drawing.name_row(figure, row[0], "\n".join(_name(name, shown)), MARGINS)
    drawing.name_columns(rows[0], [titles[name] for name in columns])
    return figure, rows


def _side_by_side(
    views: Mapping[str, View], title: str
) -> tuple[Figure, list[list[Axes]]]:
    """An empty figure: every view fills the width of its panel or the common height."""
    width = layout.panel_width(len(views), MARGINS)
    height = min(
        max(_height(shown, width) for shown in views.values()), round(1.5 * width)
    )
    figure, (row,) = layout.grid([height], len(views), MARGINS)
    drawing.name_row(figure, row[0], title, MARGINS)
    names = [", ".join(_name(name, shown)) for name, shown in views.items()]
    drawing.name_columns(row, names)
    return figure, [[axes] for axes in row]


def _height(shown: View, width: float) -> int:
    """Pixels of a panel of that width whose pixels have their true shape."""
    return round(width * shown.size_mm[0] / shown.size_mm[1])


def _draw_row(row: Sequence[Axes], shown: View, columns: Sequence[str]) -> None:
    grey = window([shown])
    for axes, name in zip(row, columns, strict=True):
        drawing.draw(axes, shown.images[name], shown, cmap="gray", limits=grey)
        drawing.letter_edges(axes, shown)
    drawing.scale_bar(row[0], shown)


def _name(name: str, shown: View) -> tuple[str, str]:
    """What a view is, and which slice of how many."""
    number, total = shown.slice_number
    title = "Coronal, zoomed" if name == "zoom" else shown.plane.capitalize()
    return title, f"{number} of {total}"


def _frame(axes: Axes, box: tuple[slice, slice], shown: View) -> None:
    """Shows in the whole slice what the zoom shows."""
    (top, bottom), (left, right) = (
        (extent.start * mm, extent.stop * mm)
        for extent, mm in zip(box, shown.pixel_mm, strict=True)
    )
    axes.add_patch(
        Rectangle((left, top), right - left, bottom - top, fill=False, color="white")
    )


def _outline_row(
    row: Sequence[Axes], shown: View, columns: Sequence[str], results: Results
) -> None:
    """The reference below, the network's label map on top of it."""
    for axes, name in zip(row, columns, strict=True):
        if shown.reference is not None:
            drawing.contours(axes, shown.reference, shown, **REFERENCE_LINE)
        drawing.contours(axes, shown.label_maps[name], shown, **ESTIMATE_LINE)
        drawing.outlined(
            axes, _scores(results, name), (0.98, 0.98), ha="right", va="top"
        )


def _scores(results: Results, image_set: str) -> str:
    """DSC of each class in the example's whole volume."""
    metric = results.plan.metrics.get("dsc")
    if metric is None:
        return ""
    lines = []
    for name in results.plan.class_names:
        # The example is the first subject of the run.
        value = results.values("dsc", image_set, network="seg", label_class=name)[0]
        lines.append(f"{name}: {metric.heading} {value * metric.table_scale:.1f}")
    return "\n".join(lines)


def _legend(figure: Figure, results: Results) -> None:
    network = results.plan.networks["seg"].title
    figure.legend(
        handles=[
            Line2D([], [], label="reference labels", **REFERENCE_LINE),
            Line2D([], [], label=network, **ESTIMATE_LINE),
        ],
        loc="lower right",
        ncols=2,
        fontsize=11,
        frameon=False,
        labelcolor="white",
    )


def _caption(example: Example) -> str:
    by_labels = example.reference is not None and example.reference.array.any()
    what = "the reference tissue" if by_labels else "the error of TCI"
    text = f"Coronal: the slice through the centre of {what}, zoomed where it has most."
    if example.label_maps:
        text += f" Sagittal: the slice with most of {what}. DSC: the whole volume."
    return f"{text}\nOne window for the panels of a view."
