"""Who is compared with whom: agreement between readers, and of each with himself.

An item is an image set of a case. Between readers the first reading of each counts, so
that the numbers are those of one reading; within a reader his repeats are compared.
Items that not all of those compared have rated are left out; n says how many there are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from deepresolve.metrics.agreement import icc, kappa
from deepresolve.reading.analysis.scores import QuestionRatings
from deepresolve.reading.analysis.tables import question_title
from deepresolve.reports.document import Table

NOT_DEFINED = "not defined"
BETWEEN, WITHIN = "between readers", "within a reader"

_STATISTICS = {
    "kappa_linear": "Linear kappa",
    "kappa_quadratic": "Quadratic kappa",
    "icc_single": "ICC(2,1)",
    "icc_average": "ICC(2,k)",
}
_KAPPA_POWERS = {"kappa_linear": 1, "kappa_quadratic": 2}
# Kappa is of two; for more it stays empty.
_OF_TWO = "of pairs"


def agreement_rows(
    rated: Iterable[QuestionRatings], readers: Sequence[str], num_repeats: int
) -> list[dict[str, Any]]:
    """Agreement in every question.

    Args:
      rated: the answers that count.
      readers: all of them.
      num_repeats: how often each saw each case.

    Returns:
      Dicts of kind, question, raters, n (items), num_cases, exact (share of items in
      which all agree; None without items) and, by name, value, low and high of linear
      and quadratic kappa (None for more than two raters) and of the intraclass
      correlations; NaN where they are not defined.
    """
    rows = []
    for of_question in rated:
        for kind, name, raters in _comparisons(readers, num_repeats):
            cases, ratings = _items(of_question, raters)
            rows.append(
                {
                    "kind": kind,
                    "question": of_question.question.name,
                    "raters": name,
                    **_row(of_question, cases, ratings),
                }
            )
    return rows


def agreement_table(
    rated: Iterable[QuestionRatings], rows: Sequence[Mapping[str, Any]], kind: str
) -> Table:
    """The rows of one kind, with 95% intervals."""
    titles = {r.question.name: question_title(r.question) for r in rated}
    lines = [
        (
            titles[row["question"]],
            row["raters"],
            str(row["num_cases"]),
            str(row["n"]),
            NOT_DEFINED if row["exact"] is None else f"{100 * row['exact']:.0f}",
            *(_text(row[name]) for name in _STATISTICS),
        )
        for row in rows
        if row["kind"] == kind
    ]
    header = ("Question", "Compared", "Cases", "Items", "Equal (%)")
    return Table((*header, *_STATISTICS.values()), tuple(lines), num_text_columns=2)


def _comparisons(
    readers: Sequence[str], num_repeats: int
) -> Iterator[tuple[str, str, list[tuple[str, int]]]]:
    """(kind, name, raters): a rater is a reader at one of his repeats."""
    for group in _pairs_and_all(list(readers)):
        name = f"all {len(group)}" if len(group) > 2 else " - ".join(group)
        yield BETWEEN, name, [(reader, 0) for reader in group]
    for reader in readers:
        for group in _pairs_and_all(list(range(num_repeats))):
            times = "all" if len(group) > 2 else " - ".join(str(n + 1) for n in group)
            name = f"{reader}, times {times}" if num_repeats > 2 else reader
            yield WITHIN, name, [(reader, repeat) for repeat in group]


def _pairs_and_all(raters: list) -> Iterator[Sequence]:
    yield from itertools.combinations(raters, 2)
    if len(raters) > 2:
        yield raters


def _items(
    of_question: QuestionRatings, raters: Sequence[tuple[str, int]]
) -> tuple[list[str], np.ndarray]:
    """The case of each item, and (items, raters) of those that all have rated."""
    given = of_question.ratings
    cases, ratings = [], []
    for case in sorted({case for _, case, _ in given}):
        keys = [(reader, case, repeat) for reader, repeat in raters]
        if any(key not in given for key in keys):
            continue
        theirs = [given[key] for key in keys]
        for image_set in theirs[0]:
            cases.append(case)
            ratings.append([numbers[image_set] for numbers in theirs])
    return cases, np.array(ratings, np.int64).reshape(-1, len(raters))


def _row(
    of_question: QuestionRatings, cases: Sequence[str], ratings: np.ndarray
) -> dict[str, Any]:
    question = of_question.question
    categories = range(question.lowest, question.highest + 1)
    equal = (ratings == ratings[:, :1]).all(axis=1)
    kappas = dict.fromkeys(_KAPPA_POWERS)
    if ratings.shape[1] == 2:
        for name, power in _KAPPA_POWERS.items():
            kappas[name] = vars(kappa(ratings, cases, categories, power=power))
    return {
        "n": len(ratings),
        "num_cases": len(set(cases)),
        "exact": float(equal.mean()) if len(ratings) else None,
        **kappas,
        "icc_single": vars(icc(ratings, cases)),
        "icc_average": vars(icc(ratings, cases, average=True)),
    }


def _text(estimate: Mapping[str, float] | None) -> str:
    if estimate is None:
        return _OF_TWO
    if np.isnan(estimate["value"]):
        return NOT_DEFINED
    if np.isnan(estimate["low"]):
        return f"{estimate['value']:.2f} (no interval)"
    return "{value:.2f} ({low:.2f} to {high:.2f})".format_map(estimate)
