"""Thresholds that are chosen on other people's scans, from an earlier report."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Collection

from deepresolve.evaluation.detection.measures import Answers, Question, answers
from deepresolve.evaluation.results import Compared
from deepresolve.evaluation.subjects_csv import COMPARED_FILE
from deepresolve.metrics import roc
from deepresolve.system import tables, wording

REPORT_FILE = "report.json"
# What a report's provenance calls the hash of its network.
NETWORK = "network_sha256"
_COLUMNS = ("subject", "person", "network", "image_set", "kind", "class")
_NUMBERS = ("reference", "estimate")


def chosen(
    folder: str | os.PathLike[str], network_sha256: str, people: Collection[str]
) -> dict[Question, float]:
    """Youden's threshold of each question, chosen on the answers of a report.

    Args:
      folder: of the report of an evaluation, as a rule of the validation split.
      network_sha256: of the network whose thresholds they are to be.
      people: on whose scans the thresholds will be tried.

    Raises:
      ValueError: it is no such report, has no probabilities, is of another network or
        of one of these people; or all scans there have what is asked for, or none has.
    """
    path = pathlib.Path(folder) / COMPARED_FILE
    if not path.exists():
        raise ValueError(
            f"{folder} holds no {COMPARED_FILE}: it is no report of an evaluation with "
            "a network that grades. Write it with deepresolve evaluate --workdir=RUN "
            "--split=validation."
        )
    if _network(path.with_name(REPORT_FILE)) != network_sha256:
        raise ValueError(
            f"{folder} is the report of another network: thresholds are those of the "
            "probabilities that they were chosen on. Evaluate this run there."
        )
    found = answers(map(_compared, tables.read_table(path, (*_COLUMNS, *_NUMBERS))))
    if not found:
        raise ValueError(f"{path} has no probabilities to choose thresholds on.")
    own = {person for answered in found.values() for person in answered.people}
    if both := sorted(own & {*people}):
        raise ValueError(
            f"Thresholds would be chosen on scans of {wording.listed(both)}, on whom "
            "they are tried, too: that flatters them. Choose them on another split of "
            "the records (--split=validation)."
        )
    return {question: _youden(question, of) for question, of in found.items()}


def _youden(question: Question, found: Answers) -> float:
    try:
        return roc.youden_threshold(found.reference, found.probability)
    except ValueError as error:
        raise ValueError(f"No threshold of {question.name}: {error}") from error


def _network(path: pathlib.Path) -> str | None:
    """What a report says of the network that it is of; None where it says nothing."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return str(content["provenance"][NETWORK])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _compared(row: tables.Row) -> Compared:
    subject, person, network, image_set, kind, name = (
        row.values[column] for column in _COLUMNS
    )
    try:
        reference, estimate = (float(row.values[column]) for column in _NUMBERS)
    except ValueError as error:
        raise ValueError(f"{row.where}: {error}; expected numbers.") from error
    return Compared(
        *(subject, person, network, image_set, kind, name), reference, estimate
    )
