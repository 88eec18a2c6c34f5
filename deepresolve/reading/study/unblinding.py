"""Joins the answers of a study with its key: what each was about.

Only presentations that their reader has locked count. What is not locked, and what is
missing, is counted; nothing is left out without being said.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import pathlib
from collections.abc import Iterable

from deepresolve.reading.study import Key, Sealed, Study, load_key
from deepresolve.reading.study.answers import WHOLE_CASE, Answer

# What spreadsheets take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclasses.dataclass(frozen=True)
class Reading:
    """One answer, unblinded.

    Attributes:
      reader: who gave it.
      case: the subject.
      repeat: 0 for the first time that the reader saw the case, 1 for the second, ...
      place: of the image, 0 on the left; -1 (`WHOLE_CASE`) for the whole case.
      image_set: what lay there; "" for the whole case.
      question: its name.
      value: a number's text, or a remark.
      answered_at: UTC, ISO 8601.
      locked_at: UTC, ISO 8601; "" while the reader may still change the answer.
    """

    reader: str
    case: str
    repeat: int
    place: int
    image_set: str
    question: str
    value: str
    answered_at: str
    locked_at: str


@dataclasses.dataclass(frozen=True, eq=False)
class Unblinded:
    """A study whose key is open.

    Attributes:
      study: what was asked, and of whom.
      key: what was shown.
      key_recorded_at: when the key's hash was recorded, UTC.
      readings: every answer, in the order in which they were given.
      locked: ids of the presentations that are locked.
    """

    study: Study
    key: Key
    key_recorded_at: str
    readings: tuple[Reading, ...]
    locked: frozenset[str]

    @property
    def image_sets(self) -> tuple[str, ...]:
        """The image sets that were compared, sorted."""
        first = next(iter(self.key.presentations.values()))
        return tuple(sorted(first.image_sets))


def unblind(folder: pathlib.Path | str) -> Unblinded:
    """Opens a study.

    Raises:
      FileNotFoundError: it is no study, or its key is missing.
      ValueError: the key was changed, or an answer does not belong to the study.
    """
    study, key = Study.load(folder), load_key(folder)
    locks = study.answers.locks()
    readings = []
    for answer in study.answers.all_answers():
        shown = key.presentations.get(answer.presentation)
        if shown is None or shown.reader != answer.reader:
            raise ValueError(
                f"{study.answers.path}: {answer}: that reader was not shown this "
                "presentation."
            )
        _check(study, shown, answer)
        readings.append(
            Reading(
                reader=answer.reader,
                case=shown.case,
                repeat=shown.repeat,
                place=answer.place,
                image_set=_image_set(shown, answer.place),
                question=answer.question,
                value=answer.value,
                answered_at=answer.answered_at,
                locked_at=locks.get((answer.reader, answer.presentation), ""),
            )
        )
    return Unblinded(
        study,
        key,
        study.answers.seal()[1],
        tuple(readings),
        frozenset(
            name
            for name, shown in key.presentations.items()
            if (shown.reader, name) in locks
        ),
    )


def to_csv(readings: Iterable[Reading]) -> str:
    """One line an answer, with the fields of `Reading` as columns.

    A spreadsheet would run a text that begins like a formula; such get an apostrophe
    in front (OWASP, "CSV injection").
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(field.name for field in dataclasses.fields(Reading))
    for reading in readings:
        writer.writerow(map(_harmless, dataclasses.astuple(reading)))
    return table.getvalue()


def _harmless(cell: str | int) -> str | int:
    begins = isinstance(cell, str) and cell.startswith(_FORMULA)
    return f"'{cell}" if begins else cell


def _image_set(shown: Sealed, place: int) -> str:
    return "" if place == WHOLE_CASE else shown.image_sets[place]


def _check(study: Study, shown: Sealed, answer: Answer) -> None:
    """ValueError for an answer that no reader can have given on the page."""
    where = f"{study.answers.path}: {answer}"
    num_images = len(shown.image_sets)
    try:
        question = study.question(answer.question)
        question.check(answer.value, num_images)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    if answer.place not in question.places(num_images):
        raise ValueError(f"{where}: the question is not asked of that place.")
