"""A report as one HTML page that needs nothing else: pictures and style are inside."""

from __future__ import annotations

import base64
import functools
import html
from collections.abc import Iterable, Mapping

from deepresolve.reports.document import (
    Block,
    Facts,
    Heading,
    Paragraph,
    Picture,
    Table,
)

_STYLE = """
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1a1a1a;
       background: #fff; font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
p { max-width: 48rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.9rem;
        font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.7rem; border-bottom: 1px solid #ddd; text-align: left;
         vertical-align: top; }
thead th { border-bottom: 2px solid #444; vertical-align: bottom; }
tbody th { font-weight: 400; }
.number { text-align: right; } td.number { white-space: nowrap; }
figure { margin: 1.5rem 0; } img { max-width: 100%; height: auto; }
figcaption, dd { color: #444; } figcaption { font-size: 0.9em; }
dt { font-weight: 600; } dd { margin: 0 0 0.5rem 1.5rem; overflow-wrap: anywhere; }
@media print {
  @page { margin: 12mm; }
  body { margin: 0; max-width: none; padding: 0; font-size: 9pt; }
  p { max-width: none; }
  .wide { overflow: visible; }
  table { font-size: 7.5pt; } th, td { padding: 0.1rem 0.35rem; }
  figure, table, tr, dl > div { break-inside: avoid; } h2 { break-after: avoid; }
  img { max-height: 240mm; }
}
"""


def render(blocks: Iterable[Block], pictures: Mapping[str, bytes]) -> str:
    """The whole page.

    Args:
      blocks: parts of the report; all text is escaped.
      pictures: PNG files by name, one for every `Picture`.

    Raises:
      ValueError: a picture is missing.
    """
    blocks = list(blocks)
    title = next((b.text for b in blocks if isinstance(b, Heading)), "Report")
    body = "\n".join(
        _figure(block, pictures) if isinstance(block, Picture) else _block(block)
        for block in blocks
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


@functools.singledispatch
def _block(block: Block) -> str:
    raise TypeError(f"No HTML for {type(block).__name__}.")


@_block.register
def _heading(block: Heading) -> str:
    return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"


@_block.register
def _paragraph(block: Paragraph) -> str:
    return f"<p>{html.escape(block.text)}</p>"


@_block.register
def _facts(block: Facts) -> str:
    items = "\n".join(
        f"<div><dt>{html.escape(str(name))}</dt>"
        f"<dd>{html.escape(str(value))}</dd></div>"
        for name, value in block.items.items()
    )
    return f"<dl>\n{items}\n</dl>"


@_block.register
def _table(block: Table) -> str:
    head = _row(block.header, block.num_text_columns, scope="col")
    rows = "\n".join(_row(row, block.num_text_columns) for row in block.rows)
    return (
        f'<div class="wide"><table>\n<thead>\n{head}\n</thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _row(cells: tuple[str, ...], num_text_columns: int, scope: str = "row") -> str:
    """A table row; its first cell heads it, and all cells of a header are headings."""
    parts = []
    for column, text in enumerate(cells):
        heading = scope == "col" or column == 0
        tag = "th" if heading else "td"
        attributes = f' scope="{scope}"' if heading else ""
        attributes += ' class="number"' if column >= num_text_columns else ""
        parts.append(f"<{tag}{attributes}>{html.escape(text)}</{tag}>")
    return f"<tr>{''.join(parts)}</tr>"


def _figure(block: Picture, pictures: Mapping[str, bytes]) -> str:
    if block.file not in pictures:
        raise ValueError(
            f"The page shows {block.file}; given are {', '.join(pictures) or 'none'}."
        )
    title = html.escape(block.title)
    data = base64.b64encode(pictures[block.file]).decode("ascii")
    return (
        f'<figure>\n<img alt="{title}" src="data:image/png;base64,{data}">\n'
        f"<figcaption><b>{title}.</b> {html.escape(block.caption)}</figcaption>\n"
        "</figure>"
    )
