"""Who detects something better: two answers to one question about the same scans."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from deepresolve.evaluation.detection.measures import Answers, Question
from deepresolve.evaluation.paired import with_holm
from deepresolve.metrics import roc
from deepresolve.reports.document import Table
from deepresolve.reports.number_text import number_text, p_text

# Of Holm's correction: all tests of a report.
_FAMILY = "detection"
_FEWEST_PEOPLE = 2  # on each side, of whom a variance can be told


def area_tests(found: Mapping[Question, Answers], source: str) -> list[dict[str, Any]]:
    """DeLong's tests of a source against each other one, corrected after Holm.

    Args:
      found: answers by question.
      source: one of both sides is its answers, whichever was found first.

    Returns:
      Dicts of family, name (of what is detected), a and b ("source, image set"), n
      (scans), the fields of `roc.AreaTest` of a - b, and p_holm. Nothing of answers
      about other scans, or of which all but one person have it, or have it not.
    """
    rows = []
    for (one, first), (other, second) in itertools.combinations(found.items(), 2):
        is_asked = source in (one.source, other.source) and one.source != other.source
        alike = one.name == other.name and first.subjects == second.subjects
        if is_asked and alike and _tells_a_variance(first):
            scores = first.probability, second.probability
            test = roc.area_test(first.reference, *scores, first.people)
            row = {"family": _FAMILY, "name": one.name, "a": who(one), "b": who(other)}
            rows.append(row | {"n": len(first.subjects)} | test._asdict())
    return with_holm(rows)


def who(question: Question) -> str:
    """Who answers a question, about what."""
    return f"{question.source}, {question.image_set}"


def _tells_a_variance(answers: Answers) -> bool:
    sides: dict[bool, set[str]] = {True: set(), False: set()}
    for has_it, person in zip(answers.reference, answers.people, strict=True):
        sides[bool(has_it)].add(person)
    return min(map(len, sides.values())) >= _FEWEST_PEOPLE


def tests_table(tests: Sequence[Mapping[str, Any]]) -> Table:
    """A row a test of `area_tests`."""
    header = (
        *("Detected", "Compared", "n", "Difference of ROC AUC", "95% interval"),
        *("p", "p (Holm)"),
    )
    return Table(header, tuple(map(_line, tests)), num_text_columns=2)


def _line(test: Mapping[str, Any]) -> tuple[str, ...]:
    difference, low, high = (
        number_text(test[key], "+.3f") for key in ("difference", "low", "high")
    )
    return (
        test["name"],
        f"{test['a']} - {test['b']}",
        str(test["n"]),
        difference,
        f"{low} to {high}",
        p_text(test["p"]),
        p_text(test["p_holm"]),
    )
