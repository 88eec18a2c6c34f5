"""What each reader answered: a row a reader, a column a question."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from deepresolve.reading.analysis.scores import QuestionRatings
from deepresolve.reading.analysis.tables import SIDES
from deepresolve.reports import charts, drawing, figure_style

_PANEL_INCHES = (1.9, 2.4)
# Area of the mark of a score that was always given, in square points.
_LARGEST = 360
_SHORT = {"Ground truth": "Truth"}
# Of a title above a panel; the report's tables have it whole.
_LINE_CHARACTERS, _MOST_LINES = 22, 4


@figure_style.own
def draw(rated: Sequence[QuestionRatings], readers: Sequence[str]) -> bytes:
    """Discs as large as their score is frequent, and the mean of each image set.

    Returns:
      A PNG file.
    """
    figure, panels = charts.figure_of(
        len(readers) * len(rated), len(rated), _PANEL_INCHES
    )
    for number, axes in enumerate(panels):
        row, column = divmod(number, len(rated))
        _draw_panel(axes, rated[column], readers[row])
        if row == 0:
            axes.set_title(_wrapped(rated[column].question.title), fontsize=9.5)
        if column == 0:
            axes.set_ylabel(_wrapped(readers[row]), fontsize=11, fontweight="bold")
    return drawing.png(figure, background="white")


def _wrapped(text: str) -> str:
    lines = textwrap.wrap(
        text, _LINE_CHARACTERS, max_lines=_MOST_LINES, placeholder=" …"
    )
    return drawing.plain("\n".join(lines))


def _draw_panel(axes: Axes, of_question: QuestionRatings, reader: str) -> None:
    question = of_question.question
    own = [n for (name, _, _), n in of_question.ratings.items() if name == reader]
    axes.set_ylim(question.lowest - 0.6, question.highest + 0.6)
    axes.yaxis.set_major_locator(MultipleLocator(1))
    axes.tick_params(labelsize=9)
    if not own:
        axes.set_xticks([])
        axes.text(*(0.5, 0.5, "nothing locked"), ha="center", transform=axes.transAxes)
        return
    sets = [name for name in SIDES if name in own[0]]
    for place, image_set in enumerate(sets):
        counts = Counter(numbers[image_set] for numbers in own)
        axes.scatter(
            [place] * len(counts),
            list(counts),
            s=[_LARGEST * count / len(own) for count in counts.values()],
            color=charts.BLUE,
            alpha=0.45,
            linewidths=0,
        )
    means = [np.mean([numbers[image_set] for numbers in own]) for image_set in sets]
    axes.plot(means, color="black", linewidth=1.5, marker="D", markersize=5)
    titles = (SIDES[name] for name in sets)
    axes.set_xticks(range(len(sets)), [_SHORT.get(t, t) for t in titles], fontsize=9)
    axes.set_xlim(-0.5, len(sets) - 0.5)
