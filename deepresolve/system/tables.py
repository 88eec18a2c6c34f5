"""Texts and tables that users write: in whatever encoding, with whatever separator.

Spreadsheets save a table as UTF-8 with or without a byte order mark, as UTF-16 or as
Windows's own code page, with commas, semicolons or tabs; a Mac writes é as e and an
accent. They are read alike here, or named with what to do.
"""

from __future__ import annotations

import contextlib
import csv
import io
import logging
import os
import pathlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

_LOGGER = logging.getLogger(__name__)

_HOW_TO_SAVE = "Save it as CSV UTF-8, as spreadsheets call it, or as plain UTF-8 text."
# Of UTF-32 first: the mark of UTF-16 is the beginning of it.
_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
_OTHER_KINDS = (
    (b"PK\x03\x04", "a spreadsheet (.xlsx, .ods) or a zip"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls)"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"%PDF", "a PDF"),
)
_WINDOWS = "cp1252"
_SEPARATORS = ",;\t"
# The first line by which a spreadsheet says what separates values.
_DIRECTIVE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


class Row(NamedTuple):
    """One row of a table.

    Attributes:
      where: the file and the line, for messages.
      values: by column, without blanks around; "" where the row says nothing.
    """

    where: str
    values: dict[str, str]


def normal(text: str) -> str:
    """The form in which names are compared: é is one character (Unicode's NFC)."""
    return unicodedata.normalize("NFC", text)


def read_text(path: str | os.PathLike) -> str:
    """The text of a file, in normal form.

    UTF-8, or UTF-16 and UTF-32 with a byte order mark. What is none of these is taken
    for Windows's code page of Western Europe (cp1252), with a warning.

    Raises:
      OSError: it cannot be read.
      ValueError: it is no text.
    """
    content = pathlib.Path(path).read_bytes()
    for beginning, kind in _OTHER_KINDS:
        if content.startswith(beginning):
            raise ValueError(f"{path}: expected a text, got {kind}. {_HOW_TO_SAVE}")
    text = _decoded(path, content)
    if "\0" in text:
        raise ValueError(
            f"{path}: holds zero bytes, so it is no text, damaged, or UTF-16 without a "
            f"byte order mark. {_HOW_TO_SAVE}"
        )
    return normal(text)


def _decoded(path: str | os.PathLike, content: bytes) -> str:
    marks = (name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark))
    encoding = next(marks, "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise ValueError(
                f"{path}: begins as {encoding} and goes on as something else "
                f"({error.reason} at byte {error.start}). {_HOW_TO_SAVE}"
            ) from error
    try:
        text = content.decode(_WINDOWS)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: neither UTF-8 nor {_WINDOWS} (byte {error.start} is "
            f"{content[error.start]:#04x}). {_HOW_TO_SAVE}"
        ) from error
    # A blank that does not break lines is one of them, and part of a word here.
    words = re.split(r"\s+", text, flags=re.ASCII)
    strange = next(word for word in words if not word.isascii())
    _LOGGER.warning(
        "%s: no UTF-8; read as %s, the code page of Windows in Western Europe, such as "
        "%r. %s",
        *(path, _WINDOWS, strange[:40], _HOW_TO_SAVE),
    )
    return text


def read_table(
    path: str | os.PathLike,
    required: Sequence[str],
    optional: Sequence[str] | None = None,
) -> list[Row]:
    """The rows of a table that is separated by commas, semicolons or tabs.

    Columns may stand in any order and case. Rows without any value are passed over.

    Args:
      path: of a text as `read_text` takes it.
      required: names of columns, in lower case.
      optional: names of columns that may be there; None for any others.

    Raises:
      OSError: it cannot be read.
      ValueError: it is no such table; the message names the line.
    """
    text, separator, skipped = _begun(read_text(path), required)
    with _parsed(path, text, separator, skipped) as reader:
        names = _columns(next(reader, ()))
        _check_columns(path, names, required, optional)
        return list(_rows(path, reader, names, skipped))


def read_bare_table(path: str | os.PathLike, columns: Sequence[str]) -> list[Row]:
    """The rows of a table that begins with its first row, without names of columns.

    Values are separated by commas, semicolons or tabs. Rows without any value are
    passed over.

    Args:
      path: of a text as `read_text` takes it.
      columns: what its columns are called here, in their order.

    Raises:
      OSError: it cannot be read.
      ValueError: it is no table, or a row has more values; the message names the line.
    """
    text = read_text(path)
    table = text.lstrip()
    skipped = len(text[: len(text) - len(table)].splitlines())
    separator = max(_SEPARATORS, key=table.partition("\n")[0].count)
    with _parsed(path, table, separator, skipped) as reader:
        return list(_rows(path, reader, columns, skipped))


@contextlib.contextmanager
def _parsed(
    path: str | os.PathLike, text: str, separator: str, skipped: int
) -> Iterator[Any]:
    """A reader of the text; what csv finds wrong is told with the file and the line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        yield reader
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {reader.line_num + skipped}: no table ({error}). Does a "
            "quotation mark have no other?"
        ) from error


def _begun(text: str, required: Sequence[str]) -> tuple[str, str, int]:
    """The table from its header on, what separates values, and the lines before it."""
    if directive := _DIRECTIVE.match(text):
        return text[directive.end() :], directive[1], 1
    table = text.lstrip()
    header = table.splitlines()[0] if table else ""

    def columns_found(separator: str) -> tuple[int, int]:
        names = _columns(next(csv.reader([header], delimiter=separator), ()))
        return len({*names} & {*required}), len(names)

    separator = max(_SEPARATORS, key=columns_found)
    return table, separator, len(text[: len(text) - len(table)].splitlines())


def _columns(header: Iterable[str]) -> list[str]:
    return [name.strip().lower() for name in header]


def _check_columns(
    path: str | os.PathLike,
    names: Sequence[str],
    required: Sequence[str],
    optional: Sequence[str] | None,
) -> None:
    named = [name for name in names if name]
    known = set(named) if optional is None else {*required, *optional}
    twice = {name for name in named if names.count(name) > 1}
    if missing := [name for name in required if name not in names]:
        problem = f"no column {', '.join(missing)}"
    elif twice & known:
        problem = f"two columns {', '.join(sorted(twice & known))}"
    elif strange := set(named) - known:
        problem = f"unknown columns {', '.join(sorted(strange))}"
    else:
        return
    wanted = ", ".join(required)
    if optional:
        wanted += f" and, where wanted, {', '.join(optional)}"
    expected = f"the columns {wanted}" if wanted else "each column once"
    raise ValueError(
        f"{path}: {problem}. Expected {expected}, separated by commas, "
        f"semicolons or tabs; got {', '.join(named)[:200] or 'an empty file'}."
    )


def _rows(
    path: str | os.PathLike, reader: Any, names: Sequence[str], skipped: int
) -> Iterable[Row]:
    for cells in reader:
        where = f"{path}, line {reader.line_num + skipped}"
        values = [cell.strip() for cell in cells]
        if not any(values):
            continue
        if any(values[len(names) :]):
            raise ValueError(
                f"{where}: {len(values)} values, but {len(names)} columns "
                f"({', '.join(names)}). Does a value with a separator in it lack "
                "quotation marks?"
            )
        values += [""] * (len(names) - len(values))
        # Of a column without a name nothing can be asked.
        yield Row(where, {n: v for n, v in zip(names, values, strict=False) if n})
