"""A knee's measures as lines of two tables: one for each place, and one a knee.

What is known of the whole knee, such as what is noted of it, stands in a line of its
own: repeated in forty lines of numbers it would only be in the way.
"""

from __future__ import annotations

import math

from deepresolve import __version__
from deepresolve.quantification.knee import COLUMNS, KneeMeasures
from deepresolve.tasks.prediction import Row, TableKind

# Of each number, the ends of its interval.
_ENDS = tuple(f"{column}_{end}" for column in COLUMNS for end in ("low", "high"))
# "fingerprint" tells what the numbers follow from.
KIND = TableKind(
    "cartilage",
    {
        "place": str,
        "side": str,
        **dict.fromkeys(COLUMNS, float),
        "weight_bearing": float,
        **dict.fromkeys(_ENDS, float),
        "fingerprint": str,
    },
)
_UNKNOWN = (math.nan, math.nan)
KNEES = TableKind(
    "measured knees",
    {
        "side": str,
        "side_from": str,
        "weight_bearing": float,
        "plates": str,
        "without_bone": str,
        "regions_from": str,
        "intervals_from": str,
        "notes": str,
        "version": str,
        "fingerprint": str,
    },
)
_BETWEEN, _BETWEEN_NOTES = " ", " | "


def rows(knee: KneeMeasures, fingerprint: str = "") -> tuple[Row, ...]:
    """Lines of a table of `KIND`; NaN where there is no such number.

    Args:
      knee: as it was measured.
      fingerprint: what the numbers follow from; "": not known.
    """
    return tuple(_row(knee, place, fingerprint) for place in knee.quantities)


def about(knee: KneeMeasures, fingerprint: str) -> Row:
    """The line of a table of `KNEES`.

    Args:
      knee: as it was measured.
      fingerprint: what the numbers follow from.
    """
    return (
        *(knee.side, knee.side_from, knee.weight_bearing),
        *(_BETWEEN.join(knee.plates), _BETWEEN.join(knee.without_bone)),
        *(knee.regions_from, knee.intervals_from, _BETWEEN_NOTES.join(knee.notes)),
        *(__version__, fingerprint),
    )


def _row(knee: KneeMeasures, place: str, fingerprint: str) -> Row:
    of_place, ends = knee.quantities[place], knee.intervals.get(place, {})
    return (
        *(place, knee.side),
        *(of_place.get(column, math.nan) for column in COLUMNS),
        knee.weight_bearing,
        *(end for column in COLUMNS for end in ends.get(column, _UNKNOWN)),
        fingerprint,
    )
