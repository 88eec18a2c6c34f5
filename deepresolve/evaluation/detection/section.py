"""What a report says of detection."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from deepresolve.evaluation.detection import figures, measures
from deepresolve.evaluation.detection.measures import Answers, Detection, Question
from deepresolve.evaluation.results import Compared
from deepresolve.metrics.roc import Share
from deepresolve.reports.document import Block, Heading, Paragraph, Picture, Table
from deepresolve.reports.number_text import number_text

FIGURES = ROC_FILE, RELIABILITY_FILE = "roc.png", "reliability.png"
_NOTE = (
    "With: scans that have it. In brackets stand 95% intervals: DeLong's of the area "
    "under the ROC curve, or Obuchowski's where several scans are of one person; "
    "Wilson's of sensitivity and specificity, which take scans to be independent, and "
    "are too narrow where several are of one person. ECE: mean distance of what was "
    "said and seen, in ten bins of probability."
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
    """

    found: Mapping[Question, Answers]
    detections: Mapping[Question, Detection]
    thresholds_from: str

    @classmethod
    def of(
        cls,
        compared: Sequence[Compared],
        thresholds: Mapping[Question, float],
        thresholds_from: str = "",
    ) -> Section:
        """Of what an evaluation compared.

        Args:
          compared: of all subjects.
          thresholds: chosen on other people's scans; of some questions, or none.
          thresholds_from: the report that they were chosen on.
        """
        found = measures.answers(compared)
        rows = {of.question: of for of in measures.detections(found, thresholds)}
        return cls(found, rows, thresholds_from)

    def blocks(self) -> list[Block]:
        """A table and how to read it; nothing where nothing was detected."""
        if not self.detections:
            return []
        chosen = _CHOSEN.format(self.thresholds_from)
        return [
            Heading("Detection"),
            detection_table([*self.detections.values()]),
            Paragraph(_NOTE),
            Paragraph(chosen if self.thresholds_from else _NOT_CHOSEN),
        ]

    def pictures(self) -> list[Picture]:
        """The figures of the report."""
        shown = []
        if self._with_curves():
            shown.append(
                Picture(
                    ROC_FILE,
                    "ROC curves",
                    "Blue: all thresholds; orange: the one that was chosen, with the "
                    "intervals of sensitivity and specificity; dashed: chance.",
                )
            )
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
        if self.found:
            drawn[RELIABILITY_FILE] = figures.reliability(self.found)
        return drawn

    def _with_curves(self) -> dict[Question, Answers]:
        """Questions of which some scans have it and others not."""
        return {
            question: answers
            for question, answers in self.found.items()
            if 0 < answers.reference.sum() < len(answers.reference)
        }


def detection_table(detections: Sequence[Detection]) -> Table:
    """A row a question."""
    header = (
        *("Detected", "Source", "Image set", "With", "Without", "ROC AUC", "Brier"),
        *("ECE", "Threshold", "Sensitivity (%)", "Specificity (%)"),
    )
    return Table(
        header,
        tuple(
            (
                *(of.question.name, of.question.source, of.question.image_set),
                *(str(of.num_with), str(of.num_without)),
                _with_interval(of.area, 1, 3),
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
