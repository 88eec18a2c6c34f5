"""What readers made of the image sets: scores and ranks, as plain data.

`deepresolve.reading` makes them from a reader study; this module knows nothing of
readings, only of one number a case, question and image set: the mean over readers (and
of each reader over repeats), for readings of the same case are not independent. So the
unit of every mean, standard deviation and test is the case.

Each pair of image sets is a family of its own in Holm's correction, as the paper's
claims are. Diagnostic image quality and rank, which the paper has, are corrected apart
from further questions.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from deepresolve.evaluation.rows import summary_row
from deepresolve.evaluation.table_1.comparisons import compared, with_holm
from deepresolve.evaluation.table_1.plan import Plan

NETWORK = "readers"  # stands where other rows have the network that was measured
PAPER_QUESTIONS = ("diq", "rank")
# The side of a question that is of the case as a whole, not of one image set.
CASE_SIDE = "case"

# Equal steps of means over three readers differ in their last bits.
DECIMALS = 9
# The image set of interest first, as the paper has it.
_ORDER = ("sr", "tci", "fourier", "ground_truth")


@dataclasses.dataclass(frozen=True)
class ScoredQuestion:
    """A question whose answers are numbers.

    Attributes:
      name: "diq", "rank", ...
      title: as the readers saw it.
      lowest: least score or rank that could be given.
      highest: greatest one, the best.
      is_rank: whether image sets were ranked against each other.
    """

    name: str
    title: str
    lowest: int
    highest: int
    is_rank: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class ReaderScores:
    """The scores of a study by case.

    Attributes:
      questions: in their order.
      image_sets: those that were compared.
      values: by (question, image set) the score of each case. All image sets of a
        question have the same cases.
      facts: what a reader of a report must know of the study, by name.
    """

    questions: tuple[ScoredQuestion, ...]
    image_sets: tuple[str, ...]
    values: Mapping[tuple[str, str], Mapping[str, float]]
    facts: Mapping[str, Any]

    @property
    def cases(self) -> set[str]:
        """Cases of which at least one score counts."""
        return set().union(*self.values.values())

    def question(self, name: str) -> ScoredQuestion | None:
        """The question of a name; None where it was not asked."""
        return next((q for q in self.questions if q.name == name), None)

    def num_cases(self, question: str) -> int:
        """Cases of which scores of a question count."""
        return max(
            (
                len(by_case)
                for (name, _), by_case in self.values.items()
                if name == question
            ),
            default=0,
        )


def summary_rows(scores: ReaderScores) -> list[dict[str, Any]]:
    """Mean and sample SD over cases, in the form of `rows.summary_rows`."""
    return [
        summary_row(image_set, question, None, NETWORK, list(by_case.values()))
        for (question, image_set), by_case in scores.values.items()
        if by_case
    ]


def paired_tests(scores: ReaderScores) -> list[dict[str, Any]]:
    """Two-sided Wilcoxon signed-rank tests of every pair of image sets over cases.

    Returns:
      Rows as those of `comparisons.paired_tests`; `metric` is the question.
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
            "network": NETWORK,
            "a": a,
            "b": b,
        }
        rows.append(row | compared(differences, np.zeros_like(differences)))
    return with_holm(rows)


def check_belongs(
    scores: ReaderScores, plan: Plan, subjects: Collection[str], split: str
) -> None:
    """Sees that readers read what an evaluation measures.

    Args:
      scores: of the study.
      plan: what the evaluation does.
      subjects: names of those that it measures.
      split: what they are called together.

    Raises:
      ValueError: they read other subjects, or image sets that the evaluation lacks.
    """
    if strange := sorted(scores.cases - set(subjects)):
        raise ValueError(
            f"The reader study is of other scans: {len(strange)} of its "
            f"{len(scores.cases)} cases, the first {strange[0]!r}, are not among the "
            f"{len(subjects)} {split} subjects of the records. Name the study that was "
            "prepared from an evaluation of these."
        )
    if missing := [s for s in scores.image_sets if s not in plan.image_sets]:
        raise ValueError(
            f"The reader study compares {', '.join(scores.image_sets)}, but this "
            f"evaluation makes no {', '.join(missing)}. Give the networks and the "
            "factor with which the study's volumes were made."
        )


def _pairs(scores: ReaderScores) -> Iterator[tuple[str, str]]:
    known = [s for s in _ORDER if s in scores.image_sets]
    return itertools.combinations(known, 2)
