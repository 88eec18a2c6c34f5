"""A report as Markdown that also reads well as plain text."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from deepresolve.reports.document import (
    Block,
    Facts,
    Heading,
    Paragraph,
    Picture,
    Table,
)

_ACTIVE = re.compile(r"[<\[`]")


def render(blocks: Iterable[Block]) -> str:
    """The whole text, blocks parted by empty lines."""
    return "\n\n".join(_block(block) for block in blocks) + "\n"


@functools.singledispatch
def _block(block: Block) -> str:
    raise TypeError(f"No Markdown for {type(block).__name__}.")


@_block.register
def _heading(block: Heading) -> str:
    return f"{'#' * block.level} {_plain(block.text)}"


@_block.register
def _paragraph(block: Paragraph) -> str:
    return block.text


@_block.register
def _facts(block: Facts) -> str:
    return "\n".join(f"- {k}: {_plain(str(v))}" for k, v in block.items.items())


@_block.register
def _picture(block: Picture) -> str:
    return f"![{block.title}]({block.file})\n\n*{block.title}.* {block.caption}"


@_block.register
def _table(block: Table) -> str:
    """Words to the left, numbers to the right, columns padded to one width."""
    lines = [[_cell(text) for text in row] for row in (block.header, *block.rows)]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = [
        "-" * width if column < block.num_text_columns else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    ]
    padded = [
        [
            text.ljust(width) if column < block.num_text_columns else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    return "\n".join(
        "| " + " | ".join(line) + " |" for line in (padded[0], rule, *padded[1:])
    )


def _cell(text: str) -> str:
    """A bar would end the cell, a new line the table."""
    return " ".join(_plain(text).replace("|", "\\|").split())


def _plain(text: str) -> str:
    """Without what Markdown takes for HTML, links or images: readers wrote it."""
    return _ACTIVE.sub(r"\\\g<0>", text)
