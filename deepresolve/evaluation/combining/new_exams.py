"""New exams: tables of `predict`, one an input, to a line an exam."""

from __future__ import annotations

import csv
import io
import json
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from deepresolve.evaluation.combining.exams import exam_of
from deepresolve.evaluation.combining.fitted import Combination
from deepresolve.imaging.formats import scan_stem
from deepresolve.metrics import combination as logistic
from deepresolve.metrics import rounding
from deepresolve.system import tables

FILE = "exams.csv"
TABLE = "grades.csv"
_COLUMNS = ("scan", "label", "probability")

# Probabilities of one input by question and exam.
Predicted = Mapping[str, Mapping[str, float]]


def read(folder: str, series: str, network: str, pattern: str = "") -> Predicted:
    """What `predict` wrote into a folder, by question and exam.

    Args:
      folder: has `TABLE`, and a trust report beside each scan.
      series: that the scans are of.
      network: hash of the network that is to have graded them.
      pattern: as of `exams.exam_of`.

    Raises:
      ValueError: there is no such table, a trust report is missing or of another
        network, or an exam has two scans.
    """
    path = pathlib.Path(folder) / TABLE
    if not path.exists():
        raise ValueError(
            f"{folder} holds no {TABLE}: expected what deepresolve predict of a "
            "network that grades wrote."
        )
    found: dict[str, dict[str, float]] = {}
    scans: dict[str, str] = {}
    for row in tables.read_table(path, _COLUMNS):
        scan, label, text = (row.values[column] for column in _COLUMNS)
        stem = scan_stem(pathlib.Path(scan))
        exam = exam_of(stem, series, pattern)
        if exam not in scans:
            _check_network(path.with_name(f"{stem}_trust.json"), network, series)
        if scans.setdefault(exam, scan) != scan:
            raise ValueError(
                f"{path}: {scans[exam]} and {scan} are both of exam {exam}; expected "
                "one scan. Say with --exam what names an exam: --exam={id}_* takes all "
                "before the last _."
            )
        found.setdefault(label, {})[exam] = _probability(row.where, text)
    return found


def _check_network(path: pathlib.Path, network: str, series: str) -> None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        told = content["provenance"]["model"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} does not say which network graded the scan ({error!r}). Keep the "
            "trust reports that predict wrote beside the table, or grade it again."
        ) from error
    if told != network:
        raise ValueError(
            f"{path} is of another network than that of {series}, which the "
            "combination was learned with. Give folders in its order, or grade the "
            "scans by the networks that it was learned with."
        )


def _probability(where: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = np.nan
    if not 0 <= number <= 1:
        raise ValueError(f"{where}: {text!r}; expected a probability from 0 to 1.")
    return number


def to_csv(
    combination: Combination, predicted: Sequence[Predicted]
) -> tuple[str, list[str]]:
    """A line an exam: a probability a question, and what it lacks.

    Args:
      combination: what was learned.
      predicted: of `read`, in the order of its inputs.

    Returns:
      The table, and what is said of each exam that lacks an answer: its cell is empty.
    """
    every = dict.fromkeys(e for p in predicted for of in p.values() for e in of)
    table, told = io.StringIO(), []
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["exam", *combination.questions, "lacks"])
    for exam in every:
        cells, lacks = [], []
        for name in combination.questions:
            answers = [of.get(name, {}).get(exam) for of in predicted]
            cell, missing = _cell(combination, name, answers)
            cells.append(cell)
            lacks += [f"{name} of {series}" for series in missing]
        writer.writerow([exam, *cells, "; ".join(lacks)])
        if lacks:
            told.append(f"exam {exam} lacks {', '.join(lacks)}")
    return table.getvalue(), told


def _cell(
    combination: Combination, name: str, answers: Sequence[float | None]
) -> tuple[str, list[str]]:
    """The combined probability as text, or "" and the inputs without an answer."""
    given = [answer for answer in answers if answer is not None]
    if len(given) < len(answers):
        pairs = zip(combination.names, answers, strict=True)
        return "", [series for series, answer in pairs if answer is None]
    weights = combination.questions[name].weights
    (one,) = logistic.combined(np.array([given]), weights)
    return repr(rounding.to_significant(float(one))), []
