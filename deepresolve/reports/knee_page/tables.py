"""The numbers of a knee as rows of tables, with what is known of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from deepresolve.quantification.knee import KneeMeasures
from deepresolve.reports.knee_page import places
from deepresolve.reports.number_text import number_text

NONE = "\N{EN DASH}"


class Change(NamedTuple):
    """How far a number is from that of an earlier scan.

    Attributes:
      value: this one less the earlier one.
      smallest_detectable: what repeated scans differ by in one of twenty knees.
    """

    value: float
    smallest_detectable: float


# By place and quantity, as `KneeMeasures.quantities`.
Intervals = Mapping[str, Mapping[str, tuple[float, float]]]
Changes = Mapping[str, Mapping[str, Change]]


class Column(NamedTuple):
    """One column of a table.

    Attributes:
      quantity: its name in `KneeMeasures.quantities`.
      words: how it is headed.
      unit: of its numbers.
      form: how they are printed.
    """

    quantity: str
    words: str
    unit: str
    form: str


CARTILAGE = (
    Column("ThCtAB_aMe", "Thickness", "mm", ".2f"),
    Column("tAB", "Bone area", "cm²", ".2f"),
    Column("dABp", "Denuded", "%", ".1f"),
    Column("VC", "Volume", "mm³", ".0f"),
)
MENISCUS = (
    Column("VC", "Volume", "mm³", ".0f"),
    Column("coverage", "Of the plate covered", "%", ".1f"),
    Column("extrusion", "Extrusion", "mm", ".1f"),
)


class Cell(NamedTuple):
    """A number in words.

    Attributes:
      text: itself.
      interval: "1.60 to 1.86", or "".
      change: "-0.12", from an earlier scan, or "".
      detectable: "0.10", the smallest change that can be told from none, or "".
      is_beyond: whether the change is larger.
    """

    text: str
    interval: str = ""
    change: str = ""
    detectable: str = ""
    is_beyond: bool = False


class Row(NamedTuple):
    """One place.

    Attributes:
      name: in the OAI's tables.
      place: in words.
      cells: one a column.
      published: mean thickness of normal knees, or "".
    """

    name: str
    place: places.Place
    cells: tuple[Cell, ...]
    published: str


def cartilage(
    knee: KneeMeasures, intervals: Intervals, changes: Changes
) -> list[list[Row]]:
    """A group of rows a plate, its regions below it; compartments last."""
    groups = []
    taken: set[str] = set()
    for plate in places.in_order(list(knee.plates)):
        own = [name for name, (of, _) in knee.regions.items() if of == plate]
        groups.append([plate, *places.in_order(own)])
        taken.update(groups[-1])
    others = [
        name
        for name, numbers in knee.quantities.items()
        if name not in taken and "coverage" not in numbers
    ]
    groups.append(places.in_order(others))
    return [
        [_row(knee, name, CARTILAGE, intervals, changes) for name in group]
        for group in groups
        if group
    ]


def menisci(knee: KneeMeasures, intervals: Intervals, changes: Changes) -> list[Row]:
    """A row a meniscus."""
    names = [name for name, of in knee.quantities.items() if "coverage" in of]
    return [
        _row(knee, name, MENISCUS, intervals, changes)
        for name in places.in_order(names)
    ]


def _row(
    knee: KneeMeasures,
    name: str,
    columns: tuple[Column, ...],
    intervals: Intervals,
    changes: Changes,
) -> Row:
    cells = tuple(
        _cell(
            knee.quantities[name].get(column.quantity, math.nan),
            column.form,
            intervals.get(name, {}).get(column.quantity),
            changes.get(name, {}).get(column.quantity),
        )
        for column in columns
    )
    published = places.PUBLISHED_MM.get(name)
    text = "" if published is None else f"{published:.2f}"
    return Row(name, places.described(name), cells, text)


def _cell(
    value: float, form: str, interval: tuple[float, float] | None, change: Change | None
) -> Cell:
    if math.isnan(value):
        return Cell(NONE)
    between = "" if interval is None else " to ".join(format(x, form) for x in interval)
    if change is None:
        return Cell(number_text(value, form), between)
    return Cell(
        number_text(value, form),
        between,
        format(change.value, f"+{form}"),
        format(change.smallest_detectable, form),
        abs(change.value) > change.smallest_detectable,
    )
