"""Numbers in files as exactly as they are known, decided in this one place.

3730.8531484566624 mm³ of cartilage says that it is known to an atom; the voxels that
were counted, and how a network errs, say 3730.9. What a program may go on with keeps
one digit more than tables print, so that tables can be made of it again; small numbers
keep four significant digits.
"""

from __future__ import annotations

import math

_LEAST_SIGNIFICANT = 4

# Decimals of what has a unit of its own.
MM3 = 1
SECONDS = 2
# Of everything else, digits in all: p-values, effect sizes, standard deviations.
SIGNIFICANT = 6


def to_decimals(value: float, decimals: int) -> float:
    """A number with so many decimals; more where it would keep fewer than four digits.

    Args:
      value: NaN and infinity stay what they are.
      decimals: digits after the point.
    """
    if value == 0 or not math.isfinite(value):
        return value
    first = math.floor(math.log10(abs(value)))  # place of the first digit
    return round(value, max(decimals, _LEAST_SIGNIFICANT - 1 - first))


def to_significant(value: float) -> float:
    """A number with `SIGNIFICANT` digits."""
    return float(f"{value:.{SIGNIFICANT}g}")


def mm3(value: float) -> float:
    """A volume to 0.1 mm³, about a voxel of a knee scan."""
    return to_decimals(float(value), MM3)
