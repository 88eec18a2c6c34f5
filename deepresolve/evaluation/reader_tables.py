"""Tables of readers' scores: the rows of Table 1, and their tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepresolve.evaluation.reader_scores import (
    CASE_SIDE,
    PAPER_QUESTIONS,
    ReaderScores,
    ScoredQuestion,
    summary_rows,
)
from deepresolve.evaluation.table_1 import published
from deepresolve.evaluation.table_1.comparisons import (
    SIGNIFICANCE,
    least_corrected_p,
    marks,
)
from deepresolve.evaluation.table_1.detail_tables import TESTS_HEADER, test_line
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.titles import TITLES
from deepresolve.reports.document import Table
from deepresolve.reports.number_text import NOT_APPLICABLE, mean_sd_text

SIDES = TITLES | {CASE_SIDE: "Whole case"}

_PAPER_TITLES = {"diq": "DIQ", "rank": "Rank"}
_UNREAD = {"diq": "DIQ (1 to 5)", "rank": "Rank (1 to 3, 3 best)"}
_NOT_READ = "not read"


def table_1_lines(
    plan: Plan, scores: ReaderScores | None, tests: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, ...]]:
    """The rows of the paper's Table 1 that readers fill, and the paper's below them.

    Args:
      plan: what the evaluation did.
      scores: of the reader study; None where there was none.
      tests: rows of `reader_scores.paired_tests`, for the marks.
    """
    for name in PAPER_QUESTIONS:
        unread = {
            s: _NOT_READ if s in plan.image_sets else NOT_APPLICABLE for s in TITLES
        }
        question = scores and scores.question(name)
        if not question or not scores.num_cases(name):
            yield (_UNREAD[name], *unread.values())
            continue
        title = f"{_PAPER_TITLES[name]} ({_range(question)}), {_cases(scores, name)}"
        read = _cells(scores, tests, name)
        yield (title, *(read.get(s, cell) for s, cell in unread.items()))
        yield from _published_line(plan, question)


def means_table(scores: ReaderScores, tests: Sequence[Mapping[str, Any]]) -> Table:
    """A row a question, a column an image set: mean ± SD over cases, with marks."""
    sets = [s for s in SIDES if any(key[1] == s for key in scores.values)]
    lines = []
    for question in scores.questions:
        cells = _cells(scores, tests, question.name)
        lines.append(
            (
                question_title(question),
                str(scores.num_cases(question.name)),
                *(cells.get(s, NOT_APPLICABLE) for s in sets),
            )
        )
    return Table(("Question", "Cases", *(SIDES[s] for s in sets)), tuple(lines))


def tests_table(scores: ReaderScores, tests: Sequence[Mapping[str, Any]]) -> Table:
    """Every test of the readers' scores, pair by pair."""
    lines = []
    for test in tests:
        title = scores.question(test["metric"]).title
        sides = f"{SIDES[test['a']]} - {SIDES[test['b']]}"
        lines.append(test_line(test, title, sides))
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


def question_title(question: ScoredQuestion) -> str:
    """The question with its range."""
    return f"{question.title}, {question.lowest} to {question.highest}"


def _range(question: ScoredQuestion) -> str:
    best = f", {question.highest} best" if question.is_rank else ""
    return f"{question.lowest} to {question.highest}{best}"


def _cases(scores: ReaderScores, question: str) -> str:
    number = scores.num_cases(question)
    return f"{number} case{'s' if number > 1 else ''}"


def _cells(
    scores: ReaderScores, tests: Sequence[Mapping[str, Any]], question: str
) -> dict[str, str]:
    """Mean ± SD with its marks, by image set that was read."""
    marked, cells = marks(tests), {}
    for row in summary_rows(scores):
        if row["metric"] == question:
            mark = marked.get((question, None, row["image_set"]), "")
            cells[row["image_set"]] = f"{mean_sd_text(row, 1)} {mark}".rstrip()
    return cells


def _published_line(plan: Plan, question: ScoredQuestion) -> Iterator[tuple[str, ...]]:
    """Where it was asked on the same scale."""
    if (question.lowest, question.highest) != published.SCALES[question.name]:
        return
    paper = [published.mean_sd(plan, "sr", question.name, s) for s in TITLES]
    if any(paper):
        cells = (f"{p[0]:.1f} ± {p[1]:.1f}" if p else NOT_APPLICABLE for p in paper)
        yield ("as published", *cells)
