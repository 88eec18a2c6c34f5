"""The cartilage of a knee on one page: each plate laid flat, one scale of thickness.

The scale is the same for every knee, so that two figures can be held beside each other.
All panels have the same millimetres per inch, and medial lies on the left.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib import colors, patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy import ndimage

from deepresolve.quantification import places
from deepresolve.quantification.unrolled import FlatPlate
from deepresolve.reports import drawing, figure_style
from deepresolve.reports.thickness_scale import COLOUR_MAP, DENUDED, MOST_MM

_NORM = colors.Normalize(0, MOST_MM)
# Panels beside the femur: by row.
_BESIDE = (("MT", "LT", "T"), ("P",))
_INCHES_A_MM = 0.06
# In inches: around panels, for ticks and names; for the headline; for what is below.
_LEFT, _RIGHT, _ABOVE, _BELOW = 0.95, 0.2, 0.6, 0.75
_HEADLINE, _SCALE, _LEAST_WIDTH = 0.45, 1.1, 7.0
# What `_areas` tells, in the middle above a panel.
_AREAS_WIDTH = 2.1
_SCALE_WIDTH = 4.0
_TICKS_MM, _TICKS_DEGREES = 10, 30
_GREY = "#555555"
_ANGLES = (
    "Femur: degrees around a circle fitted to its bone, from straight below its middle."
)
_CAPTION_INCHES, _CHARACTERS_AN_INCH = 0.16, 16
# A region of fewer cells has no room for its name.
_LEAST_CELLS = 60


def rgb(thickness_mm: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """The colour of each place: (..., 3) uint8, red, green and blue.

    Args:
      thickness_mm: (...) float; above `MOST_MM` all have one colour.
      covered: (...) bool; what is not has that of denuded bone.
    """
    of_scale = mpl.colormaps[COLOUR_MAP](_NORM(thickness_mm))[..., :3]
    shown = np.where(covered[..., None], of_scale, colors.to_rgb(DENUDED))
    return np.rint(255 * shown).astype(np.uint8)


class Paint(NamedTuple):
    """What the colours of a figure tell.

    Attributes:
      rgb: from a plate to (r, c, 3) uint8, its cells' colours.
      scale: of the bar below.
      label: what the bar tells, with its unit.
      extend: which end of the bar has a tip: "max" or "neither".
      patches: colours that are none of the bar's, with what they mean.
    """

    rgb: Callable[[FlatPlate], np.ndarray]
    scale: ScalarMappable
    label: str
    extend: str
    patches: Sequence[Patch] = ()


def _thickness_rgb(plate: FlatPlate) -> np.ndarray:
    return rgb(np.nan_to_num(plate.thickness_mm), ~plate.denuded)


THICKNESS = Paint(
    _thickness_rgb,
    ScalarMappable(_NORM, COLOUR_MAP),
    "thickness of the cartilage (mm)",
    "max",
    (Patch(color=DENUDED, label="denuded bone"),),
)


def headline_of(name: str, side: str) -> str:
    """Which knee a figure shows.

    Args:
      name: of the knee.
      side: "right" or "left"; "" where it is not known.
    """
    which = f"{name}, {side} knee" if side else name
    return f"{which}: thickness of the cartilage"


@figure_style.own
def draw(
    plates: Sequence[FlatPlate],
    headline: str,
    notes: Sequence[str] = (),
    paint: Paint = THICKNESS,
) -> bytes:
    """Draws the plates that there are.

    Args:
      plates: by `unrolled.flatten`, of one knee.
      headline: which knee it is, its side included.
      notes: what makes the numbers worse than they look.
      paint: what their colours tell.

    Returns:
      A PNG file.
    """
    by_name = {plate.name: plate for plate in plates}
    boxes, (width, height) = _boxes(by_name)
    caption = _caption(by_name, notes, width)
    below = _CAPTION_INCHES * (len(caption) + 1)
    height += below
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    for name, (left, bottom, wide, high) in boxes.items():
        bottom += below
        place = (left / width, bottom / height, wide / width, high / height)
        _panel(figure.add_axes(place), by_name[name], paint)
    figure.text(
        _LEFT / width,
        1 - 0.3 / height,
        drawing.plain(headline),
        fontsize=13,
        va="center",
    )
    _scale(figure, (width, height), below, paint)
    figure.text(
        _LEFT / width,
        0.5 * _CAPTION_INCHES / height,
        drawing.plain("\n".join(caption)),
        fontsize=8,
        color=_GREY,
        va="bottom",
    )
    return drawing.png(figure, background="white")


def _caption(
    by_name: Mapping[str, FlatPlate], notes: Sequence[str], width: float
) -> list[str]:
    """Lines that say how to read the figure, and what to know of this knee."""
    texts = list(notes)
    if any(plate.region.any() for plate in by_name.values()):
        texts.append(f"{places.KEY}.")
    if "F" in by_name:
        texts.append(_ANGLES)
    most = int((width - _LEFT - _RIGHT) * _CHARACTERS_AN_INCH)
    return [line for text in texts for line in textwrap.wrap(text, most)]


def _size(plate: FlatPlate) -> tuple[float, float]:
    """Width and height of a panel, in inches."""
    num_rows, num_columns = plate.thickness_mm.shape
    column_mm = np.ptp(plate.columns_mm) / max(num_columns - 1, 1)
    return (
        num_columns * column_mm * _INCHES_A_MM,
        num_rows * plate.row_mm * _INCHES_A_MM,
    )


_Box = tuple[float, float, float, float]


def _boxes(
    by_name: dict[str, FlatPlate],
) -> tuple[dict[str, _Box], tuple[float, float]]:
    """(left, bottom, width, height) of each panel and the figure's size, in inches.

    The femur stands on the left, beside it the tibia's plates and below them the
    patella.
    """
    sizes = {name: _size(plate) for name, plate in by_name.items()}
    tops: dict[str, tuple[float, float]] = {}
    start, lowest, widest = 0.0, 0.0, _LEAST_WIDTH
    if "F" in sizes:
        tops["F"] = (_LEFT, _ABOVE)
        start = _LEFT + sizes["F"][0] + _RIGHT
        lowest = _ABOVE + sizes["F"][1] + _BELOW
        widest = max(widest, start)
    top = 0.0
    for names in _BESIDE:
        left, shown = start, [name for name in names if name in sizes]
        for name in shown:
            tops[name] = (left + _LEFT, top + _ABOVE)
            beyond = max(_RIGHT, (_AREAS_WIDTH - sizes[name][0]) / 2)
            left += _LEFT + sizes[name][0] + beyond
        if shown:
            top += _ABOVE + max(sizes[name][1] for name in shown) + _BELOW
        widest = max(widest, left)
    height = _HEADLINE + max(lowest, top) + _SCALE
    boxes = {
        name: (left, height - _HEADLINE - above - sizes[name][1], *sizes[name])
        for name, (left, above) in tops.items()
    }
    return boxes, (widest, height)


def _panel(axes: Axes, plate: FlatPlate, paint: Paint) -> None:
    """One plate in mm, with the borders and the names of its regions."""
    mm_a_unit = plate.row_mm / (plate.rows[1] - plate.rows[0])
    rows_mm = plate.rows * mm_a_unit
    column_mm = plate.columns_mm[1] - plate.columns_mm[0]
    inside = ~np.isnan(plate.thickness_mm)
    image = np.dstack([paint.rgb(plate), np.where(inside, 255, 0).astype(np.uint8)])
    left, right = plate.columns_mm[[0, -1]] + np.multiply((-0.5, 0.5), column_mm)
    top, bottom = rows_mm[[0, -1]] + np.multiply((-0.5, 0.5), plate.row_mm)
    axes.imshow(
        image, extent=(left, right, bottom, top), interpolation="nearest", aspect="auto"
    )
    for number, name in enumerate(places.REGION_NAMES, start=1):
        mask = inside & (plate.region == number)
        if mask.sum() >= _LEAST_CELLS:
            _region(axes, mask, name, plate.columns_mm, rows_mm)
    _frame(axes, plate, mm_a_unit)


def _region(
    axes: Axes, mask: np.ndarray, name: str, columns_mm: np.ndarray, rows_mm: np.ndarray
) -> None:
    """Outlines a region, and writes its name where it is widest."""
    padded = np.pad(mask, 1)
    x, y = (
        np.concatenate([[2 * at[0] - at[1]], at, [2 * at[-1] - at[-2]]])
        for at in (columns_mm, rows_mm)
    )
    axes.contour(
        x,
        y,
        padded.astype(np.float32),
        levels=[0.5],
        colors=["white"],
        linewidths=[1.2],
    )
    depth = ndimage.distance_transform_edt(padded)
    row, column = np.unravel_index(np.argmax(depth), depth.shape)
    axes.text(
        x[column],
        y[row],
        name,
        ha="center",
        va="center",
        fontsize=9,
        color="white",
        path_effects=[patheffects.withStroke(linewidth=2.5, foreground="black")],
    )


def _frame(axes: Axes, plate: FlatPlate, mm_a_unit: float) -> None:
    """Ticks in mm, or in degrees around the femur, and what lies at each side."""
    first, last, left, right = plate.edges
    step, sign = (
        (_TICKS_DEGREES, "°") if plate.row_unit == "degrees" else (_TICKS_MM, "")
    )
    low, high = (math.ceil(plate.rows[0] / step), math.floor(plate.rows[-1] / step))
    ticks = np.arange(low, high + 1) * step
    axes.set_yticks(ticks * mm_a_unit, [_signed(tick) + sign for tick in ticks])
    axes.xaxis.set_major_locator(mpl.ticker.MultipleLocator(_TICKS_MM))
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(f"{left}  ←  mm  →  {right}", fontsize=9)
    axes.set_ylabel(f"{last}  ←  {plate.row_unit}  →  {first}", fontsize=9)
    axes.set_title(_title(plate), fontsize=11, pad=20)
    axes.annotate(
        _areas(plate),
        (0.5, 1),
        (0, 7),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="center",
        fontsize=8,
        color=_GREY,
    )


def _title(plate: FlatPlate) -> str:
    words = places.described(plate.name).words
    return f"{words}, unrolled" if plate.row_unit == "degrees" else words


def _signed(number: float) -> str:
    return f"{number:g}".replace("-", "\N{MINUS SIGN}")


def _areas(plate: FlatPlate) -> str:
    """How much bone there is, and how much larger that is than what is shown of it."""
    area_mm2 = plate.area_mm2.sum()
    times = np.nanmean(plate.stretch)
    return f"{area_mm2 / 100:.1f} cm², {times:.2f} times the area shown"


def _scale(
    figure: Figure, size: tuple[float, float], below: float, paint: Paint
) -> None:
    """The bar of colours, and what other ones mean, so many inches up."""
    width, height = size
    bottom = (below + 0.55) / height
    bar = figure.add_axes((_LEFT / width, bottom, _SCALE_WIDTH / width, 0.16 / height))
    figure.colorbar(paint.scale, bar, orientation="horizontal", extend=paint.extend)
    bar.tick_params(labelsize=9)
    bar.set_xlabel(paint.label, fontsize=9)
    if paint.patches:
        figure.legend(
            handles=paint.patches,
            loc="center left",
            bbox_to_anchor=(
                (_LEFT + _SCALE_WIDTH + 0.3) / width,
                bottom + 0.08 / height,
            ),
            frameon=False,
            fontsize=9,
        )
