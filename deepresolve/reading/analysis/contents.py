"""What the report of a reader study says, in its order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepresolve.evaluation.table_1.paired_tests import MARKS
from deepresolve.evaluation.table_1.plan import TITLES
from deepresolve.evaluation.tables import legend_text
from deepresolve.metrics.statistics import NUM_RESAMPLES, mean_sd
from deepresolve.reading.analysis import agreement_rows, tables
from deepresolve.reading.analysis.scores import QuestionRatings, ReaderScores
from deepresolve.reading.study.unblinding import Unblinded
from deepresolve.reports.document import (
    Block,
    Facts,
    Heading,
    Paragraph,
    Picture,
    Table,
)
from deepresolve.reports.number_text import NOT_APPLICABLE, mean_sd_text
from deepresolve.system.wording import counted

FIGURE = Picture(
    "scores.png",
    "What each reader answered",
    "A row a reader. Discs are as large as their score is frequent among the reader's "
    "locked readings, repeats included; black: the mean.",
)

_AGREEMENT = (
    "Between readers the first reading of each case counts; an item is an image set of "
    "a case. Kappa: Cohen's, weighted by the difference of two scores (linear) or its "
    "square (quadratic) over the question's whole range. ICC: two-way random effects, "
    "absolute agreement, of a single reading (2,1) and of the mean of all compared "
    f"(2,k). In brackets 95% bootstrap intervals: percentiles of {NUM_RESAMPLES} "
    "draws of cases. Image sets that truly differ raise all of these, and ranks of "
    "one case depend on each other. Not defined: all ratings are alike, so there is "
    "nothing to agree or disagree about, or none are there."
)


def report(
    opened: Unblinded,
    rated: Sequence[QuestionRatings],
    scores: ReaderScores,
    tests: Sequence[Mapping[str, Any]],
    agreement: Sequence[Mapping[str, Any]],
) -> list[Block]:
    """The whole report."""
    return [
        Heading(f"Reader study: {opened.study.title}", level=1),
        Paragraph(_opening(opened)),
        tables.means_table(scores, tests),
        Paragraph(_legend(scores)),
        *_tests(scores, tests),
        Heading("By reader"),
        FIGURE,
        _by_reader(opened, rated),
        Paragraph("Mean ± standard deviation over readings, repeats included."),
        *_agreement(rated, agreement),
        Heading("What counts"),
        _completeness(opened, rated),
        *_remarks(opened),
        Heading("The study"),
        Facts(scores.facts),
    ]


def _opening(opened: Unblinded) -> str:
    shown, readers = opened.key.presentations, opened.study.readers
    open_ones = len(shown) - len(opened.locked)
    num_cases = len({sealed.case for sealed in shown.values()})
    text = (
        f"{counted(num_cases, 'case')}, {counted(len(readers), 'reader')}. "
        f"{len(opened.locked)} of {len(shown)} presentations are locked"
    )
    if not open_ones:
        return f"{text}: the study is complete."
    return (
        f"{text}; the answers to the other {open_ones} do not count here, for they may "
        "still change. Opening the key before reading is over unblinds whoever sees "
        "this report."
    )


def _legend(scores: ReaderScores) -> str:
    meanings = [
        f"{mark} {TITLES[a]} differs from {'the ground truth' * (b != 'tci')}"
        f"{'TCI' * (b == 'tci')}"
        for (a, b), mark in MARKS.items()
        if {a, b} <= set(scores.image_sets)
    ]
    return legend_text(meanings)


def _tests(scores: ReaderScores, tests: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    if tests:
        yield Heading("Tests")
        yield tables.tests_table(scores, tests)
        yield from (Paragraph(note) for note in tables.test_notes(tests))


def _by_reader(opened: Unblinded, rated: Sequence[QuestionRatings]) -> Table:
    sets = list(
        dict.fromkeys(
            name
            for r in rated
            for numbers in r.ratings.values()
            for name in tables.SIDES
            if name in numbers
        )
    )
    lines = []
    for reader in opened.study.readers:
        for r in rated:
            own = [n for (name, _, _), n in r.ratings.items() if name == reader]
            cells = [_mean_text([n[s] for n in own if s in n]) for s in sets]
            title = tables.question_title(r.question)
            lines.append((reader, title, str(len(own)), *cells))
    header = ("Reader", "Question", "Readings", *(tables.SIDES[s] for s in sets))
    return Table(header, tuple(lines), num_text_columns=2)


def _mean_text(values: Sequence[float]) -> str:
    if not values:
        return NOT_APPLICABLE
    mean, sd = mean_sd(values)
    return mean_sd_text({"mean": mean, "sd": sd, "n": len(values)}, 1)


def _agreement(
    rated: Sequence[QuestionRatings], rows: Sequence[Mapping[str, Any]]
) -> Iterator[Block]:
    yield Heading("Agreement")
    for kind, missing in (
        (agreement_rows.BETWEEN, "There is one reader: nobody to agree with."),
        (agreement_rows.WITHIN, "No case was read twice: nobody to agree with."),
    ):
        yield Heading(kind.capitalize(), level=3)
        if any(row["kind"] == kind for row in rows):
            yield agreement_rows.agreement_table(rated, rows, kind)
        else:
            yield Paragraph(missing)
    if rows:
        yield Paragraph(_AGREEMENT)


def _completeness(opened: Unblinded, rated: Sequence[QuestionRatings]) -> Table:
    lines = []
    for reader in opened.study.readers:
        own = {n for n, s in opened.key.presentations.items() if s.reader == reader}
        locked = len(own & opened.locked)
        lacking = sum(
            locked - sum(name == reader for name, _, _ in r.ratings) for r in rated
        )
        lines.append(
            (reader, str(len(own)), str(locked), str(len(own) - locked), str(lacking))
        )
    header = ("Reader", "Shown", "Locked", "Not locked", "Locked without an answer")
    return Table(header, tuple(lines))


def _remarks(opened: Unblinded) -> Iterator[Block]:
    kinds = {q.name: q for q in opened.study.questions if q.kind == "remark"}
    lines = [
        (r.reader, r.case, str(r.repeat + 1), kinds[r.question].title, r.value)
        for r in opened.readings
        if r.question in kinds and r.value.strip()
    ]
    if lines:
        yield Heading("Remarks")
        header = ("Reader", "Case", "Time", "Question", "Remark")
        yield Table(header, tuple(sorted(lines)), num_text_columns=5)
