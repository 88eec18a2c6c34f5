"""ROC curves and reliability: a panel a question."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from deepresolve.evaluation.detection.measures import Answers, Detection, Question
from deepresolve.metrics import calibration, roc
from deepresolve.reports import drawing, figure_style
from deepresolve.reports.charts import BLUE, GREY, ORANGE, figure_of

_COLUMNS = 4
_PANEL_INCHES = (3.1, 3.2)
# From end to end of an axis, with room for marks at its ends.
_ENDS = (-0.03, 1.03)


@figure_style.own
def roc_curves(
    found: Mapping[Question, Answers], detections: Mapping[Question, Detection]
) -> bytes:
    """Sensitivity over 1 - specificity; at the threshold with both intervals.

    Args:
      found: answers by question, each with scans that have it and that have not.
      detections: what they are worth.

    Returns:
      A PNG file.
    """
    figure, panels = figure_of(len(found), _COLUMNS, _PANEL_INCHES)
    for axes, (question, answers) in zip(panels, found.items(), strict=True):
        _frame(axes, question, "1 - specificity", "sensitivity")
        curve = roc.curve(answers.reference, answers.probability)
        axes.plot(curve.false_positive, curve.sensitivity, color=BLUE, linewidth=1.8)
        detection = detections[question]
        if not math.isnan(detection.threshold):
            _draw_threshold(axes, detection)
        axes.text(
            *(0.98, 0.04, _area_text(detection)),
            ha="right",
            fontsize=9,
            transform=axes.transAxes,
        )
    return drawing.png(figure, background="white")


def _area_text(detection: Detection) -> str:
    value, low, high = detection.area
    text = f"AUC {value:.3f}"
    return text if math.isnan(low) else f"{text}\n{low:.3f} to {high:.3f}"


def _draw_threshold(axes: Axes, detection: Detection) -> None:
    up, across = detection.sensitivity, detection.specificity
    axes.errorbar(
        1 - across.value,
        up.value,
        xerr=[[across.high - across.value], [across.value - across.low]],
        yerr=[[up.value - up.low], [up.high - up.value]],
        color=ORANGE,
        marker="o",
        markersize=5,
        linewidth=1.2,
    )


@figure_style.own
def reliability(found: Mapping[Question, Answers]) -> bytes:
    """What was seen over what was said, in ten bins with Wilson's intervals.

    Returns:
      A PNG file.
    """
    figure, panels = figure_of(len(found), _COLUMNS, _PANEL_INCHES)
    for axes, (question, answers) in zip(panels, found.items(), strict=True):
        _frame(axes, question, "probability", "share that has it")
        bins = calibration.reliability(answers.reference, answers.probability)
        seen = np.array([of.seen for of in bins])
        axes.errorbar(
            [of.said for of in bins],
            seen[:, 0],
            yerr=[seen[:, 0] - seen[:, 1], seen[:, 2] - seen[:, 0]],
            color=BLUE,
            marker="o",
            markersize=5,
            linewidth=1.2,
        )
    return drawing.png(figure, background="white")


def _frame(axes: Axes, question: Question, across: str, up: str) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
    axes.set_xlim(_ENDS)
    axes.set_ylim(_ENDS)
    axes.set_aspect("equal")
    place = f", {question.image_set}" if question.image_set else ""
    axes.set_title(drawing.plain(f"{question.name}{place}"), fontsize=10)
    axes.set_xlabel(across, fontsize=9)
    axes.set_ylabel(up, fontsize=9)
