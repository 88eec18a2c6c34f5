"""Which answers a reader may give, and when a case is complete."""

from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import Any

from deepresolve.reading.study import Study
from deepresolve.reading.study.answers import Answer

# More than a page ever has to send at once.
_MOST_AT_ONCE = 200


class ConflictError(ValueError):
    """Answers that are fine each, but not together or not yet."""


def given(study: Study, body: Any) -> list[tuple[int, str, str]]:
    """The answers in a request's body.

    Args:
      study: what is asked.
      body: {"answers": [{"place": 0, "question": "diq", "value": "4"}, ...]}.

    Returns:
      (place, question, value) of each.

    Raises:
      ValueError: anything else, an unknown question, a place that is not asked about,
        a value out of range, a remark that is too long.
    """
    rows = body.get("answers") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not 0 < len(rows) <= _MOST_AT_ONCE:
        raise ValueError(
            f'Expected {{"answers": [...]}} with 1 to {_MOST_AT_ONCE} answers.'
        )
    return [_one(study, row) for row in rows]


def _one(study: Study, row: Any) -> tuple[int, str, str]:
    if not isinstance(row, dict) or set(row) != {"place", "question", "value"}:
        raise ValueError("An answer has a place, a question and a value.")
    place, name = row["place"], row["question"]
    question = study.question(name if isinstance(name, str) else "")
    places = question.places(study.num_images)
    if type(place) is not int or place not in places:
        raise ValueError(f"{name}: the places are {list(places)}; got {place!r:.80}.")
    return place, name, question.check(row["value"], study.num_images)


def check_ranks(study: Study, answers: Iterable[Answer]) -> None:
    """Raises a ConflictError where a rank is shared and may not be."""
    counts = collections.Counter((a.question, a.value) for a in answers)
    for question in study.questions:
        if question.kind != "rank" or question.ties:
            continue
        for (name, value), count in counts.items():
            if name == question.name and count > 1:
                raise ConflictError(f"{question.title}: two images have rank {value}.")


def check_complete(study: Study, answers: Iterable[Answer]) -> None:
    """Raises a ConflictError where an answer that is needed is missing."""
    answers = list(answers)
    check_ranks(study, answers)
    there = {(answer.question, answer.place) for answer in answers}
    missing = [
        question.title
        for question in study.questions
        if question.required
        for place in question.places(study.num_images)
        if (question.name, place) not in there
    ]
    if missing:
        raise ConflictError(
            f"{len(missing)} answers are missing: {', '.join(dict.fromkeys(missing))}."
        )
