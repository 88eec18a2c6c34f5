"""Tables of readers' scores, and of their tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepresolve.evaluation.paired import SIGNIFICANCE, least_corrected_p
from deepresolve.evaluation.supplement import Scale
from deepresolve.evaluation.table_1.paired_tests import marks
from deepresolve.evaluation.table_1.plan import TITLES
from deepresolve.evaluation.tables import TESTS_HEADER, test_line
from deepresolve.reading.analysis.paired_tests import mean_rows
from deepresolve.reading.analysis.scores import CASE_SIDE, ReaderScores
from deepresolve.reports.document import Table
from deepresolve.reports.number_text import NOT_APPLICABLE, mean_sd_text

SIDES = TITLES | {CASE_SIDE: "Whole case"}


def means_table(scores: ReaderScores, tests: Sequence[Mapping[str, Any]]) -> Table:
    """A row a question, a column an image set: mean ± SD over cases, with marks."""
    sets = [s for s in SIDES if any(key[1] == s for key in scores.values)]
    marked = marks(tests)
    cells = {
        (row["metric"], row["image_set"]): _cell(row, marked)
        for row in mean_rows(scores)
    }
    lines = [
        (
            question_title(question),
            str(scores.num_cases(question.name)),
            *(cells.get((question.name, s), NOT_APPLICABLE) for s in sets),
        )
        for question in scores.questions
    ]
    return Table(("Question", "Cases", *(SIDES[s] for s in sets)), tuple(lines))


def tests_table(scores: ReaderScores, tests: Sequence[Mapping[str, Any]]) -> Table:
    """Every test of the readers' scores, pair by pair."""
    titles = {question.name: question.title for question in scores.questions}
    lines = []
    for test in tests:
        sides = f"{SIDES[test['a']]} - {SIDES[test['b']]}"
        lines.append(test_line(test, titles[test["metric"]], sides))
    return Table(TESTS_HEADER, tuple(lines), num_text_columns=2)


def test_notes(tests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What a reader must know to weigh the tests."""
    yield (
        "The unit of every test is the case: its scores are averaged over readers, and "
        "of each reader over repeats, first, because readings of one case are not "
        "independent. p is two-sided (Wilcoxon signed-rank; cases without a difference "
        "are left out) and corrected after Holm within each pair of image sets, DIQ "
        "and rank apart from further questions. The interval is of the mean difference "
        "(bootstrap over cases)."
    )
    for family in dict.fromkeys(test["family"] for test in tests):
        if (least := least_corrected_p(tests, family)) >= SIGNIFICANCE:
            yield (
                f"Too few cases for a mark ({family}): whatever was answered, the "
                f"smallest corrected p cannot be below {least:.3g}."
            )


def question_title(question: Scale) -> str:
    """The question with its range."""
    return f"{question.title}, {question.lowest} to {question.highest}"


def _cell(
    row: Mapping[str, Any], marked: Mapping[tuple[str, str | None, str], str]
) -> str:
    mark = marked.get((row["metric"], None, row["image_set"]), "")
    return f"{mean_sd_text(row, 1)} {mark}".rstrip()
