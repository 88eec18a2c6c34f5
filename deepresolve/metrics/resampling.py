"""Cases drawn anew with what belongs to each, for bootstraps over cases."""

from __future__ import annotations

import functools

import numpy as np

from deepresolve.metrics.statistics import CONFIDENCE_LEVEL, NUM_RESAMPLES

# An interval is given where the statistic exists in at least this share of resamples.
_DEFINED_SHARE = 0.95
# Draws of fewer cases say more of the drawing than of what is measured, and agree the
# more the fewer there are; ours.
FEWEST_CASES = 6


@functools.lru_cache(maxsize=2)
def draws(num_cases: int, seed: int) -> np.ndarray:
    """How often each case is in each resample.

    Args:
      num_cases: as many are drawn, each time from all of them.
      seed: of the drawing.

    Returns:
      (resamples, cases) float64, whole numbers.
    """
    shares = np.full(num_cases, 1 / num_cases)
    random = np.random.default_rng(seed)
    return random.multinomial(num_cases, shares, NUM_RESAMPLES).astype(np.float64)


def percentiles(resampled: np.ndarray) -> tuple[float, float]:
    """Lower and upper end of the 95% bootstrap interval (percentiles).

    Args:
      resampled: (resamples,) the statistic in each; NaN where it does not exist.

    Returns:
      NaN, both, where it exists in fewer than 95% of the resamples.
    """
    defined = resampled[~np.isnan(resampled)]
    if len(defined) < _DEFINED_SHARE * NUM_RESAMPLES:
        return float("nan"), float("nan")
    outside = (1 - CONFIDENCE_LEVEL) / 2
    low, high = np.quantile(defined, (outside, 1 - outside))
    return float(low), float(high)
