"""The figures of a report. To add one, write its module and add its line to `FIGURES`.

A figure is drawn where its data is there: no outlines without a segmentation, no error
maps without an image set beside the ground truth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from deepresolve.evaluation.table_1.figures import cartilage, charts, comparison
from deepresolve.evaluation.table_1.results import Analysis, Results
from deepresolve.reports import figure_style
from deepresolve.reports.document import Picture


@dataclasses.dataclass(frozen=True)
class ReportFigure:
    """One PNG file of a report.

    Attributes:
      draw: makes the file.
      has_data: whether there is something to draw.
      title: what it is, in a few words.
      caption: how to read it.
    """

    draw: Callable[[Analysis], bytes]
    has_data: Callable[[Results], bool]
    title: str
    caption: str


def _has_estimates(results: Results) -> bool:
    return len(results.plan.image_sets) > 1


def _has_label_maps(results: Results) -> bool:
    return bool(results.example.label_maps)


FIGURES = {
    "figure_2.png": ReportFigure(
        lambda analysis: cartilage.draw(analysis.results),
        lambda results: _has_estimates(results) or _has_label_maps(results),
        "The first subject, as in the paper's Figure 2",
        "The frame in the coronal slice is what the zoom shows. Outlines, where a "
        "network segmented: blue the reference labels, orange the network.",
    ),
    "paired.png": ReportFigure(
        charts.paired,
        lambda results: bool(charts.paired_panels(results)),
        "Every subject",
        "One line a subject; black: the mean.",
    ),
    "bland_altman.png": ReportFigure(
        charts.bland_altman,
        lambda results: bool(results.plan.segmentations),
        "Agreement of volumes",
        "One point a subject. Solid orange: the mean difference; dashed: the 95% "
        "limits of agreement; grey: no difference.",
    ),
    "super_resolution.png": ReportFigure(
        lambda analysis: comparison.draw(analysis.results),
        _has_estimates,
        "Where the first subject's images are wrong",
        "Three planes of the same scan, and the absolute errors on one scale.",
    ),
}


def pictures(results: Results) -> dict[str, Picture]:
    """What a report shows, by file name."""
    return {
        name: Picture(name, figure.title, figure.caption)
        for name, figure in FIGURES.items()
        if figure.has_data(results)
    }


@figure_style.own
def draw(analysis: Analysis) -> dict[str, bytes]:
    """The PNG files of `pictures`."""
    return {name: FIGURES[name].draw(analysis) for name in pictures(analysis.results)}
