"""Measures over all subjects of a cohort: pure functions of two vectors.

Both hold one number a subject, in the same order: what was found, and the reference.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy  # its statistics are loaded where they are first used

from deepresolve.metrics import agreement, statistics

BIAS_MEANING = (
    "mean over subjects of estimate minus reference (Bland and Altman), in their unit; "
    "0 is best"
)
LIMIT_MEANING = (
    "95% limit of agreement (Bland and Altman): the bias less, or plus, "
    f"{statistics.LIMITS_OF_AGREEMENT_SDS} sample standard deviations of estimate "
    "minus reference, in their unit; no value for a single subject"
)
RMS_CV_MEANING = (
    "root mean square over subjects of the coefficient of variation of estimate and "
    "reference, from their sample standard deviation, as a share of their mean; 0 is "
    "best"
)
ACCURACY_MEANING = (
    "share of subjects whose class is that of the reference, from 0 to 1 (all)"
)
WEIGHTED_KAPPA_MEANING = (
    "agreement with the reference beyond that by chance, a difference of two classes "
    "weighing four times that of one (Cohen's quadratic weights); 1 is best, 0 is "
    "chance; no value where all subjects are of one class"
)
ROC_AUC_MEANING = (
    "area under the receiver operating characteristic: how often a subject that has "
    "what is looked for got a higher probability than one that has it not, ties "
    "counting half; from 0 to 1, 0.5 is chance; no value where all have it, or none has"
)


def bias(reference: Sequence[float], estimate: Sequence[float]) -> float:
    """Mean of estimate minus reference (Bland and Altman, Lancet 1986).

    Args:
      reference: one finite value per subject.
      estimate: values of the same subjects in the same order and unit.

    Raises:
      ValueError: lengths differ, there are no subjects, or a value is NaN or infinite.
    """
    return statistics.bland_altman(estimate, reference).bias


def lower_limit(reference: Sequence[float], estimate: Sequence[float]) -> float:
    """Lower 95% limit of agreement of estimate minus reference.

    Args:
      reference: one finite value per subject.
      estimate: values of the same subjects in the same order and unit.

    Returns:
      In the values' unit; NaN for a single subject.

    Raises:
      ValueError: lengths differ, there are no subjects, or a value is NaN or infinite.
    """
    return statistics.bland_altman(estimate, reference).lower


def upper_limit(reference: Sequence[float], estimate: Sequence[float]) -> float:
    """Upper 95% limit of agreement of estimate minus reference.

    Args:
      reference: one finite value per subject.
      estimate: values of the same subjects in the same order and unit.

    Returns:
      In the values' unit; NaN for a single subject.

    Raises:
      ValueError: lengths differ, there are no subjects, or a value is NaN or infinite.
    """
    return statistics.bland_altman(estimate, reference).upper


def rms_cv(reference: Sequence[float], estimate: Sequence[float]) -> float:
    """Root-mean-square coefficient of variation; see `statistics.rms_cv`.

    Args:
      reference: one value per subject, finite and not below 0.
      estimate: values of the same subjects in the same order and unit.

    Returns:
      A share of the mean, from 0 to sqrt(2).

    Raises:
      ValueError: lengths differ, there are no subjects, or a value is NaN, infinite or
        below 0.
    """
    return statistics.rms_cv(estimate, reference)


def accuracy(reference: Sequence[int], estimate: Sequence[int]) -> float:
    """Share of subjects that were given the class of the reference, from 0 to 1.

    Args:
      reference: number of each subject's class.
      estimate: number of the class that was found, in the same order.

    Raises:
      ValueError: lengths differ, there are no subjects, or numbers are not whole.
    """
    true, found = _classes("Accuracy", reference, estimate)
    return float(np.mean(true == found))


def weighted_kappa(reference: Sequence[int], estimate: Sequence[int]) -> float:
    """Quadratically weighted kappa (Cohen, Psychological Bulletin 1968;70:213).

    Args:
      reference: number of each subject's class, a grade.
      estimate: number of the class that was found, in the same order.

    Returns:
      At most 1; NaN where all are of one class, for then chance agrees throughout.

    Raises:
      ValueError: lengths differ, there are no subjects, or numbers are not whole.
    """
    true, found = _classes("Kappa", reference, estimate)
    ratings = np.stack([true, found], axis=1)
    one_case = [""] * len(ratings)  # so that no interval is looked for
    return agreement.kappa(
        ratings, one_case, np.unique(ratings).tolist(), power=2
    ).value


def _classes(
    what: str, reference: Sequence[int], estimate: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    true, found = np.asarray(reference), np.asarray(estimate)
    whole = all(np.issubdtype(array.dtype, np.integer) for array in (true, found))
    if true.ndim != 1 or true.shape != found.shape or not true.size or not whole:
        raise ValueError(
            f"{what} compares one whole number a subject, two vectors of one shape; "
            f"got {true.dtype} of {true.shape} and {found.dtype} of {found.shape}."
        )
    return true.astype(np.int64), found.astype(np.int64)


def roc_auc(
    reference: Sequence[bool] | np.ndarray, estimate: Sequence[float] | np.ndarray
) -> float:
    """Area under the receiver operating characteristic (Hanley, Radiology 1982).

    Args:
      reference: whether each subject has what is looked for.
      estimate: probability, or any score, of the same subjects in the same order.

    Returns:
      From 0 to 1: the share of pairs, one subject that has it and one that has not, in
      which the former scores higher; ties count half. NaN where there is no such pair.

    Raises:
      ValueError: lengths differ, there are no subjects, the reference is not boolean,
        or a score is NaN.
    """
    true, score = np.asarray(reference), np.asarray(estimate, dtype=np.float64)
    alike = true.ndim == 1 and true.shape == score.shape and true.size
    if not alike or true.dtype != bool or np.isnan(score).any():
        raise ValueError(
            "ROC AUC compares one boolean and one score a subject, two vectors of one "
            f"shape without NaN; got {true.dtype} of {true.shape} and scores "
            f"{score.tolist()}."
        )
    num_with, num_without = np.count_nonzero(true), np.count_nonzero(~true)
    if not num_with or not num_without:
        return float("nan")
    ranks = scipy.stats.rankdata(score)
    least = num_with * (num_with + 1) / 2
    return float((ranks[true].sum() - least) / (num_with * num_without))


def check_both_sides(
    reference: Sequence[bool] | np.ndarray, scores: Sequence[float] | np.ndarray
) -> None:
    """Sees that a curve can be drawn.

    Args:
      reference: whether each subject has what is looked for.
      scores: probability, or any score, of the same subjects in the same order.

    Raises:
      ValueError: as of `roc_auc`, or all have it, or none has.
    """
    if np.isnan(roc_auc(reference, scores)):
        raise ValueError(
            "A curve needs subjects that have what is looked for, and some that have "
            f"not; of {len(reference)} subjects all or none have it."
        )
