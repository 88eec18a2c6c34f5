"""What several networks say of one exam: scans of reports, found by their exams.

An input of a combination is what one network says of one series: the rows of a report
that have one image set. A report of a network that saw several series holds several.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from deepresolve.evaluation.benchmark import BENCHMARK
from deepresolve.evaluation.detection import earlier
from deepresolve.evaluation.results import Compared
from deepresolve.system import tables, wording

_ID = "{id}"
_SHOWN_DIGITS = 8  # of a hash


class Input(NamedTuple):
    """One of those that are combined.

    Attributes:
      network_sha256: of the network's weights.
      series: of what it answers about, as reports call the image set.
    """

    network_sha256: str
    series: str


class Exams(NamedTuple):
    """Exams that every input has an answer about.

    Attributes:
      exams: their names.
      people: whom each is of.
      reference: (n,) bool, whether each has what is looked for.
      probabilities: (n, inputs) float64.
      lacking: exams that are left out, each with the names of the inputs it lacks.
    """

    exams: tuple[str, ...]
    people: tuple[str, ...]
    reference: np.ndarray
    probabilities: np.ndarray
    lacking: Mapping[str, tuple[str, ...]]


# Rows of probabilities by input, question and exam.
Answered = Mapping[Input, Mapping[str, Mapping[str, Compared]]]


def names(inputs: Sequence[Input]) -> tuple[str, ...]:
    """What inputs are called: by series, and where two have one by network, too."""
    series = [of.series for of in inputs]
    return tuple(
        of.series
        if series.count(of.series) == 1
        else f"{of.series} ({of.network_sha256[:_SHOWN_DIGITS]})"
        for of in inputs
    )


def exam_of(scan: str, series: str, pattern: str = "") -> str:
    """The exam that a scan is of.

    Args:
      scan: its name.
      series: of the exam.
      pattern: of names of scans, `{id}` being the exam and `*` any text; "": the exam
        is the name without that of the series: 0001 of 0001_sagittal.

    Raises:
      ValueError: the name does not match the pattern, or that has not one {id}.
    """
    if not pattern:
        word = rf"[\W_]*(?<![^\W_]){re.escape(series)}(?![^\W_])[\W_]*"
        return "_".join(filter(None, re.split(word, scan, flags=re.I))) or scan
    if pattern.count(_ID) != 1:
        raise ValueError(
            f"--exam={pattern}: expected {_ID} once, such as {_ID}_*, in the place of "
            "what scans of one exam have in common."
        )
    meanings = {_ID: "(.+)", "*": ".*"}
    parts = re.split(r"(\{id\}|\*)", tables.normal(pattern))
    expression = "".join(meanings.get(part, re.escape(part)) for part in parts)
    if match := re.fullmatch(expression, tables.normal(scan)):
        return match[1]
    raise ValueError(f"The scan {scan!r} does not match --exam={pattern}.")


def read(
    folders: Sequence[str], pattern: str = "", grades: Collection[str] = ()
) -> Answered:
    """The answers of reports, by input, question and exam.

    Args:
      folders: of reports of evaluations; what a benchmark answered is passed over.
      pattern: as of `exam_of`.
      grades: the questions that are wanted; none: all.

    Raises:
      ValueError: one is no such report or does not say of which network it is, two are
        of one network and series, an exam has two scans of one series, or a grade has
        more than two values.
    """
    answered: dict[Input, dict[str, dict[str, Compared]]] = {}
    for folder in folders:
        network = earlier.provenance(folder).get(earlier.NETWORK)
        if not network:
            raise ValueError(
                f"{folder} does not say of which network it is a report. Expected one "
                "of deepresolve evaluate --workdir=RUN."
            )
        rows = [row for row in earlier.compared(folder) if _is_wanted(row, grades)]
        _check_binary(folder, rows)
        found: dict[Input, dict[str, dict[str, Compared]]] = {}
        for row in rows:
            if row.kind == "probabilities":
                questions = found.setdefault(Input(network, row.image_set), {})
                _add(questions.setdefault(row.label_class or "", {}), row, pattern)
        _check_new(folder, found, answered)
        answered |= found
    return answered


def _is_wanted(row: Compared, grades: Collection[str]) -> bool:
    return row.source != BENCHMARK and (not grades or row.label_class in grades)


def _check_binary(folder: str, rows: Iterable[Compared]) -> None:
    for row in rows:
        if row.kind == "classes" and max(row.reference, row.estimate) > 1:
            raise ValueError(
                f"{folder}: {row.label_class} is a grade of more than two values, and "
                "a combination answers yes or no. Name the others with --grades, or "
                "train networks whose records tell two values apart."
            )


def _add(exams: dict[str, Compared], row: Compared, pattern: str) -> None:
    exam = exam_of(row.subject, row.image_set, pattern)
    if exam in exams:
        raise ValueError(
            f"{exams[exam].subject} and {row.subject} are both scans of the series "
            f"{row.image_set} of exam {exam}; expected one. Say with --exam what names "
            "an exam: --exam={id}_* takes all before the last _."
        )
    exams[exam] = row


def _check_new(folder: str, found: Collection[Input], known: Answered) -> None:
    if not found:
        raise ValueError(f"{folder} has no probabilities of what is to be combined.")
    for of in found:
        if of in known:
            raise ValueError(
                f"{folder} is a second report of the same network and series "
                f"({of.series}); expected one of each."
            )


def in_order(answered: Answered, inputs: Sequence[Input]) -> Answered:
    """The answers of some inputs, in their order.

    Args:
      answered: of `read`.
      inputs: that a combination was learned with.

    Raises:
      ValueError: one of them answers nothing, or there are others.
    """
    if {*answered} != {*inputs}:
        wanted, given = (
            ", ".join(f"{of.series} ({of.network_sha256[:_SHOWN_DIGITS]})" for of in x)
            for x in (inputs, answered)
        )
        raise ValueError(
            f"The combination was learned with the networks of {wanted}; the reports "
            f"are of {given}. Evaluate the same runs."
        )
    return {of: answered[of] for of in inputs}


def questions(answered: Answered) -> list[str]:
    """What any input has an answer to, in the order in which it is asked."""
    return list(dict.fromkeys(name for of in answered.values() for name in of))


def complete(question: str, answered: Answered) -> Exams:
    """Exams that all inputs have an answer about, and those that lack one.

    Args:
      question: what is asked for.
      answered: of `read`.

    Raises:
      ValueError: an input has no answer to it, there is no such exam, or scans of one
        have another truth or person.
    """
    called = names([*answered])
    tables_of = [of.get(question, {}) for of in answered.values()]
    if silent := [n for n, of in zip(called, tables_of, strict=True) if not of]:
        raise ValueError(
            f"{', '.join(silent)} has no answer to {question}. Give the reports of "
            "networks that answer it, or leave it out of --grades."
        )
    every = list(dict.fromkeys(exam for table in tables_of for exam in table))
    lacking = {
        exam: tuple(
            n for n, of in zip(called, tables_of, strict=True) if exam not in of
        )
        for exam in every
    }
    whole = [exam for exam in every if not lacking[exam]]
    if not whole:
        raise ValueError(_none_is_whole(question, called, tables_of))
    rows = [[of[exam] for of in tables_of] for exam in whole]
    for exam, of_exam in zip(whole, rows, strict=True):
        _check_alike(question, exam, of_exam)
    return Exams(
        tuple(whole),
        tuple(row[0].person or exam for exam, row in zip(whole, rows, strict=True)),
        np.array([row[0].reference == 1 for row in rows]),
        np.array([[one.estimate for one in row] for row in rows]),
        {exam: lacks for exam, lacks in lacking.items() if lacks},
    )


def _none_is_whole(
    question: str, called: Sequence[str], found: Sequence[Mapping[str, Compared]]
) -> str:
    told = "; ".join(
        f"{name} has {wording.counted(len(of), 'exam')}, such as {next(iter(of))}"
        for name, of in zip(called, found, strict=True)
    )
    return (
        f"{question}: no exam has an answer from each of {', '.join(called)} ({told}). "
        "Say with --exam what names an exam: --exam={id}_* takes all before the last _."
    )


def _check_alike(question: str, exam: str, rows: Sequence[Compared]) -> None:
    for row in rows[1:]:
        same = row.reference == rows[0].reference and row.person == rows[0].person
        if not same:
            raise ValueError(
                f"Scans of exam {exam} contradict each other: {rows[0].subject} is of "
                f"{rows[0].person or 'nobody known'} and has {question} "
                f"{rows[0].reference:g}, {row.subject} of "
                f"{row.person or 'nobody known'} has {row.reference:g}. Say with "
                "--exam what names an exam, or correct the table of grades."
            )
