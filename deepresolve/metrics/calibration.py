"""Whether probabilities are what they say: of those with 70%, seven in ten have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from deepresolve.metrics.roc import Reference, Scores, Share, share

BRIER_MEANING = (
    "mean squared difference of the probability and what is true, 1 or 0 (Brier); from "
    "0 to 1, 0 is best, 0.25 is what one half for everyone gives"
)


class Bin(NamedTuple):
    """Subjects whose probabilities lie near each other.

    Attributes:
      said: mean of their probabilities.
      seen: share of them that has what is looked for.
      num_subjects: how many they are, at least 1.
    """

    said: float
    seen: Share
    num_subjects: int


def brier(reference: Reference, estimate: Scores) -> float:
    """Mean squared error of probabilities (Brier, Monthly Weather Review 1950;78:1).

    Args:
      reference: whether each subject has what is looked for.
      estimate: probability of it, of the same subjects in the same order.

    Returns:
      From 0 to 1; 0 is best.

    Raises:
      ValueError: lengths differ, there are no subjects, the reference is not boolean,
        or a probability is not from 0 to 1.
    """
    true, probability = _checked(reference, estimate)
    return float(np.mean((probability - true) ** 2))


def reliability(
    reference: Reference, estimate: Scores, *, num_bins: int = 10
) -> list[Bin]:
    """What was said beside what was seen, in bins of equal width.

    Args:
      reference: whether each subject has what is looked for.
      estimate: probability of it, of the same subjects in the same order.
      num_bins: between 0 and 1; those without a subject are left out.

    Raises:
      ValueError: as of `brier`.
    """
    true, probability = _checked(reference, estimate)
    number = np.minimum((probability * num_bins).astype(int), num_bins - 1)
    members = [number == n for n in range(num_bins)]
    return [
        Bin(
            float(probability[mask].mean()),
            share(int(np.sum(true[mask])), int(np.sum(mask))),
            int(np.sum(mask)),
        )
        for mask in members
        if mask.any()
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Mean distance of what was said and seen (Naeini, AAAI 2015: ECE), 0 to 1.

    Args:
      bins: of `reliability`, one at least; each counts by its subjects.
    """
    distances = [abs(of.said - of.seen.value) for of in bins]
    return float(np.average(distances, weights=[of.num_subjects for of in bins]))


def _checked(reference: Reference, estimate: Scores) -> tuple[np.ndarray, np.ndarray]:
    true, probability = np.asarray(reference), np.asarray(estimate, np.float64)
    within = np.all((probability >= 0) & (probability <= 1))
    alike = true.ndim == 1 and true.shape == probability.shape and true.size
    if not alike or true.dtype != bool or not within:
        raise ValueError(
            "Calibration compares one boolean and one probability, 0 to 1, a subject, "
            f"two vectors of one shape; got {true.dtype} of {true.shape} and "
            f"{probability.tolist()}."
        )
    return true, probability
