"""ROC curves, precision over recall, and reliability: a panel for what is found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepresolve.evaluation.detection.measures import Answers, Detection, Question
from deepresolve.metrics import calibration, precision_recall, roc
from deepresolve.metrics.roc import Share
from deepresolve.reports import drawing, figure_style
from deepresolve.reports.charts import CURVES, GREY, figure_of

_COLUMNS = 4
_PANEL_INCHES = (3.4, 3.4)
_LEGEND_INCHES, _LINE_INCHES = 0.3, 0.2  # below each panel, and of a line of it
# From end to end of an axis, with room for marks at its ends.
_ENDS = (-0.03, 1.03)


class _Drawn(NamedTuple):
    """Answers, the panel that they belong to, their colour, and who gave them."""

    axes: Axes
    question: Question
    answers: Answers
    colour: str
    who: str


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
    figure, panels = _panels(found)
    for axes, question, answers, colour, who in _drawn(panels, found):
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
        _label(axes, "1 - specificity", "sensitivity")
        curve = roc.curve(answers.reference, answers.probability)
        detection = detections[question]
        axes.plot(
            curve.false_positive,
            curve.sensitivity,
            color=colour,
            linewidth=1.8,
            label=_legend(who, "AUC", detection.area),
        )
        if not math.isnan(detection.threshold):
            _draw_threshold(axes, detection, colour)
    return _finished(figure, panels)


@figure_style.own
def recall_curves(
    found: Mapping[Question, Answers], detections: Mapping[Question, Detection]
) -> bytes:
    """Precision over recall, with the share that has it, which is chance.

    Args:
      found: answers by question, each with scans that have it and that have not.
      detections: what they are worth.

    Returns:
      A PNG file.
    """
    figure, panels = _panels(found)
    for axes, question, answers, colour, who in _drawn(panels, found):
        share = float(np.mean(answers.reference))
        axes.plot([0, 1], [share, share], color=GREY, linewidth=0.8, linestyle="--")
        _label(axes, "recall (sensitivity)", "precision")
        curve = precision_recall.curve(answers.reference, answers.probability)
        axes.step(
            curve.recall,
            curve.precision,
            where="pre",
            color=colour,
            linewidth=1.8,
            label=_legend(who, "AP", detections[question].average_precision),
        )
    return _finished(figure, panels)


@figure_style.own
def reliability(found: Mapping[Question, Answers]) -> bytes:
    """What was seen over what was said, in ten bins with Wilson's intervals.

    Returns:
      A PNG file.
    """
    figure, panels = _panels(found)
    for axes, _, answers, colour, who in _drawn(panels, found):
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
        _label(axes, "probability", "share that has it")
        bins = calibration.reliability(answers.reference, answers.probability)
        seen = np.array([of.seen for of in bins])
        axes.errorbar(
            [of.said for of in bins],
            seen[:, 0],
            yerr=[seen[:, 0] - seen[:, 1], seen[:, 2] - seen[:, 0]],
            color=colour,
            marker="o",
            markersize=5,
            linewidth=1.2,
            elinewidth=0.7,
            label=who,
        )
    return _finished(figure, panels)


def _panels(found: Mapping[Question, Answers]) -> tuple[Figure, dict[str, Axes]]:
    """A panel for each name, with room for a line of each who answers below it."""
    names = [question.name for question in found]
    most = max(map(names.count, names))
    width, height = _PANEL_INCHES
    size = width, height + _LEGEND_INCHES + most * _LINE_INCHES
    figure, panels = figure_of(len(set(names)), _COLUMNS, size)
    by_name = dict(zip(dict.fromkeys(names), panels, strict=True))
    for name, axes in by_name.items():
        sets = {of.image_set for of in found if of.name == name}
        place = f", {sets.pop()}" if len(sets) == 1 else ""
        axes.set_title(drawing.plain(f"{name}{place}"), fontsize=10)
        axes.set_xlim(_ENDS)
        axes.set_ylim(_ENDS)
        axes.set_aspect("equal")
    return figure, by_name


def _drawn(
    panels: Mapping[str, Axes], found: Mapping[Question, Answers]
) -> Iterator[_Drawn]:
    """All answers, those of a panel in colours of their own."""
    for name, axes in panels.items():
        own = [question for question in found if question.name == name]
        for number, question in enumerate(own):
            colour = CURVES[number % len(CURVES)]
            yield _Drawn(axes, question, found[question], colour, _who(question, own))


def _who(question: Question, among: list[Question]) -> str:
    """What tells a question from the others of its panel; "" where it is alone."""
    parts = []
    if len({of.source for of in among}) > 1:
        parts.append(question.source)
    if len({of.image_set for of in among}) > 1:
        parts.append(question.image_set)
    return drawing.plain(", ".join(parts))


def _legend(who: str, what: str, share: Share) -> str:
    value, low, high = share
    text = f"{who} {value:.3f}" if who else f"{what} {value:.3f}"
    return text if math.isnan(low) else f"{text} ({low:.3f} to {high:.3f})"


def _draw_threshold(axes: Axes, detection: Detection, colour: str) -> None:
    up, across = detection.sensitivity, detection.specificity
    axes.errorbar(
        1 - across.value,
        up.value,
        xerr=[[across.high - across.value], [across.value - across.low]],
        yerr=[[up.value - up.low], [up.high - up.value]],
        color=colour,
        marker="o",
        markersize=5,
        linewidth=1.2,
    )


def _label(axes: Axes, across: str, up: str) -> None:
    axes.set_xlabel(across, fontsize=9)
    axes.set_ylabel(up, fontsize=9)


def _finished(figure: Figure, panels: Mapping[str, Axes]) -> bytes:
    """A PNG file, with who answers below each panel where that is told."""
    for axes in panels.values():
        lines, texts = axes.get_legend_handles_labels()
        if any(texts):
            axes.legend(
                *(lines, texts),
                loc="upper center",
                bbox_to_anchor=(0.5, -0.17),
                fontsize=8,
                frameon=False,
                handlelength=1.2,
            )
    return drawing.png(figure, background="white")
