"""The parts of a report, before they are Markdown or HTML."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Heading:
    """A title; level 1 is the document's."""

    text: str
    level: int = 2


@dataclasses.dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str


@dataclasses.dataclass(frozen=True)
class Table:
    """Cells of text.

    Attributes:
      header: headings of the columns.
      rows: each as long as `header`.
      num_text_columns: so many first columns are words, the others numbers.

    Raises:
      ValueError: a row has another length than the header.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    num_text_columns: int = 1

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(
                    f"A row needs {len(self.header)} cells as its header; got {row}."
                )


@dataclasses.dataclass(frozen=True)
class Facts:
    """Names and what they stand for."""

    items: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Picture:
    """An image file that lies beside the document.

    Attributes:
      file: its name.
      title: what it is, in a few words.
      caption: how to read it.
    """

    file: str
    title: str
    caption: str


Block = Heading | Paragraph | Table | Facts | Picture
