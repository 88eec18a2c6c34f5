"""What stands in the pages of docs/: blocks of code, and what they print."""

from __future__ import annotations

import contextlib
import io
import pathlib
import re
from typing import Any, NamedTuple

ROOT = pathlib.Path(__file__).parents[1]
_BLOCK = re.compile(
    r'^```(\w+)(?: title="([^"]*)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL
)


class Block(NamedTuple):
    """A fenced block: its language, title and text, and the line it begins in."""

    language: str
    title: str
    text: str
    line: int


def blocks(page: pathlib.Path, heading: str = "") -> list[Block]:
    """The fenced blocks of a page, in order; of one section where a heading is given.

    Args:
      page: a Markdown file.
      heading: of the section, without the signs before it.
    """
    text = page.read_text(encoding="utf-8")
    start, stop = 0, len(text)
    if heading:
        start = text.index(f"\n## {heading}\n")
        stop = text.find("\n## ", start + 1) % (len(text) + 1)
    return [
        Block(found[1], found[2] or "", found[3], text[: found.start()].count("\n") + 2)
        for found in _BLOCK.finditer(text, start, stop)
    ]


def run(block: Block, page: pathlib.Path, namespace: dict[str, Any]) -> str:
    """Runs a block of Python; errors name the page and the line. What it printed."""
    source = "\n" * (block.line - 1) + block.text
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, str(page), "exec"), namespace)  # noqa: S102
    return printed.getvalue()
