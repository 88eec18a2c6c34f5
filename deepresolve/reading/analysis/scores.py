"""From the answers of a study to one number a case, question and image set."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from deepresolve.evaluation.supplement import Scale
from deepresolve.reading.study.questions import Question
from deepresolve.reading.study.unblinding import Unblinded, unblind

# The side of a question that is of the case as a whole, not of one image set.
CASE_SIDE = "case"

# (reader, case, repeat) to the number that each image set got.
Ratings = Mapping[tuple[str, str, int], Mapping[str, float]]


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

    questions: tuple[Scale, ...]
    image_sets: tuple[str, ...]
    values: Mapping[tuple[str, str], Mapping[str, float]]
    facts: Mapping[str, Any]

    @property
    def cases(self) -> set[str]:
        """Cases of which at least one score counts."""
        return set().union(*self.values.values())

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


@dataclasses.dataclass(frozen=True, eq=False)
class QuestionRatings:
    """All that counts of the answers to one question.

    Attributes:
      question: what was asked.
      ratings: of locked presentations in which every image set was answered.
      num_incomplete: locked presentations that lack an answer and are left out.
    """

    question: Scale
    ratings: Ratings
    num_incomplete: int


def load(folder: pathlib.Path | str) -> ReaderScores:
    """The scores of a study.

    Raises:
      FileNotFoundError, ValueError: as of `unblinding.unblind`; or nothing is locked.
    """
    opened = unblind(folder)
    return by_case(opened, ratings(opened))


def ratings(opened: Unblinded) -> list[QuestionRatings]:
    """The numbers that count, by question; remarks have none."""
    num_images = len(opened.image_sets)
    return [
        _of_question(opened, question, num_images)
        for question in opened.study.questions
        if question.kind != "remark"
    ]


def by_case(opened: Unblinded, rated: Iterable[QuestionRatings]) -> ReaderScores:
    """Averages over readers, and of each reader over repeats.

    Raises:
      ValueError: nothing is locked, so there is nothing to average.
    """
    if not opened.locked:
        raise ValueError(
            f"{opened.study.folder}: no reader has locked a case yet; "
            f"{len(opened.readings)} answers may still change. Analyse the study once "
            "cases are locked."
        )
    rated = list(rated)
    values: dict[tuple[str, str], dict[str, float]] = {}
    for of_question in rated:
        for case, means in _case_means(of_question.ratings).items():
            for image_set, mean in means.items():
                key = of_question.question.name, image_set
                values.setdefault(key, {})[case] = mean
    return ReaderScores(
        tuple(of_question.question for of_question in rated),
        opened.image_sets,
        values,
        facts(opened, rated),
    )


def facts(opened: Unblinded, rated: Iterable[QuestionRatings]) -> dict[str, Any]:
    """What a reader of a report must know of the study."""
    shown, locked = opened.key.presentations, opened.locked
    times = [reading.answered_at for reading in opened.readings]
    incomplete = {r.question.name: r.num_incomplete for r in rated if r.num_incomplete}
    return {
        "study": opened.study.title,
        "readers": ", ".join(opened.study.readers),
        "cases": len({sealed.case for sealed in shown.values()}),
        "repeats": 1 + max(sealed.repeat for sealed in shown.values()),
        "image_sets": ", ".join(opened.image_sets),
        "presentations": (
            f"{len(locked)} of {len(shown)} locked; the others are left out"
        ),
        "left_out_as_incomplete": ", ".join(
            f"{name}: {number}" for name, number in incomplete.items()
        )
        or "none",
        "first_answer": min(times, default="none"),
        "last_answer": max(times, default="none"),
        "key_sha256": f"{opened.study.key_sha256}, recorded {opened.key_recorded_at}",
    }


def _of_question(
    opened: Unblinded, question: Question, num_images: int
) -> QuestionRatings:
    sets = opened.image_sets if question.scope == "image" else (CASE_SIDE,)
    given: dict[tuple[str, str, int], dict[str, float]] = {
        (shown.reader, shown.case, shown.repeat): {}
        for name, shown in opened.key.presentations.items()
        if name in opened.locked
    }
    for reading in opened.readings:
        if reading.question == question.name and reading.locked_at:
            at = reading.reader, reading.case, reading.repeat
            given[at][reading.image_set or CASE_SIDE] = float(reading.value)
    complete = {
        at: {image_set: numbers[image_set] for image_set in sets}
        for at, numbers in given.items()
        if len(numbers) == len(sets)
    }
    lowest, highest = question.range(num_images)
    return QuestionRatings(
        Scale(question.name, question.title, lowest, highest, question.kind == "rank"),
        complete,
        len(given) - len(complete),
    )


def _case_means(given: Ratings) -> dict[str, dict[str, float]]:
    """By case and image set, each reader weighing the same."""
    by_reader: dict[str, dict[str, list[Mapping[str, float]]]] = {}
    for (reader, case, _), numbers in sorted(given.items()):
        by_reader.setdefault(case, {}).setdefault(reader, []).append(numbers)
    return {
        case: _mean(_mean(repeats) for repeats in readers.values())
        for case, readers in by_reader.items()
    }


def _mean(many: Iterable[Mapping[str, float]]) -> dict[str, float]:
    many = list(many)
    return {name: float(np.mean([one[name] for one in many])) for name in many[0]}
