"""Three planes of one subject, each with what it is and where it is wrong.

All grey panels share one window, all error panels one scale. The slices are chosen by
the error of TCI, so that the network has no say in what is shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from deepresolve.evaluation.table_1.figures.views import (
    View,
    tci_error,
    thickening,
    view,
    window,
)
from deepresolve.evaluation.table_1.results import Results
from deepresolve.reports import drawing, layout
from deepresolve.reports.layout import Margins
from deepresolve.reports.planes import fullest_slice

MARGINS = Margins()
_ROWS = ("coronal", "axial", "sagittal")
_GREYS = ("ground_truth", "sr", "tci")
_ERRORS = ("sr", "tci")
_ERROR_PERCENTILE = 99.5


def draw(results: Results) -> bytes:
    """Draws the example subject: coronal, axial and sagittal rows.

    Columns are ground truth, SR and TCI in grey, then the absolute errors of SR and
    TCI in colour; without SR those of TCI alone. Each shows the slice of its plane on
    which TCI errs most, within the middle quarter of the plane.

    Returns:
      A PNG file, `layout.WIDTH_PX` wide.
    """
    example = results.example
    greys, errors = (
        [name for name in names if name in example.images]
        for names in (_GREYS, _ERRORS)
    )
    error = tci_error(example)
    views = [
        view(example, plane, fullest_slice(error, plane, middle_only=True))
        for plane in _ROWS
    ]
    figure, rows = layout.grid_to_scale(views, len(greys) + len(errors), MARGINS)
    grey, limits = window(views), (0.0, _error_limit(views))
    for shown, row in zip(views, rows, strict=True):
        for axes, name in zip(row, greys, strict=False):
            pixels = shown.images[name]
            drawing.draw(axes, pixels, shown, cmap="gray", limits=grey)
            drawing.letter_edges(axes, shown)
        for axes, name in zip(row[len(greys) :], errors, strict=True):
            pixels = shown.error(name)
            drawn = drawing.draw(axes, pixels, shown, cmap="inferno", limits=limits)
        _name_row(figure, row[0], shown, example.ground_truth.plane)
    drawing.scale_bar(rows[-1][0], views[-1])
    titles = [_column_title(results, name) for name in greys]
    titles += [f"Error of {results.plan.titles[name]}" for name in errors]
    drawing.name_columns(rows[0], titles)
    _colour_bar(figure, rows[-1][len(greys) :], drawn)
    _captions(figure, results)
    return drawing.png(figure)


def _error_limit(views: Sequence[View]) -> float:
    pixels = [shown.error("tci").ravel() for shown in views]
    return float(np.percentile(np.concatenate(pixels), _ERROR_PERCENTILE)) or 1.0


def _name_row(figure: Figure, axes: Axes, shown: View, acquired_plane: str) -> None:
    acquired = " (acquired plane)" if shown.plane == acquired_plane else ""
    number, total = shown.slice_number
    name = f"{shown.plane.capitalize()}{acquired}\n{number} of {total}"
    drawing.name_row(figure, axes, name, MARGINS)


def _column_title(results: Results, image_set: str) -> str:
    """Name of the image set, and how this subject's whole volume measured."""
    numbers = []
    for name in ("ssim", "psnr"):
        values = results.values(name, image_set)
        if values:
            metric = results.plan.metrics[name]
            # The example is the first subject of the run.
            numbers.append(f"{metric.heading} {values[0] * metric.table_scale:.2f}")
    return "\n".join([results.plan.titles[image_set], "   ".join(numbers)])


def _colour_bar(figure: Figure, errors: Sequence[Axes], drawn: AxesImage) -> None:
    """One bar, in the bottom margin under the error columns."""
    first, last = (errors[i].get_position(original=True) for i in (0, -1))
    y, height = 60 / figure.bbox.height, 12 / figure.bbox.height
    axes = figure.add_axes((first.x0, y, last.x1 - first.x0, height))
    bar = figure.colorbar(drawn, cax=axes, orientation="horizontal", extend="max")
    bar.set_label("absolute error, 1 = the full intensity range", color="white")
    bar.outline.set_edgecolor("white")
    axes.tick_params(colors="white")


def _captions(figure: Figure, results: Results) -> None:
    """What was done on top; how to read it at the bottom."""
    drawing.headline(figure, thickening(results), MARGINS)
    drawing.caption(
        figure,
        "Slices: the largest error of TCI in the middle quarter of each plane. "
        "Numbers: the whole volume.\n"
        "One window for all grey panels, one scale for all errors.",
        MARGINS,
    )
