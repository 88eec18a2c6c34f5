"""Agreement of ratings: weighted Cohen's kappa and intraclass correlation.

Both are functions of sums over items, and an item belongs to a case. So a bootstrap
over cases needs no more than the sums of each case, weighted by how often the case was
drawn. Ratings are whole numbers: sums of them are exact, and "all alike" is told
without a tolerance.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from deepresolve.metrics import resampling


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A statistic and its interval.

    Attributes:
      value: NaN where it is not defined, as where all ratings are alike.
      low: lower end of the 95% bootstrap interval; NaN where there is none.
      high: upper end.
    """

    value: float
    low: float
    high: float


def kappa(
    ratings: np.ndarray,
    cases: Sequence[str],
    categories: Sequence[int],
    *,
    power: int,
    seed: int = 0,
) -> Estimate:
    """Weighted kappa of two raters (Cohen, Psychological Bulletin 1968).

    Disagreement weighs the difference of the two ratings to a power, over the whole
    range of categories, used or not.

    Args:
      ratings: (items, 2) whole numbers.
      cases: of each item; the bootstrap draws cases.
      categories: all that could be answered, in equal steps.
      power: 1 for linear weights, 2 for quadratic ones.
      seed: of the bootstrap.

    Returns:
      1 for agreement throughout, 0 for that by chance; not defined where both raters
      give every item the same one rating, for then chance agrees throughout, too.
    """
    possible = np.asarray(categories)
    chosen = ratings[:, :, None] == possible  # (items, raters, categories)
    differences = np.abs(ratings[:, 0] - ratings[:, 1]) ** power
    weights = np.abs(possible[:, None] - possible) ** power
    size = len(possible)
    sums = np.column_stack(
        [np.ones(len(ratings)), differences, chosen[:, 0], chosen[:, 1]]
    )

    def statistic(totals: np.ndarray) -> np.ndarray:
        items, observed = totals[..., 0], totals[..., 1]
        first, second = totals[..., 2 : 2 + size], totals[..., 2 + size :]
        by_chance = np.einsum("...i,ij,...j->...", first, weights, second)
        return 1 - _ratio(items * observed, by_chance)

    return _estimate(statistic, sums, cases, seed)


def icc(
    ratings: np.ndarray, cases: Sequence[str], *, average: bool = False, seed: int = 0
) -> Estimate:
    """Intraclass correlation, two-way random effects, absolute agreement.

    ICC(2,1) and ICC(2,k) of Shrout and Fleiss (Psychological Bulletin 1979): raters are
    a sample of those who might have rated; a rater who is always one higher disagrees.

    Args:
      ratings: (items, raters) whole numbers.
      cases: of each item; the bootstrap draws cases.
      average: ICC(2,k), of the mean of all raters, instead of ICC(2,1), of one.
      seed: of the bootstrap.

    Returns:
      At most 1; below 0 where raters agree less than by chance. Not defined for fewer
      than two items, or where all ratings are alike.
    """
    num_raters = ratings.shape[1]
    sums = np.column_stack(
        [
            np.ones(len(ratings)),
            np.sum(ratings**2, axis=1),
            np.sum(ratings, axis=1) ** 2,
            ratings,
        ]
    )

    def statistic(totals: np.ndarray) -> np.ndarray:
        single = _icc_single(totals, num_raters)
        if not average:
            return single
        # Spearman and Brown's step from one rater to the mean of all.
        return _ratio(num_raters * single, 1 + (num_raters - 1) * single)

    return _estimate(statistic, sums, cases, seed)


def _icc_single(totals: np.ndarray, num_raters: int) -> np.ndarray:
    """ICC(2,1) from mean squares, all of them times (items x raters): whole numbers."""
    items, squares, row_squares = totals[..., 0], totals[..., 1], totals[..., 2]
    columns = totals[..., 3:]
    correction = np.sum(columns, axis=-1) ** 2
    rows = items * row_squares - correction
    raters = num_raters * np.sum(columns**2, axis=-1) - correction
    error = items * num_raters * squares - correction - rows - raters
    between_items = _ratio(rows, items - 1)
    between_raters = raters / (num_raters - 1)
    residual = _ratio(error, (items - 1) * (num_raters - 1))
    return _ratio(
        between_items - residual,
        between_items
        + (num_raters - 1) * residual
        + num_raters * (between_raters - residual) / items,
    )


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """NaN instead of a division by zero."""
    above, below = np.broadcast_arrays(above, below)
    result = np.full(above.shape, np.nan)
    return np.divide(above, below, out=result, where=below != 0)


def _estimate(
    statistic: Callable[[np.ndarray], np.ndarray],
    sums: np.ndarray,
    cases: Sequence[str],
    seed: int,
) -> Estimate:
    """The statistic of all cases, and percentiles of that of cases drawn anew.

    Args:
      statistic: takes sums over items, (..., sums), and returns (...).
      sums: of each item, (items, sums).
      cases: of each item.
      seed: of the drawing.
    """
    names = sorted(set(cases))
    if not names:
        return Estimate(np.nan, np.nan, np.nan)
    of_case = np.zeros((len(names), sums.shape[1]))
    np.add.at(of_case, [names.index(case) for case in cases], sums)
    value = float(statistic(of_case.sum(axis=0)))
    if np.isnan(value) or len(names) < resampling.FEWEST_CASES:
        return Estimate(value, np.nan, np.nan)
    resampled = statistic(resampling.draws(len(names), seed) @ of_case)
    return Estimate(value, *resampling.percentiles(resampled))
