"""Readers' scores as measurements, and the paired tests of image sets.

There is one number a case, question and image set: the mean over readers (and of each
reader over repeats), for readings of the same case are not independent. So the unit of
every mean, standard deviation and test is the case.

Each pair of image sets is a family of its own in Holm's correction, as the paper's
claims are. Diagnostic image quality and rank, which the paper has, are corrected apart
from further questions.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from deepresolve.evaluation.paired import compared, with_holm
from deepresolve.evaluation.results import Measurement
from deepresolve.evaluation.rows import summary_rows
from deepresolve.reading.analysis.scores import ReaderScores

SOURCE = "readers"  # stands where other rows have the network that was measured
PAPER_QUESTIONS = ("diq", "rank")

# Equal steps of means over three readers differ in their last bits.
DECIMALS = 9
# The image set of interest first, as the paper has it.
_ORDER = ("sr", "tci", "fourier", "ground_truth")


def measurements(
    scores: ReaderScores, people: Mapping[str, str] | None = None
) -> tuple[Measurement, ...]:
    """Every score of a case.

    Args:
      scores: of the study.
      people: whom each case is of; None where it is not known.
    """
    return tuple(
        Measurement(
            subject=case,
            person=people[case] if people else "",
            source=SOURCE,
            image_set=image_set,
            metric=question,
            label_class=None,
            value=value,
        )
        for (question, image_set), by_case in scores.values.items()
        for case, value in by_case.items()
    )


def mean_rows(scores: ReaderScores) -> list[dict[str, Any]]:
    """Mean and sample SD over cases, rows of `rows.summary_rows`."""
    return summary_rows(measurements(scores))


def paired_tests(scores: ReaderScores) -> list[dict[str, Any]]:
    """Two-sided Wilcoxon signed-rank tests of every pair of image sets over cases.

    Returns:
      Rows as those of an evaluation's paired tests; `metric` is the question.
    """
    rows = []
    for (a, b), question in itertools.product(_pairs(scores), scores.questions):
        first, second = (scores.values.get((question.name, s)) for s in (a, b))
        if not first or not second:
            continue
        differences = np.round([first[c] - second[c] for c in first], DECIMALS)
        further = "" if question.name in PAPER_QUESTIONS else ", further"
        row = {
            "family": f"readers, {a} against {b}{further}",
            "metric": question.name,
            "class": None,
            "network": SOURCE,
            "a": a,
            "b": b,
        }
        rows.append(row | compared(differences, np.zeros_like(differences)))
    return with_holm(rows)


def _pairs(scores: ReaderScores) -> Iterator[tuple[str, str]]:
    known = [s for s in _ORDER if s in scores.image_sets]
    return itertools.combinations(known, 2)
