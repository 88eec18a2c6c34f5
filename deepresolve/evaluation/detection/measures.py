"""What an evaluation's probabilities are worth: a row of numbers for each question."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from deepresolve.evaluation.results import Compared
from deepresolve.metrics import calibration, precision_recall, roc
from deepresolve.metrics.roc import Share


class Question(NamedTuple):
    """What was asked of whom.

    Attributes:
      source: who answers.
      image_set: of what.
      name: what is detected: "acl".
    """

    source: str
    image_set: str
    name: str


class Answers(NamedTuple):
    """Of all scans of which the truth is known.

    Attributes:
      reference: (n,) bool, whether each has it.
      probability: (n,) float64 of having it.
      people: whom each is of; the scan's own name where nobody knows.
      subjects: the scans.
    """

    reference: np.ndarray
    probability: np.ndarray
    people: tuple[str, ...]
    subjects: tuple[str, ...]

    @property
    def has_both(self) -> bool:
        """Whether some scans have it, and others have not."""
        return 0 < int(np.count_nonzero(self.reference)) < len(self.reference)


def answers(compared: Iterable[Compared]) -> dict[Question, Answers]:
    """The probabilities among what was compared, by question, in their order."""
    found: dict[Question, list[Compared]] = {}
    for one in compared:
        if one.kind == "probabilities":
            question = Question(one.source, one.image_set, one.label_class or "")
            found.setdefault(question, []).append(one)
    return {
        question: Answers(
            np.array([one.reference == 1 for one in group]),
            np.array([one.estimate for one in group]),
            tuple(one.person or one.subject for one in group),
            tuple(one.subject for one in group),
        )
        for question, group in found.items()
    }


class Detection(NamedTuple):
    """What the answers to one question are worth.

    Attributes:
      question: which.
      num_with: scans that have it.
      num_without: scans that have it not.
      num_people: whom these scans are of.
      area: under the ROC curve, with DeLong's interval.
      average_precision: mean precision over recall, with its bootstrap interval.
      brier: mean squared error of the probabilities.
      calibration_error: mean distance of what was said and seen, in ten bins.
      threshold: from which probability on a scan counts as having it; NaN where none
        was chosen.
      sensitivity: at the threshold, with its interval; NaN without one.
      specificity: at the threshold, with its interval; NaN without one.
    """

    question: Question
    num_with: int
    num_without: int
    num_people: int
    area: Share
    average_precision: Share
    brier: float
    calibration_error: float
    threshold: float
    sensitivity: Share
    specificity: Share

    def row(self) -> dict[str, Any]:
        """As flat numbers: `area`, `area_low`, `area_high`, ..."""
        row: dict[str, Any] = self.question._asdict()
        for name, value in self._asdict().items():
            if isinstance(value, Share):
                row |= {name: value.value, f"{name}_low": value.low}
                row[f"{name}_high"] = value.high
            elif name != "question":
                row[name] = value
        return row


_NONE = Share(math.nan, math.nan, math.nan)


def detections(
    found: Mapping[Question, Answers], thresholds: Mapping[Question, float]
) -> Iterator[Detection]:
    """A row a question.

    Args:
      found: of `answers`.
      thresholds: chosen on other people's scans; of some questions, or none.
    """
    for question, (true, probability, people, _) in found.items():
        threshold = thresholds.get(question, math.nan)
        ends = (_NONE, _NONE)
        if not math.isnan(threshold):
            ends = (
                roc.sensitivity(true, probability, threshold, people),
                roc.specificity(true, probability, threshold, people),
            )
        bins = calibration.reliability(true, probability)
        yield Detection(
            question,
            int(np.count_nonzero(true)),
            int(np.count_nonzero(~true)),
            len(set(people)),
            roc.area(true, probability, people),
            precision_recall.average_precision(true, probability, people),
            calibration.brier(true, probability),
            calibration.calibration_error(bins),
            threshold,
            *ends,
        )
