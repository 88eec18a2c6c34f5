"""How many of those that a threshold finds have it, over how many are found.

What a ROC curve does not show where few have what is looked for (Saito, PLoS ONE
2015;10:e0118432): chance is their share, not one half.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn import metrics

from deepresolve.metrics import resampling
from deepresolve.metrics.cohort import check_both_sides, roc_auc
from deepresolve.metrics.roc import Reference, Scores, Share

# Resamples at once, so that thousands of subjects fit into memory.
_AT_ONCE = 500


class Curve(NamedTuple):
    """Precision over recall, from the highest threshold to the lowest.

    Attributes:
      recall: (n,) float64, the sensitivity, rising from 0 to 1.
      precision: (n,) float64, the share of those found that have it; 1 at recall 0.
    """

    recall: np.ndarray
    precision: np.ndarray


def curve(reference: Reference, scores: Scores) -> Curve:
    """Precision and recall at each score that occurs, by scikit-learn.

    Args:
      reference: whether each subject has what is looked for; some have, some have not.
      scores: probability, or any score, of the same subjects in the same order.

    Raises:
      ValueError: as of `cohort.roc_auc`, or all have it, or none has.
    """
    check_both_sides(reference, scores)
    precision, recall, _ = metrics.precision_recall_curve(reference, scores)
    return Curve(recall[::-1], precision[::-1])


def average_precision(
    reference: Reference,
    scores: Scores,
    people: Sequence[str] | None = None,
    *,
    seed: int = 0,
) -> Share:
    """Mean precision, each step of recall by its height, by scikit-learn.

    Its interval has the percentiles of 9,999 resamples of people, each with all that
    is of them.

    Args:
      reference: whether each subject has what is looked for.
      scores: probability, or any score, of the same subjects in the same order.
      people: whom each subject is of; None: each is a person.
      seed: of the bootstrap.

    Returns:
      From 0 to 1, the share of those that have it being chance; without an interval
      where it is 1, of which no resample tells, and of fewer than 6 people. NaN where
      all have it, or none has.

    Raises:
      ValueError: as of `cohort.roc_auc`.
    """
    if math.isnan(roc_auc(reference, scores)):
        return Share(math.nan, math.nan, math.nan)
    true, score = np.asarray(reference), np.asarray(scores, np.float64)
    value = float(metrics.average_precision_score(true, score))
    names = np.arange(len(true)) if people is None else np.asarray(people)
    person = np.unique(names, return_inverse=True)[1]
    if value == 1 or person.max() + 1 < resampling.FEWEST_CASES:
        return Share(value, math.nan, math.nan)
    drawn = resampling.draws(int(person.max()) + 1, seed)
    resampled = [
        weighted(true, score, drawn[start : start + _AT_ONCE, person])
        for start in range(0, len(drawn), _AT_ONCE)
    ]
    return Share(value, *resampling.percentiles(np.concatenate(resampled)))


def weighted(
    reference: np.ndarray, scores: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Average precision of the same subjects, weighted anew each time.

    As scikit-learn's with `sample_weight`, of thousands of weightings at once.

    Args:
      reference: (n,) bool.
      scores: (n,) float64.
      weights: (weightings, n) float64, from 0 on.

    Returns:
      (weightings,) float64; NaN where nobody of weight has what is looked for.
    """
    order = np.argsort(-scores, kind="stable")
    # The last one of each score: those of one score are found together.
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    found = np.cumsum(weights[:, order], axis=1)[:, last]
    right = np.cumsum(weights[:, order] * reference[order], axis=1)[:, last]
    precision = np.divide(right, found, out=np.zeros_like(right), where=found > 0)
    total = np.sum(precision * np.diff(right, axis=1, prepend=0), axis=1)
    of_all = right[:, -1]
    return np.divide(total, of_all, out=np.full_like(of_all, np.nan), where=of_all > 0)
