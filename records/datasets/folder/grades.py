"""Grades of scans, out of a table: whole numbers that readers gave.

The table has the column `subject`, which names scans as the table of --persons does,
or `person`, for grades that all scans of a person share. Every other column is a grade,
and becomes the scalar of its name.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from deepresolve.system import tables, wording
from records.subject import Brings

_logger = logging.getLogger(__name__)

_KEYS = ("subject", "person")
# Of headers; see `records.datasets.folder.Folder.brings`.
_TAKEN = ("echo_time_ms",)
# Programs write 1.0 where another cell of the column is empty.
_WHOLE = re.compile(r"([+-]?\d+)(?:\.0)?", re.ASCII)
# As scalars are stored: int of 64 bits.
_LEAST, _MOST = -(2**63), 2**63 - 1
_MOST_SHOWN = 4


@dataclasses.dataclass(frozen=True)
class Grades:
    """A table of grades.

    Attributes:
      path: of the file.
      key: what a row names: "subject" or "person".
      names: of the grades, in the order of the columns.
      rows: by scan or person its grades by name, but for those that are unknown.
    """

    path: str
    key: str
    names: tuple[str, ...]
    rows: Mapping[str, Mapping[str, int]]


def read_table(path: str) -> Grades:
    """Reads a table of grades as `deepresolve.system.tables` takes it.

    Raises:
      OSError: it cannot be read.
      ValueError: it has not one column of scans or persons and others of whole numbers,
        or names one twice.
    """
    rows = tables.read_table(path, ())
    if not rows:
        raise ValueError(f"{path}: the table has no row. {_expected()}")
    columns = list(rows[0].values)
    key = _key(path, columns)
    names = tuple(name for name in columns if name != key)
    _check_names(path, names)
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        who = row.values[key]
        if not who:
            raise ValueError(f"{row.where}: expected a {key}, got an empty cell.")
        if who in found:
            raise ValueError(f"{row.where}: the {key} {who!r} comes twice.")
        found[who] = {name: _whole(row, name) for name in names if row.values[name]}
    return Grades(path, key, names, found)


def match(
    table: Grades | None,
    names: Mapping[str, Sequence[str]],
    persons: Mapping[str, str],
) -> dict[str, Mapping[str, int]]:
    """The grades of each scan, by its id; none of a scan without a row.

    Scans without a row, and rows without a scan, are told in warnings.

    Args:
      table: of `read_table`, None where there is none.
      names: by id, what a row may call the scan, the first one first.
      persons: by id, whose scan it is.

    Raises:
      ValueError: no row is of any scan.
    """
    if table is None:
        return {id_: {} for id_ in names}
    called = {
        id_: [persons[id_]] if table.key == "person" else names[id_] for id_ in names
    }
    row_of = {id_: _first(called[id_], table.rows) for id_ in names}
    if not any(row_of.values()):
        raise ValueError(
            f"{table.path}: no {table.key} of its {len(table.rows)} rows, such as "
            f"{next(iter(table.rows))!r}, is one of {len(names)} scans, such as "
            f"{called[min(names)][0]!r}. {_named(table.key)}"
        )
    _tell(table, row_of)
    return {id_: table.rows[row] if row else {} for id_, row in row_of.items()}


def _first(called: Iterable[str], rows: Collection[str]) -> str | None:
    return next((name for name in called if name in rows), None)


def _tell(table: Grades, row_of: Mapping[str, str | None]) -> None:
    if without := sorted(id_ for id_, row in row_of.items() if row is None):
        _logger.warning(
            "%s has no row for %d of %d scans, %s: they have no grades.",
            *(table.path, len(without), len(row_of), _shown(without)),
        )
    if unused := sorted(table.rows.keys() - row_of.values()):
        _logger.warning(
            "%s has %s without a scan, %s: left out. %s",
            *(table.path, wording.counted(len(unused), "row"), _shown(unused)),
            _named(table.key),
        )


def _shown(names: Iterable[str]) -> str:
    return wording.listed(map(repr, names), _MOST_SHOWN)


def _named(key: str) -> str:
    if key == "person":
        return "Persons are called as --persons or --person_pattern has them."
    return "A scan's name is its path below --source without the ending, with _ for /."


def _key(path: str, columns: Sequence[str]) -> str:
    keys = [key for key in _KEYS if key in columns]
    if len(keys) != 1 or len(columns) < 2:
        raise ValueError(
            f"{path}: got the columns {', '.join(columns)[:200]}. {_expected()}"
        )
    return keys[0]


def _expected() -> str:
    return (
        "Expected a column subject, or else person, and one for each grade, separated "
        "by commas, semicolons or tabs."
    )


def _check_names(path: str, names: Sequence[str]) -> None:
    """ValueError where a scalar cannot have the name of a column."""
    try:
        Brings(_TAKEN, dict.fromkeys(names, int))
    except ValueError as error:
        raise ValueError(f"{path}: {error} Rename the column.") from error


def _whole(row: tables.Row, name: str) -> int:
    text = row.values[name]
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{row.where}: {name} is {text!r}; a grade is a whole number. Give each "
            "word a number, and leave the cell of an unknown one empty."
        )
    if not _LEAST <= (value := int(match[1])) <= _MOST:
        raise ValueError(f"{row.where}: {name} is {text}, which 64 bits do not hold.")
    return value
