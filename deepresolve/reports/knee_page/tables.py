"""The numbers of a knee as rows of tables, with what is known of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from deepresolve.quantification import places
from deepresolve.quantification.change import Change, Key
from deepresolve.quantification.knee import KneeMeasures
from deepresolve.reports.number_text import number_text

NONE = "\N{EN DASH}"


# Mean thickness over all of the bone, mm.
PUBLISHED_MM = {
    **{"MT": 1.73, "LT": 2.09, "cMF": 1.86, "cLF": 1.77, "MFTC": 3.59, "LFTC": 3.86},
}
PUBLISHED_SOURCE = (
    "Published: means of 686 normal knees of the Framingham cohort, men and women "
    "together, in coronal MRI (Osteoarthritis Cartilage 2010;18:1275). Another "
    "sequence and another method: a guide, no limit of what is normal."
)

# By place and quantity, as `KneeMeasures.quantities`.
Intervals = Mapping[str, Mapping[str, tuple[float, float]]]


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
    """

    text: str
    interval: str = ""


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


class ChangedRow(NamedTuple):
    """One place at two visits.

    Attributes:
      name: in the OAI's tables.
      place: in words.
      visits: mean thickness at the first and at the second, mm.
      change: of it, mm.
      percent: of the first.
      least: the smallest change that can be told from none, mm.
      verdict: whether it is beyond that, in a word.
    """

    name: str
    place: places.Place
    visits: tuple[str, ...]
    change: str
    percent: str
    least: str
    verdict: str


_VERDICTS = {True: "beyond", False: "within", None: NONE}


def cartilage(knee: KneeMeasures, intervals: Intervals) -> list[list[Row]]:
    """A group of rows a plate, its regions below it; compartments last."""
    return [
        [_row(knee, name, CARTILAGE, intervals) for name in group]
        for group in _groups(knee)
    ]


def _groups(knee: KneeMeasures) -> list[list[str]]:
    """Names of a plate and its regions each; those of compartments last."""
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
    return [group for group in (*groups, places.in_order(others)) if group]


def menisci(knee: KneeMeasures, intervals: Intervals) -> list[Row]:
    """A row a meniscus."""
    names = [name for name, of in knee.quantities.items() if "coverage" in of]
    return [_row(knee, name, MENISCUS, intervals) for name in places.in_order(names)]


def changed(changes: Mapping[Key, Change]) -> list[list[ChangedRow]]:
    """A row a place whose mean thickness one of the visits has, grouped as `cartilage`.

    Args:
      changes: by place and quantity.
    """
    quantity = CARTILAGE[0].quantity
    names = places.in_order([name for name, of in changes if of == quantity])
    groups = [
        [name for name in names if places.plate_of(name) == plate]
        for plate in (*places.in_order([*places.BONES]), "")
    ]
    return [
        [_changed_row(name, changes[name, quantity]) for name in group]
        for group in groups
        if group
    ]


def _changed_row(name: str, of: Change) -> ChangedRow:
    form = CARTILAGE[0].form
    return ChangedRow(
        *(name, places.described(name)),
        tuple(_cell(mm, form, None).text for mm in (of.before, of.after)),
        _signed(of.absolute, 2),
        _signed(of.percent, 1),
        NONE if math.isnan(of.detectable) else f"{of.detectable:.2f}",
        _VERDICTS[of.is_detected],
    )


def _signed(number: float, digits: int) -> str:
    """With its sign; of what rounds to nothing that is +."""
    if math.isnan(number):
        return NONE
    return f"{round(number, digits) + 0.0:+.{digits}f}"


def _row(
    knee: KneeMeasures,
    name: str,
    columns: tuple[Column, ...],
    intervals: Intervals,
) -> Row:
    cells = tuple(
        _cell(
            knee.quantities[name].get(column.quantity, math.nan),
            column.form,
            intervals.get(name, {}).get(column.quantity),
        )
        for column in columns
    )
    published = PUBLISHED_MM.get(name)
    text = "" if published is None else f"{published:.2f}"
    return Row(name, places.described(name), cells, text)


def _cell(value: float, form: str, interval: tuple[float, float] | None) -> Cell:
    if math.isnan(value):
        return Cell(NONE)
    # An interval of which an end is not known is none.
    if interval is None or any(map(math.isnan, interval)):
        return Cell(number_text(value, form))
    return Cell(
        number_text(value, form), " to ".join(format(x, form) for x in interval)
    )
