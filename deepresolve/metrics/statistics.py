"""Mean, spread, paired tests and agreement of a group of subjects."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy  # its statistics are loaded where they are first used

# One number a subject.
Values = Sequence[float] | np.ndarray

CONFIDENCE_LEVEL = 0.95
NUM_RESAMPLES = 9999
LIMITS_OF_AGREEMENT_SDS = 1.96  # of a normal distribution, 95% lie within


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


@dataclasses.dataclass(frozen=True)
class BlandAltman:
    """Agreement of two measurements of the same subjects.

    Attributes:
      n: number of pairs.
      bias: mean of a - b.
      sd: sample standard deviation of a - b; NaN for a single pair.
      lower: lower limit of agreement, bias - 1.96 sd.
      upper: upper limit of agreement, bias + 1.96 sd.
    """

    n: int
    bias: float
    sd: float
    lower: float
    upper: float


def mean_sd(values: Values) -> tuple[float, float]:
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


def wilcoxon(a: Values, b: Values) -> WilcoxonTest:
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
    differences = _differences(a, b)
    remaining = differences[differences != 0]
    statistic, p = scipy.stats.wilcoxon(remaining) if remaining.size else (0.0, 1.0)
    return WilcoxonTest(
        n=differences.size,
        num_zeros=differences.size - remaining.size,
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


def rank_biserial(a: Values, b: Values) -> float:
    """Matched-pairs rank-biserial correlation: the effect size of `wilcoxon`.

    The sum of the signed ranks of a - b over the sum of all ranks (Kerby,
    Comprehensive Psychology 2014). Pairs without a difference are left out, as they
    are from the test.

    Args:
      a: one value per subject; infinities are ranked like any other number.
      b: values of the same subjects in the same order.

    Returns:
      From -1 (a below b in every pair) to 1 (above it in every pair); 0 where no pair
      differs.

    Raises:
      ValueError: lengths differ, there are no pairs, or a value is NaN.
    """
    differences = _differences(a, b)
    remaining = differences[differences != 0]
    if not remaining.size:
        return 0.0
    ranks = scipy.stats.rankdata(np.abs(remaining))
    return float(np.sum(np.sign(remaining) * ranks) / np.sum(ranks))


def holm(p_values: Values) -> np.ndarray:
    """Adjusts the p of a family of tests (Holm, Scandinavian J. Statistics 1979).

    The smallest of m is multiplied by m, the next by m - 1, and so on; none ends below
    a smaller one before it, nor above 1. Rejecting where the adjusted p is below a
    level keeps the chance of any false rejection below that level, whether the tests
    depend on each other or not.

    Args:
      p_values: probabilities from 0 to 1, in any order; may be empty.

    Returns:
      Adjusted p, float64, in the same order.

    Raises:
      ValueError: a value is NaN or not from 0 to 1.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError(
            f"Holm's correction needs probabilities from 0 to 1; got {p.tolist()}."
        )
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def bootstrap_interval(values: Values, *, seed: int = 0) -> tuple[float, float]:
    """95% bootstrap interval of the mean, e.g. of paired differences.

    Bias-corrected and accelerated (BCa: Efron, JASA 1987), from 9,999 resamples of the
    subjects. With few of them, say below ten, it is somewhat too narrow, as every
    bootstrap is.

    Args:
      values: one finite value per subject.
      seed: of the resampling; the same seed gives the same interval.

    Returns:
      Its lower and upper end; both are the value itself where all values are equal,
      and NaN for a single value, which tells nothing of the spread.

    Raises:
      ValueError: there are no values, or one is NaN or infinite.
    """
    vector = _as_finite_vector(values)
    if vector.size == 1:
        return float("nan"), float("nan")
    origin, span = vector.min(), np.ptp(vector)
    if span == 0:
        return float(origin), float(origin)
    # The interval moves and stretches with the values; in units of their span even the
    # least difference is not lost in rounding.
    interval = scipy.stats.bootstrap(
        ((vector - origin) / span,),
        np.mean,
        n_resamples=NUM_RESAMPLES,
        confidence_level=CONFIDENCE_LEVEL,
        method="BCa",
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    return float(origin + span * interval.low), float(origin + span * interval.high)


def bland_altman(a: Values, b: Values) -> BlandAltman:
    """Bias and 95% limits of agreement of a - b (Bland and Altman, Lancet 1986).

    Args:
      a: one finite value per subject, e.g. estimated volumes.
      b: values of the same subjects in the same order, e.g. reference volumes.

    Raises:
      ValueError: lengths differ, there are no pairs, or a value is NaN or infinite.
    """
    differences = _differences(_as_finite_vector(a), _as_finite_vector(b))
    bias, sd = mean_sd(differences)
    spread = LIMITS_OF_AGREEMENT_SDS * sd
    return BlandAltman(differences.size, bias, sd, bias - spread, bias + spread)


def rms_cv(test: Values, repeat: Values) -> float:
    """Root-mean-square coefficient of variation of two measurements.

    A subject's coefficient is the sample standard deviation of its two values,
    |a - b| / sqrt(2), over their mean (Glüer et al., Osteoporosis International 1995).
    Tools that take the divisor n instead of n - 1 (MedSegPy, of the IWOAI challenge's
    authors) have |a - b| / 2 there: their numbers are smaller by sqrt(2).

    Args:
      test: one value per subject, finite and not below 0, e.g. volumes.
      repeat: the second measurement of the same subjects in the same order.

    Returns:
      A share of the mean: 0 for equal measurements; at most sqrt(2), where one of each
      pair is 0. Two zeros agree: they count as 0.

    Raises:
      ValueError: lengths differ, there are no pairs, or a value is NaN, infinite or
        below 0.
    """
    first, second = _as_finite_vector(test), _as_finite_vector(repeat)
    differences = _differences(first, second)
    if min(first.min(), second.min()) < 0:
        raise ValueError(
            "A coefficient of variation needs values not below 0; got "
            f"{first.tolist()} and {second.tolist()}."
        )
    variation = np.zeros_like(differences)
    np.divide(
        np.abs(differences) / np.sqrt(2),
        (first + second) / 2,
        out=variation,
        where=differences != 0,
    )
    return float(np.sqrt(np.mean(variation**2)))


def _differences(a: Values, b: Values) -> np.ndarray:
    """Paired differences a - b; 0 for equal values, infinite ones among them."""
    first, second = _as_vector(a), _as_vector(b)
    if first.size != second.size:
        raise ValueError(
            "Paired statistics need one value of each for every subject; got "
            f"{first.size} and {second.size} values."
        )
    differences = np.zeros_like(first)  # inf - inf would be NaN
    np.subtract(first, second, out=differences, where=first != second)
    return differences


def _as_finite_vector(values: Values) -> np.ndarray:
    vector = _as_vector(values)
    if not np.isfinite(vector).all():
        raise ValueError(f"Expected finite values; got {vector.tolist()}.")
    return vector


def _as_vector(values: Values) -> np.ndarray:
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1 or vector.size == 0 or np.isnan(vector).any():
        raise ValueError(
            "Statistics need at least one value per group and no NaN; got "
            f"{vector.tolist()}."
        )
    return vector
