"""Who is in which scan: from a table, or from a pattern in the scan's name."""

from __future__ import annotations

import csv
import dataclasses
import pathlib
import re
from collections.abc import Iterable

_REQUIRED = {"subject", "person"}
_OPTIONAL = {"side", "split"}


@dataclasses.dataclass(frozen=True)
class Person:
    """The person in a scan, and what the table says of the scan.

    Attributes:
      name: identifies the person.
      side: "left", "right" or "unknown".
      split: the split the table puts the scan in, None where it does not say.
    """

    name: str
    side: str = "unknown"
    split: str | None = None


def identify(
    ids: Iterable[str], *, table: pathlib.Path | None, pattern: str | None
) -> dict[str, Person]:
    """The person in each scan: from `table` or `pattern`, else one person a scan.

    Args:
      ids: the scans.
      table: a CSV file with the columns subject, person and, where wanted, side and
        split. It may list scans that are not among `ids`.
      pattern: a regular expression with a group named `person`, searched for in the id.

    Raises:
      ValueError: both are given, or a scan's person cannot be told.
    """
    if table is not None and pattern is not None:
        raise ValueError(
            "--persons and --person_pattern both say who is who: give one of them."
        )
    if table is not None:
        return _from_table(ids, table)
    if pattern is not None:
        return _from_pattern(ids, pattern)
    return {subject: Person(subject) for subject in ids}


def _from_table(ids: Iterable[str], path: pathlib.Path) -> dict[str, Person]:
    known = _read_table(path)
    unlisted = [subject for subject in ids if subject not in known]
    if unlisted:
        raise ValueError(
            f"{path} has no row for {len(unlisted)} scans, the first {unlisted[0]!r}. "
            "Its column `subject` must name every scan by its path below --source "
            "without the ending, with _ for /."
        )
    return {subject: known[subject] for subject in ids}


def _read_table(path: pathlib.Path) -> dict[str, Person]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = set(reader.fieldnames or ())
        if _REQUIRED - columns or columns - _REQUIRED - _OPTIONAL:
            raise ValueError(
                f"{path}: expected the columns subject, person and, where wanted, side "
                f"and split; got {', '.join(reader.fieldnames or ()) or 'no header'}."
            )
        persons = {}
        for row in reader:
            subject = row["subject"].strip()
            if subject in persons:
                raise ValueError(f"{path} lists the subject {subject!r} twice.")
            persons[subject] = _person(row, f"{path}, line {reader.line_num}")
    return persons


def _person(row: dict[str, str], where: str) -> Person:
    if None in row or None in row.values() or not row["person"].strip():
        raise ValueError(f"{where}: expected one value a column and a person.")
    return Person(
        name=row["person"].strip(),
        side=row.get("side", "").strip().lower() or "unknown",
        split=row.get("split", "").strip() or None,
    )


def _from_pattern(ids: Iterable[str], pattern: str) -> dict[str, Person]:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"--person_pattern={pattern}: {error}.") from error
    if "person" not in expression.groupindex:
        raise ValueError(
            f"--person_pattern={pattern} needs a group named person, such as "
            r"(?P<person>\d+)."
        )
    found = {subject: expression.search(subject) for subject in ids}
    for subject, match in found.items():
        if match is None or not match["person"]:
            raise ValueError(
                f"--person_pattern={pattern} finds no person in {subject!r}; every "
                "scan must match, or be listed in a table given as --persons."
            )
    return {subject: Person(match["person"]) for subject, match in found.items()}
