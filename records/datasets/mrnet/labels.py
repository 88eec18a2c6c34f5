"""The labels of MRNet's exams: a table without names of columns for each label.

train-acl.csv has rows such as 0123,1: an exam and 0 or 1.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping

from deepresolve.system import tables

LABELS = ("abnormal", "acl", "meniscus")


def read(root: pathlib.Path, folder: str) -> dict[str, dict[str, int]]:
    """The labels of each exam, by their names.

    Args:
      root: where the tables lie.
      folder: "train" or "valid", with which the names of its tables begin.

    Raises:
      FileNotFoundError: a table is not there.
      ValueError: one is no such table, or the tables do not list the same exams.
    """
    paths = {label: root / f"{folder}-{label}.csv" for label in LABELS}
    found = {label: _read_table(path) for label, path in paths.items()}
    exams = sorted({exam for values in found.values() for exam in values})
    for label, values in found.items():
        if without := [exam for exam in exams if exam not in values]:
            raise ValueError(
                f"{paths[label]}: no row for {len(without)} of {len(exams)} exams that "
                f"the other tables list, the first {without[0]}. Copy the tables again."
            )
    return {exam: {label: found[label][exam] for label in LABELS} for exam in exams}


def exam(text: str) -> str | None:
    """An exam's number in four digits, for programs drop zeros; None of other texts."""
    return f"{int(text):04d}" if text.isascii() and text.isdecimal() else None


def _read_table(path: pathlib.Path) -> Mapping[str, int]:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no such table. MRNet has one for each label, "
            f"{', '.join(LABELS)}, beside the folders train and valid."
        )
    found: dict[str, int] = {}
    for row in tables.read_bare_table(path, ("exam", "label")):
        number, label = exam(row.values["exam"]), row.values["label"]
        if number is None or label not in ("0", "1"):
            raise ValueError(
                f"{row.where}: expected the number of an exam and 0 or 1, such as "
                f"0123,1; got {','.join(row.values.values())!r}."
            )
        if number in found:
            raise ValueError(f"{row.where}: the exam {number} comes twice.")
        found[number] = int(label)
    if not found:
        raise ValueError(f"{path}: the table is empty. Copy it again.")
    return found
