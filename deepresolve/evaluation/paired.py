"""Paired values tested: whether they differ, by how much, and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepresolve.metrics import statistics
from deepresolve.metrics.statistics import Values

SIGNIFICANCE = 0.05


def compared(a: Values, b: Values) -> dict[str, Any]:
    """Whether paired values differ, and by how much.

    Args:
      a: one value per subject; infinities are ranked like any other number.
      b: values of the same subjects in the same order.

    Returns:
      The fields of `statistics.WilcoxonTest`; mean_difference (of a - b, in their unit)
      with the ends of its 95% bootstrap interval, interval_low and interval_high, NaN
      where a value is infinite; and effect_size, from -1 to 1.
    """
    return vars(statistics.wilcoxon(a, b)) | _sizes(a, b)


def _sizes(a: Values, b: Values) -> dict[str, float]:
    """How large the difference is; NaN where values are infinite."""
    low = high = mean = math.nan
    if np.isfinite(np.array([a, b])).all():
        differences = np.subtract(a, b)
        mean = float(np.mean(differences))
        low, high = statistics.bootstrap_interval(differences)
    return {
        "mean_difference": mean,
        "interval_low": low,
        "interval_high": high,
        "effect_size": statistics.rank_biserial(a, b),
    }


def with_holm(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Adds p_holm, corrected within each family."""
    for family in {row["family"] for row in rows}:
        own = [row for row in rows if row["family"] == family]
        corrected = statistics.holm([row["p"] for row in own])
        for row, p in zip(own, corrected, strict=True):
            row["p_holm"] = float(p)
    return rows


def least_corrected_p(tests: Sequence[Mapping[str, Any]], family: str) -> float:
    """What a family's smallest corrected p is at least, with so few subjects."""
    own = [test for test in tests if test["family"] == family]
    return min(1.0, len(own) * min(statistics.smallest_p(test["n"]) for test in own))
