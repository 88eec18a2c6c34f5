"""A preview as one picture: in three planes the result on the right of its scan.

The slices are chosen without the network having a say in it for images (the middle);
label maps are shown where they hold most tissue.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from deepresolve.reports import drawing, figure_style, heat_scale, layout, palette
from deepresolve.reports.layout import Margins
from deepresolve.reports.preview import PLANES, Pair, Preview, in_words, slice_in_words

_LINE_WIDTH = 1.6
_TICK_PX = (3, 11)  # from the edge of a panel outwards
_LEGEND_COLUMNS = 3
_LEGEND_ROW_PX = 26
_HEAT_SHARES = (0.33, 0.67, 1.0)
_TISSUE = 0.44  # a grey
_GAP_PX = 18
_ROW_GAP_PX = 72
_TOP_PX = 140


def write(path: pathlib.Path, preview: Preview) -> None:
    """Writes the figure that `draw` draws."""
    path.write_bytes(draw(preview))


@figure_style.own
def draw(preview: Preview) -> bytes:
    """Draws it: the acquired plane in the first row, the other two in the second.

    Returns:
      A PNG file, `layout.WIDTH_PX` wide.
    """
    first = preview.result.plane
    planes = [first, *(plane for plane in PLANES if plane != first)]
    pairs = [preview.pair(plane, preview.first_shown[plane]) for plane in planes]
    handles = _class_handles(preview) + _heat_handles(preview)
    figure, panels, margins = _layout(pairs, len(handles))
    window = drawing.window([pair.before for pair in pairs])
    for pair, (left, right) in zip(pairs, panels, strict=True):
        for axes, pixels in ((left, pair.before), (right, pair.after)):
            drawing.draw(axes, pixels, pair, cmap="gray", limits=window)
            drawing.letter_edges(axes, pair)
            _mark_acquired(axes, pair)
        _outline(right, pair, len(preview.classes))
        _colour(right, pair)
        _name(left, f"{_title(pair, preview)}\nInput")
        _name(right, preview.panel)
    drawing.scale_bar(panels[0][0], pairs[0])
    drawing.headline(figure, _headline(preview), margins)
    drawing.caption(figure, _caption(preview), margins)
    _legend(figure, handles, margins)
    return drawing.png(figure)


def _layout(
    pairs: Sequence[Pair], num_handles: int
) -> tuple[Figure, list[tuple[Axes, Axes]], Margins]:
    """The figure, two panels for every pair, and the margins."""
    legend_rows = -(-num_handles // _LEGEND_COLUMNS)
    margins = Margins(
        left=30,
        right=30,
        top=_TOP_PX,
        bottom=84 + legend_rows * _LEGEND_ROW_PX,
        gap=_GAP_PX,
    )
    rows = [pairs[:1], pairs[1:]]
    slices = [[pair for pair in row for _ in range(2)] for row in rows]
    figure, panels = layout.rows_to_scale(slices, margins, row_gap=_ROW_GAP_PX)
    flat = [axes for row in panels for axes in row]
    return figure, list(zip(flat[::2], flat[1::2], strict=True)), margins


def _mark_acquired(axes: Axes, pair: Pair) -> None:
    """Ticks outside the panel, where acquired slices cross it."""
    if pair.acquired is None:
        return
    side, places = pair.acquired
    height_mm, width_mm = pair.size_mm
    box = axes.get_position(original=True)
    mm_per_px = width_mm / (box.width * layout.WIDTH_PX)
    near, far = (px * mm_per_px for px in _TICK_PX)
    if side == "columns":
        at = (places + 0.5) * pair.pixel_mm[1]
        lines = [[(x, height_mm + near), (x, height_mm + far)] for x in at]
    else:
        at = (places + 0.5) * pair.pixel_mm[0]
        lines = [[(-near, y), (-far, y)] for y in at]
    ticks = LineCollection(lines, colors="white", linewidths=1, clip_on=False)
    ticks.set_gid("acquired")
    axes.add_collection(ticks, autolim=False)


def _outline(axes: Axes, pair: Pair, num_classes: int) -> None:
    """The contour of every class in its own line; nothing where there are none."""
    if pair.labels is None:
        return
    for label in range(1, num_classes + 1):
        line = palette.line(label)
        drawing.contours(
            axes,
            (pair.labels == label).astype("uint8"),
            pair,
            color=line.colour,
            linewidth=_LINE_WIDTH,
            linestyle=_style(line),
        )


def _colour(axes: Axes, pair: Pair) -> None:
    """Probabilities in the colours of their scale; nothing where there are none."""
    if pair.heat is not None:
        height, width = pair.size_mm
        axes.imshow(heat_scale.table()[pair.heat], extent=(0, width, height, 0))


def _class_handles(preview: Preview) -> list[Line2D]:
    """Line, name and volume of every class."""
    handles = []
    for label, (name, volume_mm3) in enumerate(preview.classes, start=1):
        line = palette.line(label)
        text = drawing.plain(f"{name}: {volume_mm3:.0f} mm³")
        style: dict[str, Any] = {"color": line.colour, "linestyle": _style(line)}
        handles.append(Line2D([], [], label=text, linewidth=2.5, **style))
    return handles


def _legend(figure: Figure, handles: Sequence[Line2D], margins: Margins) -> None:
    figure.legend(
        handles=[*handles],
        loc="lower left",
        bbox_to_anchor=(margins.left / layout.WIDTH_PX, 60 / figure.bbox.height),
        ncols=_LEGEND_COLUMNS,
        fontsize=11,
        frameon=False,
        labelcolor="white",
        borderaxespad=0,
        borderpad=0,
    )


def _heat_handles(preview: Preview) -> list[Line2D]:
    """Colours of some probabilities, as over tissue, where a result is one."""
    if preview.kind != "heat":
        return []
    handles = []
    for share in _HEAT_SHARES:
        *colour, opacity = heat_scale.table()[round(255 * share)] / 255
        colour = opacity * np.array(colour) + (1 - opacity) * _TISSUE
        handles.append(Line2D([], [], label=f"{share:g}", linewidth=8, color=colour))
    return handles


def _style(line: palette.Line) -> str | tuple[int, tuple[float, ...]]:
    return (0, line.dashes) if line.dashes else "-"


def _name(axes: Axes, text: str) -> None:
    axes.set_title(text, color="white", fontsize=11, pad=6, loc="left")


def _title(pair: Pair, preview: Preview) -> str:
    is_acquired = pair.plane == preview.result.plane
    title = pair.plane.capitalize() + (" (acquired plane)" if is_acquired else "")
    return f"{title}, {slice_in_words(preview, pair.plane, pair.index)}"


def _headline(preview: Preview) -> str:
    return drawing.plain(
        f"{preview.title}\nInput: {preview.scan_name}: {in_words(preview.scan)}\n"
        f"Output: {preview.result_name}: {preview.figure_output}"
    )


def _caption(preview: Preview) -> str:
    return f"{preview.caption}\nOne window and one scale for all panels. For research."
