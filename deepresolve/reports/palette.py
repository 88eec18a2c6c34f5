"""Lines for classes that every reader tells apart, on any grey.

Okabe and Ito's palette, made for all kinds of colour vision (Color Universal Design,
2008), without its black; the colours that differ most from grey and each other first.
"""

from __future__ import annotations

import dataclasses

_COLOURS = (
    *("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2"),
)
# Matplotlib's and the canvas's unit: line widths, drawn and left out in turn.
_DASHES = ((), (5.0, 1.5), (1.5, 1.5), (6.0, 1.5, 1.5, 1.5))


@dataclasses.dataclass(frozen=True)
class Line:
    """How the outline of a class is drawn.

    Attributes:
      colour: "#rrggbb".
      dashes: lengths drawn and left out in turn, in line widths; () is solid.
    """

    colour: str
    dashes: tuple[float, ...]


def line(label: int) -> Line:
    """The line of class number `label`, from 1: colours first, then dashes."""
    dashes, colour = divmod(label - 1, len(_COLOURS))
    return Line(_COLOURS[colour], _DASHES[dashes % len(_DASHES)])
