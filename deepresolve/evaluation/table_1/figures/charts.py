"""Charts of numbers by subject: paired lines, and Bland and Altman's plots."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from deepresolve.evaluation.table_1 import volumes
from deepresolve.evaluation.table_1.paired_tests import (
    PAPER_IMAGE_METRICS,
    PAPER_LABEL_METRICS,
)
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.results import Analysis, Results
from deepresolve.reports import drawing
from deepresolve.reports.charts import BLUE, GREY, ORANGE, figure_of

_PAIRED_SETS = ("ground_truth", "sr", "tci")
_PAIRED_COLUMNS = 4
_PAIRED_INCHES = (3.4, 3.0)
_AGREEMENT_INCHES = (2.8, 3.0)


class Panel(NamedTuple):
    """A measure on several sides: by side one value a subject, in table units."""

    title: str
    sides: Mapping[str, Sequence[float]]


def paired_panels(results: Results) -> list[Panel]:
    """The paper's measures, where two sides or more were measured.

    Of images, of segmentations on the image sets, and of the segmentation against its
    benchmark.
    """
    plan = results.plan
    panels = [
        _panel(results, metric, _image_sides(plan, "sr"))
        for metric in PAPER_IMAGE_METRICS
        if metric in plan.metrics
    ]
    for where, sides in (
        ("", _image_sides(plan, "seg")),
        (", ground truth", _network_sides(results)),
    ):
        panels += [
            _panel(results, metric, sides, label_class, where)
            for label_class in plan.class_names
            for metric in PAPER_LABEL_METRICS
            if metric in plan.metrics
        ]
    return [panel for panel in panels if len(panel.sides) > 1]


def paired(analysis: Analysis) -> bytes:
    """A panel a measure; a line a subject, from one side to the next.

    Returns:
      A PNG file.
    """
    panels = paired_panels(analysis.results)
    figure, all_axes = figure_of(len(panels), _PAIRED_COLUMNS, _PAIRED_INCHES)
    for axes, panel in zip(all_axes, panels, strict=True):
        _draw_paired(axes, panel)
    return drawing.png(figure, background="white")


def bland_altman(analysis: Analysis) -> bytes:
    """A row a class, a panel a segmentation: difference of the volumes over their mean.

    Panels of one class share their scales, so that spreads can be compared.

    Returns:
      A PNG file.
    """
    plan, rows = analysis.results.plan, analysis.volumes
    per_class = len(rows) // len(plan.class_names)
    figure, all_axes = figure_of(len(rows), per_class, _AGREEMENT_INCHES, share="row")
    for axes, row in zip(all_axes, rows, strict=True):
        _draw_agreement(axes, row, analysis.results)
    return drawing.png(figure, background="white")


_Sides = dict[str, tuple[str, str]]


def _image_sides(plan: Plan, network: str) -> _Sides:
    """By title, (network, image set) of each side."""
    return {plan.titles[image_set]: (network, image_set) for image_set in _PAIRED_SETS}


def _network_sides(results: Results) -> _Sides:
    return {
        results.plan.networks[network].title: (network, "ground_truth")
        for network in results.plan.segmentations
    }


def _panel(
    results: Results,
    metric: str,
    sides: _Sides,
    label_class: str | None = None,
    where: str = "",
) -> Panel:
    """Of the sides that were measured."""
    entry = results.plan.metrics[metric]
    title, scale = entry.heading, entry.table_scale
    measured = {}
    for name, (network, image_set) in sides.items():
        values = results.values(
            metric, image_set, network=network, label_class=label_class
        )
        if values:
            measured[name] = [scale * value for value in values]
    return Panel(
        title if label_class is None else f"{title}, {label_class}{where}", measured
    )


def _draw_paired(axes: Axes, panel: Panel) -> None:
    """Infinite values, which have no place on the axis, leave a gap."""
    values = np.array(list(panel.sides.values()), dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    places = np.arange(len(values))
    axes.plot(places, values, color=BLUE, marker="o", markersize=4, alpha=0.45)
    means = values.mean(axis=1)
    axes.plot(places, means, color="black", linewidth=2.5, marker="D")
    axes.set_title(panel.title, fontsize=10)
    axes.set_xticks(places, list(panel.sides))
    axes.set_xlim(-0.4, len(values) - 0.6)


def _draw_agreement(axes: Axes, row: Mapping[str, Any], results: Results) -> None:
    found, true = (
        np.array(own)
        for own in volumes.paired_volumes(
            results, row["network"], row["image_set"], row["class"]
        )
    )
    axes.plot((found + true) / 2, found - true, "o", color=BLUE, alpha=0.6)
    axes.axhline(0, color=GREY, linewidth=0.8)
    for key, style in (("bias", "-"), ("lower", "--"), ("upper", "--")):
        if math.isfinite(row[key]):
            axes.axhline(row[key], color=ORANGE, linestyle=style, linewidth=1.3)
    network = results.plan.networks[row["network"]].title
    image_set = results.plan.titles[row["image_set"]]
    axes.set_title(f"{row['class']}\n{network}, {image_set}", fontsize=10)
    axes.set_xlabel("mean of both volumes (mm³)", fontsize=9)
    place = axes.get_subplotspec()
    if place is not None and place.is_first_col():
        axes.set_ylabel("estimated - reference (mm³)", fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
