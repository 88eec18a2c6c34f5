"""What a report says of detection."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from deepresolve.evaluation import known_digits
from deepresolve.evaluation.detection import comparison, figures, measures
from deepresolve.evaluation.detection.measures import Answers, Detection, Question
from deepresolve.evaluation.results import Compared
from deepresolve.metrics.roc import Share
from deepresolve.metrics.statistics import NUM_RESAMPLES
from deepresolve.reports.document import Block, Heading, Paragraph, Picture, Table
from deepresolve.reports.number_text import number_text

FIGURES = ROC_FILE, RECALL_FILE, RELIABILITY_FILE = (
    "roc.png",
    "precision_recall.png",
    "reliability.png",
)
_NOTE = (
    "With: scans that have it. In brackets stand 95% intervals: DeLong's of the area "
    "under the ROC curve{}, of average precision the percentiles of {:,} resamples of "
    "people, Wilson's of sensitivity and specificity{}. ECE: mean distance of what was "
    "said and seen, in ten bins of probability. Chance is an area of 0.5, and an "
    "average precision of the share that has it."
)
_SEVERAL = (
    ", as Obuchowski has it for several scans of one person",
    ", of as many scans as the likeness of those of one person leaves (Rao and Scott)",
)
_TESTS_NOTE = (
    "Areas under the ROC curve of the same scans, the first less the second: DeLong's "
    "test, two-sided, with Holm's correction over all rows{}. Without a difference two "
    "need not be alike: see the interval."
)
_CHOSEN = (
    "Thresholds are Youden's, chosen on other people's scans, in the report of {}."
)
_NOT_CHOSEN = (
    "No threshold was chosen, so there is no sensitivity and no specificity: evaluate "
    "the run on the validation split first, and give that report as --thresholds."
)


class Section(NamedTuple):
    """What was detected, and how well.

    Attributes:
      found: answers by question.
      detections: what they are worth, by question.
      thresholds_from: the report that thresholds were chosen on; "" without.
      tests: of `comparison.area_tests`.
    """

    found: Mapping[Question, Answers]
    detections: Mapping[Question, Detection]
    thresholds_from: str
    tests: Sequence[Mapping[str, Any]]

    @classmethod
    def of(
        cls,
        compared: Sequence[Compared],
        thresholds: Mapping[Question, float],
        thresholds_from: str = "",
        tested: str = "",
    ) -> Section:
        """Of what an evaluation compared.

        Args:
          compared: of all subjects.
          thresholds: chosen on other people's scans; of some questions, or none.
          thresholds_from: the report that they were chosen on.
          tested: the source that each other one is tested against; "": none is.
        """
        found = measures.answers(compared)
        rows = {of.question: of for of in measures.detections(found, thresholds)}
        tests = comparison.area_tests(found, tested)
        return cls(found, rows, thresholds_from, tests)

    def blocks(self) -> list[Block]:
        """A table and how to read it; nothing where nothing was detected."""
        if not self.detections:
            return []
        chosen = _CHOSEN.format(self.thresholds_from)
        of_areas, of_shares = _SEVERAL if self._has_several() else ("", "")
        blocks: list[Block] = [
            Heading("Detection"),
            detection_table([*self.detections.values()]),
            Paragraph(_NOTE.format(of_areas, NUM_RESAMPLES, of_shares)),
            Paragraph(chosen if self.thresholds_from else _NOT_CHOSEN),
        ]
        if self.tests:
            blocks += [Heading("Who detects it better", 3)]
            blocks += [comparison.tests_table(self.tests)]
            blocks += [Paragraph(_TESTS_NOTE.format(of_areas))]
        return blocks

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """What a report's JSON has of it: `detection`, and `detection_tests`."""
        found = (of.row() for of in self.detections.values())
        return {
            "detection": known_digits.rows(found),
            "detection_tests": known_digits.rows(self.tests),
        }

    def _has_several(self) -> bool:
        """Whether several scans are of one person."""
        return any(
            of.num_people < of.num_with + of.num_without
            for of in self.detections.values()
        )

    def pictures(self) -> list[Picture]:
        """The figures of the report."""
        shown = []
        if self._with_curves():
            shown += [
                Picture(
                    ROC_FILE,
                    "ROC curves",
                    "All thresholds; a mark is the one that was chosen, with the "
                    "intervals of sensitivity and specificity; dashed: chance. Below: "
                    "areas under the curves, with their intervals.",
                ),
                Picture(
                    RECALL_FILE,
                    "Precision over recall",
                    "All thresholds: of those that are found the share that has it, "
                    "over the share of those who have it that is found; dashed: "
                    "chance. Below: average precision (AP), with its interval.",
                ),
            ]
        if self.found:
            shown.append(
                Picture(
                    RELIABILITY_FILE,
                    "Reliability",
                    "Of scans with about the same probability the share that has it, "
                    "with its interval; dashed: as it should be.",
                )
            )
        return shown

    def draw(self) -> dict[str, bytes]:
        """The PNG files of `pictures`."""
        drawn = {}
        if curves := self._with_curves():
            drawn[ROC_FILE] = figures.roc_curves(curves, self.detections)
            drawn[RECALL_FILE] = figures.recall_curves(curves, self.detections)
        if self.found:
            drawn[RELIABILITY_FILE] = figures.reliability(self.found)
        return drawn

    def _with_curves(self) -> dict[Question, Answers]:
        """Questions of which some scans have it and others not."""
        return {
            question: answers
            for question, answers in self.found.items()
            if answers.has_both
        }


def detection_table(detections: Sequence[Detection]) -> Table:
    """A row a question."""
    header = (
        *("Detected", "Source", "Image set", "With", "Without", "ROC AUC"),
        *("Average precision", "Brier", "ECE", "Threshold"),
        *("Sensitivity (%)", "Specificity (%)"),
    )
    return Table(
        header,
        tuple(
            (
                *(of.question.name, of.question.source, of.question.image_set),
                *(str(of.num_with), str(of.num_without)),
                _with_interval(of.area, 1, 3),
                _with_interval(of.average_precision, 1, 3),
                number_text(of.brier, ".3f"),
                number_text(of.calibration_error, ".3f"),
                number_text(of.threshold, ".3f"),
                _with_interval(of.sensitivity, 100, 1),
                _with_interval(of.specificity, 100, 1),
            )
            for of in detections
        ),
        num_text_columns=3,
    )


def _with_interval(share: Share, scale: float, digits: int) -> str:
    value, *ends = (number_text(scale * n, f".{digits}f") for n in share)
    return value if math.isnan(share.low) else f"{value} ({ends[0]} to {ends[1]})"
