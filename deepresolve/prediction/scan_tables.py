"""Tables that grow by some rows with every scan: a CSV file each.

The first column names the scan, by the file that it became. The file is written anew,
whole, whenever rows are added, so that an interrupted command leaves the rows of all
scans that it finished; those of scans that an earlier command wrote stay, until a scan
of that name is done. Of thousands of scans that would take longer and longer: `growing`
keeps rows back for a while.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import pathlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from deepresolve.system import locking, storage, tables
from deepresolve.tasks.prediction import Cell, TableKind

_SCAN = "scan"

# Of the time of a command, the part that writing the table may take.
_MOST_SHARE = 0.05
# Significant digits of a number: a float32's, of which probabilities and maps are made.
_DIGITS = 7

# One row of the file: the scan's name, and what the columns of its kind hold.
NamedRow = tuple[Cell, ...]


def read(path: pathlib.Path, kind: TableKind) -> list[NamedRow]:
    """The table that `to_csv` wrote, also if a spreadsheet saved it since.

    Empty where there is no such file.

    Raises:
      ValueError: the file is another table.
    """
    types = kind.columns.values()
    return [
        (scan, *(of(cell) for of, cell in zip(types, cells, strict=True)))
        for scan, *cells in _texts(path, kind)
    ]


def column(path: pathlib.Path, kind: TableKind, name: str) -> dict[str, str]:
    """What a table says in one column of each scan, in its last line.

    Returns:
      By the scan's name in Unicode's NFC; empty where there is no such file.

    Raises:
      ValueError: the file is another table.
    """
    at = _names(kind).index(name)
    return {tables.normal(cells[0]): cells[at] for cells in _texts(path, kind)}


def _names(kind: TableKind) -> tuple[str, ...]:
    return (_SCAN, *kind.columns)


def _texts(path: pathlib.Path, kind: TableKind) -> Iterator[Sequence[str]]:
    """The cells of each row as they stand there; ValueError of another table."""
    if not path.exists():
        return
    types = (str, *kind.columns.values())
    try:
        for where, cells in _own(path, kind) or _others(path, kind):
            try:
                for of, cell in zip(types, cells, strict=True):
                    of(cell)
            except ValueError as error:
                raise ValueError(f"{where}: {error}.") from error
            yield cells
    except (ValueError, csv.Error) as error:
        raise ValueError(
            f"{path} is no table of {kind.title} ({error}). Move it away, or choose "
            "another --output."
        ) from error


def _own(
    path: pathlib.Path, kind: TableKind
) -> Iterator[tuple[str, Sequence[str]]] | None:
    """The rows of a table as `to_csv` wrote it; None where a spreadsheet saved it.

    In a fifth of the time that others' take, which counts with thousands of knees.
    """
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return None
    if not text.startswith(to_csv(kind, ())):
        return None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    next(reader)
    return ((f"{path}, line {reader.line_num}", cells) for cells in reader if cells)


def _others(path: pathlib.Path, kind: TableKind) -> Iterator[tuple[str, Sequence[str]]]:
    names = [name.lower() for name in _names(kind)]
    for row in tables.read_table(path, names, ()):
        yield row.where, [row.values[name] for name in names]


def add(
    path: pathlib.Path,
    kind: TableKind,
    rows: Sequence[NamedRow],
    without: Iterable[str] = (),
) -> None:
    """Adds rows to a table, in the place of those of scans of the same name.

    Commands that share a folder take turns.

    Args:
      path: of the table.
      kind: of the table.
      rows: to add.
      without: scans whose rows go, too.

    Raises:
      ValueError: the file is another table.
      OSError: it cannot be written.
    """
    scans = {_scan(row) for row in rows} | {tables.normal(name) for name in without}
    with locking.turn(str(path)):
        others = (cells for cells in _texts(path, kind) if _scan(cells) not in scans)
        text = to_csv(kind, itertools.chain(others, rows))
        storage.write(str(path), text.encode())


@contextlib.contextmanager
def growing(
    *grown: tuple[pathlib.Path, TableKind],
) -> Iterator[Callable[..., None]]:
    """Gives an `add` for thousands of scans, which writes tables now and then.

    It takes the rows of one scan or more, those of each table by themselves. Writing
    takes as long as the tables are; so that it takes a twentieth of the time of
    a command at most, rows wait for 19 times as long as the last ones took to write: a
    second for a hundred knees, minutes for ten thousand. At the end of the context all
    are in the tables, after an error and a signal, too. Who is killed (SIGKILL) loses
    those that waited. Tables are written from the last to the first, so that what is
    in the first one is in all.

    Raises:
      ValueError: a file is another table by now.
      OSError: it cannot be written.
    """
    waiting: list[list[NamedRow]] = [[] for _ in grown]
    due = 0.0

    def write() -> None:
        nonlocal due
        start = time.monotonic()
        for (path, kind), rows in reversed([*zip(grown, waiting, strict=True)]):
            add(path, kind, rows)
            rows.clear()
        end = time.monotonic()
        due = end + (end - start) * (1 / _MOST_SHARE - 1)

    def add_now_or_later(*rows: Sequence[NamedRow]) -> None:
        for those, more in zip(waiting, rows, strict=True):
            those.extend(more)
        if any(waiting) and time.monotonic() >= due:
            write()

    try:
        yield add_now_or_later
    finally:
        if any(waiting):
            write()


def _scan(row: Sequence[Cell]) -> str:
    """The scan's name, in the form in which names are compared."""
    return tables.normal(str(row[0]))


def to_csv(kind: TableKind, rows: Iterable[Sequence[Cell]]) -> str:
    """One line a row, after the names of the columns; numbers of seven digits."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_names(kind))
    for row in rows:
        writer.writerow(map(rounded, row))
    return table.getvalue()


def rounded(cell: Cell) -> Cell:
    """A cell as a table has it: a number with seven digits."""
    return float(f"{cell:.{_DIGITS}g}") if isinstance(cell, float) else cell
