"""Change of a knee between two visits, beside what its numbers vary by anyway."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

# By place and quantity.
Key = tuple[str, str]
Numbers = Mapping[Key, float]


class Change(NamedTuple):
    """Of one number.

    Attributes:
      before: at the first visit; NaN where it had no such number.
      after: at the second; NaN where it had none.
      detectable: the smallest change that can be told from none; NaN where it is not
        known.
    """

    before: float
    after: float
    detectable: float

    @property
    def absolute(self) -> float:
        """What was gained, in the number's unit; NaN where a visit has none."""
        return self.after - self.before

    @property
    def percent(self) -> float:
        """What was gained, of what there was; NaN where that is not above 0."""
        return 100 * self.absolute / self.before if self.before > 0 else math.nan

    @property
    def is_detected(self) -> bool | None:
        """Whether it is larger than what repeats vary by; None: not known."""
        if math.isnan(self.detectable) or math.isnan(self.absolute):
            return None
        return abs(self.absolute) > self.detectable


def changes(before: Numbers, after: Numbers, detectable: Numbers) -> dict[Key, Change]:
    """Of all numbers that one of the visits has: what is lost is told, too.

    Args:
      before: of the first visit.
      after: of the second.
      detectable: the smallest changes that can be told from none, as far as known.
    """
    of_both = {
        key: (before.get(key, math.nan), after.get(key, math.nan))
        for key in (*before, *after)
    }
    return {
        key: Change(*numbers, detectable.get(key, math.nan))
        for key, numbers in of_both.items()
        if not all(map(math.isnan, numbers))
    }


def smallest_detectable(repeats: Sequence[Sequence[Numbers]]) -> dict[Key, float]:
    """The smallest change of each number that can be told from none, 95 times in 100.

    1.96 √2 times the root mean square of the standard deviations of knees that were
    measured repeatedly (Glüer, Osteoporos Int 1995;5:262).

    Args:
      repeats: of each knee, its numbers in each of two measurements or more.

    Returns:
      By place and quantity, of what each measurement of a knee has, of two knees or
      more.

    Raises:
      ValueError: a knee was measured once.
    """
    variances: dict[Key, list[float]] = {}
    for knee in repeats:
        if len(knee) < 2:
            raise ValueError("Repeats are two measurements of a knee or more; got one.")
        for key in set.intersection(*(set(numbers) for numbers in knee)):
            values = [numbers[key] for numbers in knee]
            if not np.isnan(values).any():
                variances.setdefault(key, []).append(float(np.var(values, ddof=1)))
    return {
        key: 1.96 * math.sqrt(2 * float(np.mean(of_knees)))
        for key, of_knees in variances.items()
        if len(of_knees) > 1
    }
