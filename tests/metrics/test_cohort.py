"""Measures over a cohort, beside those of scikit-learn and by hand."""

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from deepresolve.metrics import cohort


def test_accuracy_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    true, found = random.integers(0, 3, (2, 40))
    assert cohort.accuracy(true, found) == sklearn_metrics.accuracy_score(true, found)
    assert cohort.accuracy([2, 0, 1], [2, 1, 1]) == pytest.approx(2 / 3)


def test_kappa_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    true, found = random.integers(0, 5, (2, 40))
    found[:25] = true[:25]
    expected = sklearn_metrics.cohen_kappa_score(true, found, weights="quadratic")
    assert cohort.weighted_kappa(true, found) == pytest.approx(expected)
    assert cohort.weighted_kappa([0, 3, 1], [0, 3, 1]) == 1
    assert math.isnan(cohort.weighted_kappa([2, 2], [2, 2]))
    with pytest.raises(ValueError, match="Kappa compares one whole number"):
        cohort.weighted_kappa([0.5], [1.0])


def test_auc_is_that_of_scikit_learn_with_ties():
    random = np.random.default_rng(1)
    true = random.random(50) < 0.3
    score = np.round(random.random(50) + 0.4 * true, 1)
    assert cohort.roc_auc(true, score) == pytest.approx(
        sklearn_metrics.roc_auc_score(true, score), abs=1e-12
    )


def test_auc_by_hand():
    # Of six pairs four are in order, one is a tie.
    true = np.array([True, True, False, False, False])
    assert cohort.roc_auc(true, [0.9, 0.4, 0.1, 0.4, 0.6]) == pytest.approx(4.5 / 6)


def test_agreement_by_hand():
    # Differences 1, -1, 3: mean 1, sample standard deviation 2.
    reference, estimate = [10.0, 20.0, 30.0], [11.0, 19.0, 33.0]
    assert cohort.bias(reference, estimate) == pytest.approx(1)
    assert cohort.lower_limit(reference, estimate) == pytest.approx(1 - 1.96 * 2)
    assert cohort.upper_limit(reference, estimate) == pytest.approx(1 + 1.96 * 2)
    shares = [1 / 10.5, 1 / 19.5, 3 / 31.5]
    expected = math.sqrt(sum(s**2 / 2 for s in shares) / 3)
    assert cohort.rms_cv(reference, estimate) == pytest.approx(expected)


def test_auc_of_one_side_alone_is_no_number():
    for side in (True, False):
        assert math.isnan(cohort.roc_auc([side, side], [0.2, 0.8]))


@pytest.mark.parametrize(
    ("reference", "estimate", "message"),
    [
        (np.array([0, 1]), np.array([0.2, 0.8]), "got int64"),
        (np.array([True, False]), np.array([0.2, np.nan]), "without NaN"),
        (np.array([], bool), np.array([]), "one shape"),
        (np.array([True, False]), np.array([0.2]), "one shape"),
    ],
)
def test_what_has_no_auc_is_refused(reference, estimate, message):
    with pytest.raises(ValueError, match=message):
        cohort.roc_auc(reference, estimate)


@pytest.mark.parametrize(
    ("reference", "estimate"),
    [([], []), ([0, 1], [0]), ([0.5, 1.0], [0.5, 1.0])],
    ids=["nobody", "lengths", "no classes"],
)
def test_what_has_no_accuracy_is_refused(reference, estimate):
    with pytest.raises(ValueError, match="one whole number a subject"):
        cohort.accuracy(reference, estimate)
