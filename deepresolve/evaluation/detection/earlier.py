"""What earlier reports say: their probabilities, and of which networks they are."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Collection, Mapping
from typing import Any

from deepresolve.evaluation.detection.measures import Answers, Question, answers
from deepresolve.evaluation.results import Compared
from deepresolve.evaluation.subjects_csv import COMPARED_FILE
from deepresolve.system import tables, wording

REPORT_FILE = "report.json"
# What a report's provenance calls the hash of its network, and of its benchmark.
NETWORK, BENCHMARK_NETWORK = "network_sha256", "benchmark_sha256"
_COLUMNS = ("subject", "person", "network", "image_set", "kind", "class")
_NUMBERS = ("reference", "estimate")


def compared(folder: str | os.PathLike[str]) -> list[Compared]:
    """All that the evaluation of a report compared.

    Args:
      folder: of the report.

    Raises:
      ValueError: it is no report of a network that grades.
    """
    path = pathlib.Path(folder) / COMPARED_FILE
    if not path.exists():
        raise ValueError(
            f"{folder} holds no {COMPARED_FILE}: it is no report of an evaluation with "
            "a network that grades. Write it with deepresolve evaluate --workdir=RUN "
            "--split=validation."
        )
    return [_compared(row) for row in tables.read_table(path, (*_COLUMNS, *_NUMBERS))]


def answered(folder: str | os.PathLike[str]) -> dict[Question, Answers]:
    """The probabilities of a report, by question.

    Args:
      folder: of the report.

    Raises:
      ValueError: it is no report of a network that grades, or has no probabilities.
    """
    found = answers(compared(folder))
    if not found:
        raise ValueError(f"{folder}/{COMPARED_FILE} has no probabilities.")
    return found


def provenance(folder: str | os.PathLike[str]) -> Mapping[str, Any]:
    """What a report says of where its numbers come from; empty where it does not."""
    try:
        text = (pathlib.Path(folder) / REPORT_FILE).read_text(encoding="utf-8")
        return dict(json.loads(text)["provenance"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def check_apart(
    what: str, chosen_on: Collection[str], tried_on: Collection[str]
) -> None:
    """Sees that nothing is chosen on those on whom it is tried.

    Args:
      what: is chosen, as a sentence begins with it.
      chosen_on: people.
      tried_on: people.

    Raises:
      ValueError: some are both.
    """
    if both := sorted({*chosen_on} & {*tried_on}):
        raise ValueError(
            f"{what} would be chosen on scans of {wording.listed(both)}, on whom they "
            "are tried, too: that flatters them. Choose them on another split of the "
            "records (--split=validation)."
        )


def people(found: Mapping[Question, Answers]) -> set[str]:
    """Everybody whom a question was asked about."""
    return {person for of in found.values() for person in of.people}


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
