"""Mean, spread and the paired test of a group of subjects."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import stats


@dataclasses.dataclass(frozen=True)
class WilcoxonTest:
    """A two-sided Wilcoxon signed-rank test of paired values.

    Attributes:
      n: number of pairs.
      num_zeros: pairs without a difference, which the test leaves out.
      statistic: the smaller of the two sums of signed ranks.
      p: two-sided probability of a statistic as small or smaller.
      median_difference: median of a - b over all pairs.
      num_higher: pairs in which a is above b.
    """

    n: int
    num_zeros: int
    statistic: float
    p: float
    median_difference: float
    num_higher: int


def mean_sd(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation (divisor n - 1).

    Nothing is left out: one infinite value (the pSNR of an identical volume) makes the
    mean infinite and the standard deviation undefined.

    Returns:
      Both as float; the standard deviation is NaN for a single value.

    Raises:
      ValueError: there are no values, or one is NaN.
    """
    array = _as_vector(values)
    if array.size == 1 or not np.isfinite(array).all():
        return float(np.mean(array)), float("nan")
    return float(np.mean(array)), float(np.std(array, ddof=1))


def wilcoxon(a: Sequence[float], b: Sequence[float]) -> WilcoxonTest:
    """Tests whether paired values differ (Wilcoxon, Biometrics Bulletin 1945).

    Pairs without a difference are left out, as Wilcoxon did. SciPy gives the exact p
    for at most 50 remaining pairs whose absolute differences all differ, and chooses
    a permutation or the normal approximation otherwise.

    Args:
      a: one value per subject; infinities are ranked like any other number.
      b: values of the same subjects in the same order.

    Returns:
      The test; p = 1 and statistic = 0 where no pair differs.

    Raises:
      ValueError: lengths differ, there are no pairs, or a value is NaN.
    """
    first, second = _as_vector(a), _as_vector(b)
    if first.size != second.size:
        raise ValueError(
            f"A paired test needs one value of each for every subject; got "
            f"{first.size} and {second.size} values."
        )
    differences = np.zeros_like(first)  # inf - inf would be NaN: equal means 0
    np.subtract(first, second, out=differences, where=first != second)
    remaining = differences[differences != 0]
    statistic, p = stats.wilcoxon(remaining) if remaining.size else (0.0, 1.0)
    return WilcoxonTest(
        n=first.size,
        num_zeros=first.size - remaining.size,
        statistic=float(statistic),
        p=float(p),
        median_difference=float(np.median(differences)),
        num_higher=int(np.count_nonzero(differences > 0)),
    )


def smallest_p(n: int) -> float:
    """The least two-sided exact p that a signed-rank test of n pairs can give.

    All n differences with one sign is one of 2^n equally likely cases, on either side.
    """
    return min(1.0, 2.0 ** (1 - n))


def _as_vector(values: Sequence[float]) -> np.ndarray:
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1 or vector.size == 0 or np.isnan(vector).any():
        raise ValueError(
            "Statistics need at least one value per group and no NaN; got "
            f"{vector.tolist()}."
        )
    return vector
