"""A knee's measures as lines of a table: one for each place."""

from __future__ import annotations

import math

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


def rows(knee: KneeMeasures, fingerprint: str = "") -> tuple[Row, ...]:
    """Lines of a table of `KIND`; NaN where there is no such number.

    Args:
      knee: as it was measured.
      fingerprint: what the numbers follow from; "": not known.
    """
    return tuple(_row(knee, place, fingerprint) for place in knee.quantities)


def _row(knee: KneeMeasures, place: str, fingerprint: str) -> Row:
    of_place, ends = knee.quantities[place], knee.intervals.get(place, {})
    return (
        *(place, knee.side),
        *(of_place.get(column, math.nan) for column in COLUMNS),
        knee.weight_bearing,
        *(end for column in COLUMNS for end in ends.get(column, _UNKNOWN)),
        fingerprint,
    )
