"""How well scores tell subjects that have something from those that have not.

The area under the receiver operating characteristic (`cohort.roc_auc`) with an
interval, two networks beside each other, and what a threshold makes of scores. A
threshold that is chosen on the scores it is tried on flatters them: choose it on others
(validation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy  # its statistics are loaded where they are first used

from deepresolve.metrics.cohort import check_both_sides, roc_auc
from deepresolve.metrics.statistics import CONFIDENCE_LEVEL

# Above it lies half of what an interval leaves out.
_UPPER = (1 + CONFIDENCE_LEVEL) / 2

Reference = Sequence[bool] | np.ndarray
Scores = Sequence[float] | np.ndarray


class Share(NamedTuple):
    """A share of subjects, or an area, from 0 to 1.

    Attributes:
      value: NaN where there is no subject to have a share of.
      low: lower end of its 95% interval; NaN where there is none.
      high: upper end.
    """

    value: float
    low: float
    high: float


class Curve(NamedTuple):
    """A receiver operating characteristic, from (0, 0) to (1, 1).

    Attributes:
      false_positive: (n,) float64, 1 - specificity, rising.
      sensitivity: (n,) float64, rising.
      thresholds: (n,) float64: a subject counts as positive from this score on; the
        first one, which nobody reaches, is infinite.
    """

    false_positive: np.ndarray
    sensitivity: np.ndarray
    thresholds: np.ndarray


class AreaTest(NamedTuple):
    """Two areas of the same subjects, compared.

    Attributes:
      difference: the first area minus the second.
      low: lower end of its 95% interval.
      high: upper end.
      p: two-sided probability of a difference as large where there is none.
    """

    difference: float
    low: float
    high: float
    p: float


def area(
    reference: Reference, scores: Scores, people: Sequence[str] | None = None
) -> Share:
    """Area under the curve, with DeLong's interval (Biometrics 1988;44:837).

    The interval is that of the area's logit, which stays between 0 and 1 and holds the
    truth more often where areas are large (Pepe, 2003, 5.2.5; Qin, Stat Methods Med
    Res 2008;17:207). Where several subjects are of one person, the variance is that of
    people (Obuchowski, Biometrics 1997;53:567), which is DeLong's where none are.

    Args:
      reference: whether each subject has what is looked for.
      scores: probability, or any score, of the same subjects in the same order.
      people: whom each subject is of; None: each is a person.

    Returns:
      The area; without an interval where it is 0 or 1, which no variance tells of, and
      where one side is of a single person. NaN where all have it, or none has.

    Raises:
      ValueError: as of `cohort.roc_auc`.
    """
    value = roc_auc(reference, scores)
    true, score = np.asarray(reference), np.atleast_2d(scores)
    variance = float(_covariance(true, score, people)[0, 0])
    if not 0 < value < 1 or not variance > 0:
        return Share(value, math.nan, math.nan)
    reach = _quantile() * math.sqrt(variance) / (value * (1 - value))
    logit = scipy.special.logit(value)
    low, high = scipy.special.expit([logit - reach, logit + reach])
    return Share(value, float(low), float(high))


def area_test(
    reference: Reference,
    first: Scores,
    second: Scores,
    people: Sequence[str] | None = None,
) -> AreaTest:
    """DeLong's test of two scores of the same subjects (Biometrics 1988;44:837).

    Where several subjects are of one person, Obuchowski's (Biometrics 1997;53:567).

    Args:
      reference: whether each subject has what is looked for; some have, some have not.
      first: scores of one network.
      second: scores of the other one, of the same subjects in the same order.
      people: whom each subject is of; None: each is a person.

    Returns:
      The test; p = 1 where the scores order subjects alike, for then nothing differs.

    Raises:
      ValueError: as of `cohort.roc_auc`; or one side is of a single person, of which
        no variance can be told.
    """
    difference = roc_auc(reference, first) - roc_auc(reference, second)
    scores = np.array([first, second])
    covariance = _covariance(np.asarray(reference), scores, people)
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if math.isnan(variance):
        raise ValueError(
            "DeLong's test needs two people or more with what is looked for, and two "
            "without."
        )
    # Of curves that are one, rounding alone is left.
    if variance < np.finfo(np.float64).eps:
        return AreaTest(difference, difference, difference, float(difference == 0))
    deviation = math.sqrt(variance)
    reach = _quantile() * deviation
    p = 2 * float(scipy.stats.norm.sf(abs(difference) / deviation))
    return AreaTest(difference, difference - reach, difference + reach, p)


def _covariance(
    reference: np.ndarray, scores: np.ndarray, people: Sequence[str] | None
) -> np.ndarray:
    """Covariance of areas (Obuchowski 1997, section 2), DeLong's of single subjects.

    Args:
      reference: (n,) bool.
      scores: (networks, n).
      people: whom each subject is of; None: each is a person.

    Returns:
      (networks, networks); NaN where one side is of a single person.
    """
    names = np.arange(len(reference)) if people is None else np.asarray(people)
    person = np.unique(names, return_inverse=True)[1]
    whom = person[reference], person[~reference]
    num_people = [len(np.unique(side)) for side in whom]
    if min(num_people) < 2:
        return np.full((len(scores), len(scores)), np.nan)
    # (networks, people): how far those of a person lie from the mean, together.
    with_it, without = (
        np.array(
            [
                np.bincount(side, row, person.max() + 1)
                for row in of - of.mean(1, keepdims=True)
            ]
        )
        / len(side)
        for side, of in zip(whom, _placements(reference, scores), strict=True)
    )
    across = with_it @ without.T
    return (
        _unbiased(num_people[0]) * with_it @ with_it.T
        + _unbiased(num_people[1]) * without @ without.T
        + _unbiased(person.max() + 1) * (across + across.T)
    )


def _unbiased(count: int) -> float:
    return count / (count - 1)


def _placements(
    reference: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of each subject the share of the other side that it is on the right side of.

    By ranks (Sun, IEEE Signal Process Lett 2014), ties half.

    Returns:
      (networks, with) and (networks, without).
    """
    sides = scores[:, reference], scores[:, ~reference]
    num_with, num_without = (side.shape[1] for side in sides)
    ranked = scipy.stats.rankdata
    among_all = ranked(np.concatenate(sides, axis=1), axis=1)
    of_with = (among_all[:, :num_with] - ranked(sides[0], axis=1)) / num_without
    of_without = 1 - (among_all[:, num_with:] - ranked(sides[1], axis=1)) / num_with
    return of_with, of_without


def curve(reference: Reference, scores: Scores) -> Curve:
    """The receiver operating characteristic: a point for each score that occurs.

    Args:
      reference: whether each subject has what is looked for; some have, some have not.
      scores: probability, or any score, of the same subjects in the same order.

    Raises:
      ValueError: as of `cohort.roc_auc`, or all have it, or none has.
    """
    check_both_sides(reference, scores)
    true, score = np.asarray(reference), np.asarray(scores, np.float64)
    thresholds = np.unique(score)[::-1]
    return Curve(
        np.concatenate([[0.0], _reaching(score[~true], thresholds)]),
        np.concatenate([[0.0], _reaching(score[true], thresholds)]),
        np.concatenate([[np.inf], thresholds]),
    )


def _reaching(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Share of scores that are at each threshold or above it."""
    return 1 - np.searchsorted(np.sort(scores), thresholds) / len(scores)


def youden_threshold(reference: Reference, scores: Scores) -> float:
    """The score from which on subjects count as positive (Youden, Cancer 1950;3:32).

    Where sensitivity + specificity is highest; of several such ones the highest score,
    half-way to the next lower one, so that scores which differ a little stay on their
    side. Choose it on the validation subjects, never on those it is tried on.

    Args:
      reference: whether each subject has what is looked for; some have, some have not.
      scores: probability, or any score, of the same subjects in the same order.

    Raises:
      ValueError: as of `cohort.roc_auc`, or all have it, or none has.
    """
    found = curve(reference, scores)
    # The first point, of a threshold that nobody reaches, is no choice.
    best = 1 + int(np.argmax((found.sensitivity - found.false_positive)[1:]))
    return float(np.mean(found.thresholds[best : best + 2]))


def sensitivity(
    reference: Reference,
    scores: Scores,
    threshold: float,
    people: Sequence[str] | None = None,
) -> Share:
    """Share of those who have it that score from the threshold on.

    Args:
      reference: (n,) bool.
      scores: of the same subjects in the same order.
      threshold: chosen on other subjects; see `youden_threshold`.
      people: whom each subject is of, for the interval (`share_by_person`); None: each
        is a person.
    """
    true, reached = np.asarray(reference), np.asarray(scores) >= threshold
    return share_by_person(reached[true], _among(people, true))


def specificity(
    reference: Reference,
    scores: Scores,
    threshold: float,
    people: Sequence[str] | None = None,
) -> Share:
    """Share of those who have it not that score below the threshold.

    Args:
      reference: (n,) bool.
      scores: of the same subjects in the same order.
      threshold: chosen on other subjects; see `youden_threshold`.
      people: as of `sensitivity`.
    """
    true, reached = np.asarray(reference), np.asarray(scores) >= threshold
    return share_by_person(~reached[~true], _among(people, ~true))


def _among(people: Sequence[str] | None, chosen: np.ndarray) -> np.ndarray | None:
    return None if people is None else np.asarray(people)[chosen]


def share_by_person(
    has_it: np.ndarray, people: Sequence[str] | np.ndarray | None = None
) -> Share:
    """A share of subjects, of whom several may be of one person.

    These are alike, so they tell as much as fewer would that are not: Wilson's interval
    of as many as the variance between people leaves (Rao and Scott, Biometrics
    1992;48:577), fewer where that is known of few people (Korn and Graubard, Survey
    Methodology 1998;24:193), never more than there are. Where all subjects or none have
    it, and so no variance is known: of as many as there are people.

    Args:
      has_it: (n,) bool.
      people: whom each subject is of; None: each is a person.

    Returns:
      NaN without a subject; without an interval where several are all of one person.
    """
    count, of = int(np.sum(has_it)), len(has_it)
    names = np.arange(of) if people is None else people
    _, whom = np.unique(names, return_inverse=True)
    num_people = len(np.bincount(whom))
    if num_people == of:
        return share(count, of)
    value = count / of
    if num_people == 1:
        return Share(value, math.nan, math.nan)
    if count in (0, of):
        return share(num_people if count else 0, num_people)
    aside = np.bincount(whom, np.asarray(has_it) - value)  # of each person, together
    variance = _unbiased(num_people) * float(np.sum(aside**2)) / of**2
    of_strangers = value * (1 - value) / of
    known = (_quantile_of_few(of - 1) / _quantile_of_few(num_people - 1)) ** 2
    alike = max(variance / of_strangers, 1.0)
    return _wilson(value, of * known / alike)


def share(count: int, of: int) -> Share:
    """A share with Wilson's 95% interval; NaN where there is nothing to share.

    Args:
      count: how many.
      of: of how many.
    """
    if not of:
        return Share(math.nan, math.nan, math.nan)
    test = scipy.stats.binomtest(count, of)
    low, high = test.proportion_ci(CONFIDENCE_LEVEL, method="wilson")
    return Share(count / of, float(low), float(high))


def _wilson(value: float, of: float) -> Share:
    """The same of a share that is neither 0 nor 1, of any number."""
    squared = _quantile() ** 2 / of
    middle = (value + squared / 2) / (1 + squared)
    half = math.sqrt(squared * (value * (1 - value) + squared / 4)) / (1 + squared)
    return Share(value, middle - half, middle + half)


def _quantile() -> float:
    return float(scipy.stats.norm.ppf(_UPPER))


def _quantile_of_few(freedom: int) -> float:
    """Student's, of as many degrees of freedom."""
    return float(scipy.stats.t.ppf(_UPPER, freedom))
