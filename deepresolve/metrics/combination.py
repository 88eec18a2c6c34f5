"""Probabilities of several networks, or planes, made into one by logistic regression.

MRNet combines its three series so (Bien, PLoS Med 2018;15:e1002699, Methods). The
regression on logits is ours: a single plane whose probabilities are what they say then
keeps them, with a slope of 1 and an intercept of 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from sklearn.linear_model import LogisticRegression

# A probability is taken for at least this, and for at most 1 less this: logits of 0 and
# 1 are infinite. A float32 below 1 is no nearer to it.
_SMALLEST = 1e-7
_MOST_STEPS = 1000


class Weights(NamedTuple):
    """What a combination is made of.

    Attributes:
      intercept: the logit where all probabilities are one half.
      slopes: of the logit of each probability.
    """

    intercept: float
    slopes: tuple[float, ...]


def fit(reference: np.ndarray, probabilities: np.ndarray) -> Weights:
    """Weights of logits, by scikit-learn's `LogisticRegression`.

    With its own penalty on the squares of the slopes (C = 1), which also keeps them
    finite where a plane tells all exams apart.

    Args:
      reference: (n,) bool, whether each exam has what is looked for.
      probabilities: (n, planes) of the same exams, 0 to 1.

    Raises:
      ValueError: all exams have it, or none has.
    """
    if len(np.unique(reference)) < 2:
        raise ValueError(
            "A combination is learned from exams that have what is looked for, and "
            f"others that have not; of {len(reference)} all or none have it."
        )
    found = LogisticRegression(max_iter=_MOST_STEPS)
    found.fit(_logits(probabilities), reference)
    return Weights(float(found.intercept_[0]), tuple(map(float, found.coef_[0])))


def combined(probabilities: np.ndarray, weights: Weights) -> np.ndarray:
    """One probability of each exam.

    Args:
      probabilities: (n, planes), 0 to 1, in the order of the slopes.
      weights: of `fit`.

    Returns:
      (n,) float64.
    """
    logit = weights.intercept + _logits(probabilities) @ np.array(weights.slopes)
    return scipy.special.expit(logit)


def _logits(probabilities: np.ndarray) -> np.ndarray:
    within = np.clip(np.asarray(probabilities, np.float64), _SMALLEST, 1 - _SMALLEST)
    return scipy.special.logit(within)
