"""The report of a combination: its answers beside those that it is made of."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from deepresolve.evaluation import subjects_csv
from deepresolve.evaluation.combining import fitted
from deepresolve.evaluation.combining.exams import Exams
from deepresolve.evaluation.combining.fitted import Combination
from deepresolve.evaluation.detection.measures import Question
from deepresolve.evaluation.detection.section import Section
from deepresolve.evaluation.results import Compared
from deepresolve.metrics import combination as logistic
from deepresolve.reports import html, markdown, writing
from deepresolve.reports.document import Block, Facts, Heading, Paragraph, Table
from deepresolve.system import wording

TITLE = "DeepResolve: evaluation of a combination"
COMBINED, OF_ALL = "combined", "exam"  # source and image set of its answers
SINGLE = "single"  # source of what it is made of
_NOTE = (
    "The logit of an answer is the intercept plus each slope times the logit of its "
    "column's probability (logistic regression: Bien, PLoS Med 2018; on logits: ours). "
    "With and without: exams that it was learned on."
)


class Tried(NamedTuple):
    """A combination, and the exams of other people that it is tried on.

    Attributes:
      combination: what was learned.
      questions: exams that all inputs have an answer about, by question.
      left_out: what is said of exams that are not complete, here and where the
        combination was learned.
    """

    combination: Combination
    questions: Mapping[str, Exams]
    left_out: tuple[str, ...]

    def compared(self) -> Iterator[Compared]:
        """The answers of the combination, then those of each input."""
        for name, of in self.questions.items():
            weights = self.combination.questions[name].weights
            answers = logistic.combined(of.probabilities, weights)
            yield from _rows(name, of, (COMBINED, OF_ALL), answers)
            for series, single in zip(
                self.combination.names, of.probabilities.T, strict=True
            ):
                yield from _rows(name, of, (SINGLE, series), single)

    def thresholds(self) -> dict[Question, float]:
        """Those that were chosen on the exams that the combination was learned on."""
        who = [(COMBINED, OF_ALL), *((SINGLE, n) for n in self.combination.names)]
        return {
            Question(*each, name): threshold
            for name in self.questions
            for each, threshold in zip(
                who, self.combination.questions[name].thresholds, strict=True
            )
        }


def _rows(
    name: str, of: Exams, who: tuple[str, str], answers: np.ndarray
) -> Iterator[Compared]:
    for exam, person, true, answer in zip(
        of.exams, of.people, of.reference, answers, strict=True
    ):
        where = (exam, person, *who, "probabilities", name)
        yield Compared(*where, float(true), float(answer))


def left_out(question: str, where: str, of: Exams) -> Iterator[str]:
    """What is said of exams that lack an input.

    Args:
      question: what was asked for.
      where: the reports, for people to read.
      of: of `exams.complete`.
    """
    if of.lacking:
        num_all = len(of.lacking) + len(of.exams)
        told = [f"{exam} ({', '.join(no)})" for exam, no in of.lacking.items()]
        yield (
            f"{question}: {len(of.lacking)} of {wording.counted(num_all, 'exam')} in "
            f"{where} lack an answer and are left out: {wording.listed(told)}."
        )


def save(
    folder: pathlib.Path, tried: Tried, provenance: Mapping[str, Any]
) -> tuple[str, list[pathlib.Path]]:
    """Writes the report, and the combination itself.

    Args:
      folder: an existing local folder.
      tried: what is reported.
      provenance: what the numbers belong to: reports, versions, ...

    Returns:
      The tables as text, and the paths of the files.

    Raises:
      OSError: a file cannot be written.
    """
    combination, compared = tried.combination, [*tried.compared()]
    learned_from = ", ".join(combination.learned_from)
    section = Section.of(compared, tried.thresholds(), learned_from, COMBINED)
    summary = [*section.blocks(), *_blocks(tried)]
    blocks = [
        Heading(TITLE, level=1),
        Paragraph(_counted(tried.questions)),
        *summary,
        *section.pictures(),
        Heading("What was measured"),
        Facts(provenance),
    ]
    content = {
        **section.rows(),
        "left_out": {n: dict(of.lacking) for n, of in tried.questions.items()},
        "provenance": dict(provenance),
    }
    drawn = section.draw()
    files = {
        "report.md": markdown.render(blocks),
        "report.json": writing.strict_json(content),
        subjects_csv.COMPARED_FILE: subjects_csv.compared_to_csv(compared),
        fitted.FILE: combination.to_json(),
        "report.html": html.render(blocks, drawn),
    }
    return markdown.render(summary), writing.write(folder, {**files, **drawn})


def _counted(questions: Mapping[str, Exams]) -> str:
    """How many exams there are of each question, and of how many people."""
    told = [
        f"{name}: {wording.counted(len(of.exams), 'exam')} of {len(set(of.people))} "
        "people"
        for name, of in questions.items()
    ]
    return f"{'; '.join(told)}, none of whom the combination was learned on."


def _blocks(tried: Tried) -> list[Block]:
    names = tried.combination.names
    return [
        Heading("The combination"),
        Table(
            ("Detected", "With", "Without", "Intercept", *names),
            tuple(_line(tried.combination, name) for name in tried.questions),
        ),
        Paragraph(_NOTE),
        *map(Paragraph, tried.left_out),
    ]


def _line(combination: Combination, name: str) -> tuple[str, ...]:
    of = combination.questions[name]
    numbers = (of.weights.intercept, *of.weights.slopes)
    counts = str(of.num_with), str(of.num_without)
    return (name, *counts, *(f"{number:+.3f}" for number in numbers))
