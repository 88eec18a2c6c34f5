"""A report as one HTML page that needs nothing else: pictures and style are inside."""

from __future__ import annotations

import base64
import pathlib
from collections.abc import Iterable, Mapping, Sequence

import jinja2

from deepresolve.reports.document import Block, Heading, Picture

# All text is escaped: readers and file names wrote some of it.
_PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(blocks: Iterable[Block], pictures: Mapping[str, bytes]) -> str:
    """The whole page.

    Args:
      blocks: parts of the report; all text is escaped.
      pictures: PNG files by name, one for every `Picture`.

    Raises:
      ValueError: a picture is missing.
    """
    blocks = list(blocks)
    _check_pictures(blocks, pictures)
    title = next((b.text for b in blocks if isinstance(b, Heading)), "Report")
    return _PAGES.get_template("report.html").render(
        title=title,
        blocks=[(type(block).__name__, block) for block in blocks],
        pictures={n: base64.b64encode(png).decode() for n, png in pictures.items()},
    )


def _check_pictures(blocks: Sequence[Block], pictures: Mapping[str, bytes]) -> None:
    for block in blocks:
        if isinstance(block, Picture) and block.file not in pictures:
            raise ValueError(
                f"The page shows {block.file}; given are "
                f"{', '.join(pictures) or 'none'}."
            )
