"""Tables that grow by some rows with every scan: a CSV file each.

The first column names the scan, by the file that it became. The file is written anew,
whole, whenever rows are added, so that an interrupted command leaves the rows of all
scans that it finished; those of scans that an earlier command wrote stay, until a scan
of that name is done.
"""

from __future__ import annotations

import csv
import io
import pathlib
from collections.abc import Iterable, Sequence

from deepresolve.system import locking, storage, tables
from deepresolve.tasks.prediction import Cell, TableKind

_SCAN = "scan"

# One row of the file: the scan's name, and what the columns of its kind hold.
NamedRow = tuple[Cell, ...]


def read(path: pathlib.Path, kind: TableKind) -> list[NamedRow]:
    """The table that `to_csv` wrote, also if a spreadsheet saved it since.

    Empty where there is no such file.

    Raises:
      ValueError: the file is another table.
    """
    if not path.exists():
        return []
    try:
        required = [name.lower() for name in _names(kind)]
        return [_of_row(row, kind) for row in tables.read_table(path, required, ())]
    except ValueError as error:
        raise ValueError(
            f"{path} is no table of {kind.title} ({error}). Move it away, or choose "
            "another --output."
        ) from error


def _names(kind: TableKind) -> tuple[str, ...]:
    return (_SCAN, *kind.columns)


def _of_row(row: tables.Row, kind: TableKind) -> NamedRow:
    try:
        cells = (of(row.values[name.lower()]) for name, of in kind.columns.items())
        return (row.values[_SCAN], *cells)
    except ValueError as error:
        raise ValueError(f"{row.where}: {error}.") from error


def add(path: pathlib.Path, kind: TableKind, rows: Sequence[NamedRow]) -> None:
    """Adds rows to a table, in the place of those of scans of the same name.

    Commands that share a folder take turns.

    Raises:
      ValueError: the file is another table.
      OSError: it cannot be written.
    """
    scans = {_scan(row) for row in rows}
    with locking.turn(str(path)):
        others = [row for row in read(path, kind) if _scan(row) not in scans]
        storage.write(str(path), to_csv(kind, [*others, *rows]).encode())


def _scan(row: NamedRow) -> str:
    """The scan's name, in the form in which names are compared."""
    return tables.normal(str(row[0]))


def to_csv(kind: TableKind, rows: Iterable[NamedRow]) -> str:
    """One line a row, after the names of the columns."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_names(kind))
    for row in rows:
        writer.writerow(repr(c) if isinstance(c, float) else c for c in row)
    return table.getvalue()
