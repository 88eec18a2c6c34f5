"""Measured knees beside what was measured of them before: a table of changes."""

from __future__ import annotations

import collections
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence

from deepresolve.prediction import scan_tables
from deepresolve.prediction.measured_map import TABLE
from deepresolve.prediction.scan_tables import NamedRow
from deepresolve.quantification.change import (
    Change,
    Key,
    changes,
    smallest_detectable,
)
from deepresolve.quantification.knee import COLUMNS, PLATES
from deepresolve.system import tables
from deepresolve.tasks.prediction import Cell, Row, TableKind

CHANGES = TableKind(
    "change",
    {
        "place": str,
        "quantity": str,
        "baseline": float,
        "follow_up": float,
        "change": float,
        "percent": float,
        "smallest_detectable": float,
        "detected": str,
    },
)
_DETECTED = {True: "yes", False: "no", None: ""}
# Told on the screen; the table has them all.
_TOLD = "ThCtAB_aMe"
_SIDE, _WEIGHT_BEARING = "side", "weight_bearing"

# Of a knee, lines of its table by place.
Measures = Mapping[str, Mapping[str, Cell]]


def read(path: pathlib.Path) -> dict[str, dict[str, dict[str, Cell]]]:
    """A table of measured knees: by knee, place and column.

    Raises:
      ValueError: there is no such table, or it is another.
    """
    if not path.exists():
        raise ValueError(
            f"There is no table {path}: write it with deepresolve measure."
        )
    found: dict[str, dict[str, dict[str, Cell]]] = {}
    for knee, *cells in scan_tables.read(path, TABLE):
        row = dict(zip(TABLE.columns, cells, strict=True))
        of_knee = found.setdefault(tables.normal(str(knee)), {})
        of_knee[str(row["place"])] = row
    return found


def detectable(path: pathlib.Path, weight_bearing: float) -> dict[Key, float]:
    """What repeats vary by: a table of knees that were scanned more than once.

    Args:
      path: a table in which the scans of one knee lie in a folder: "knee/first",
        "knee/second".
      weight_bearing: share of a condyle that its centre is to have.

    Raises:
      ValueError: it is no such table, has another share, or no two knees have repeats.
    """
    knees = collections.defaultdict(list)
    shares = set()
    for name, measures in read(path).items():
        knees[name.rpartition("/")[0]].append(_numbers(measures))
        shares |= {float(row[_WEIGHT_BEARING]) for row in measures.values()}
    if shares - {scan_tables.rounded(weight_bearing)}:
        told = " and ".join(map(str, sorted(shares)))
        raise ValueError(
            f"{path} was measured with --weight_bearing={told}, and this is "
            f"{weight_bearing}: measure the repeats again."
        )
    repeated = [scans for folder, scans in knees.items() if folder and len(scans) > 1]
    if len(repeated) < 2:
        raise ValueError(
            f"{path} has {len(repeated)} knees with repeats; expected two or more, "
            "each a folder of scans (knee/first, knee/second) that were measured."
        )
    return smallest_detectable(repeated)


def by_place(rows: Iterable[Row]) -> dict[str, dict[str, Cell]]:
    """Rows of `TABLE` of one knee, without its name, as `read` gives them.

    They are rounded as there: what did not change is the same to the last digit.
    """
    rounded = (map(scan_tables.rounded, row) for row in rows)
    named = (dict(zip(TABLE.columns, row, strict=True)) for row in rounded)
    return {str(row["place"]): row for row in named}


def rows(
    name: str, before: Measures, after: Measures, least: Mapping[Key, float]
) -> tuple[list[NamedRow], str]:
    """What changed of one knee: lines of the table, and a line for the screen.

    Args:
      name: of the knee.
      before: at the first visit, by place.
      after: at the second.
      least: the smallest changes that can be told from none.

    Raises:
      ValueError: another knee, or measured otherwise.
    """
    found = compared(name, before, after, least)
    lines: list[NamedRow] = [
        (
            *(name, *key, change.before, change.after, change.absolute),
            *(change.percent, change.detectable, _DETECTED[change.is_detected]),
        )
        for key, change in found.items()
    ]
    return lines, ", ".join(_summary(found))


def compared(
    name: str, before: Measures, after: Measures, least: Mapping[Key, float]
) -> dict[Key, Change]:
    """What changed of one knee, by place and quantity; see `rows`.

    Raises:
      ValueError: another knee, or measured otherwise.
    """
    for column, text in ((_SIDE, "knees"), (_WEIGHT_BEARING, "shares of a condyle")):
        values = [{str(row[column]) for row in of.values()} for of in (before, after)]
        if values[0] != values[1]:
            one, other = (" and ".join(sorted(of)) for of in values)
            raise ValueError(
                f"{name}: {column} was {one} and is {other}: different {text}."
            )
    return changes(_numbers(before), _numbers(after), least)


def _numbers(measures: Measures) -> dict[Key, float]:
    return {
        (place, column): float(row[column])
        for place, row in measures.items()
        for column in COLUMNS
        if not math.isnan(float(row[column]))
    }


def _summary(found: Mapping[Key, Change]) -> Iterable[str]:
    """Each plate: how much thicker, and whether that is more than repeats vary."""
    told: Sequence[str] = tuple(PLATES.values())
    for place in told:
        change = found.get((place, _TOLD))
        if change is None:
            continue
        if math.isnan(change.absolute):
            visit = "first" if math.isnan(change.before) else "second"
            yield f"{place} not measured at the {visit} visit"
            continue
        least = ""
        if change.is_detected is not None:
            sign = "beyond" if change.is_detected else "within"
            least = f", {sign} {change.detectable:.2f}"
        yield f"{place} {change.absolute:+.2f} mm ({change.percent:+.1f}%{least})"
