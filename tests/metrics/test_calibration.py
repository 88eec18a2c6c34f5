"""Probabilities beside what was seen."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from deepresolve.metrics import calibration


def drawn(seed=0, count=400):
    """Probabilities, and subjects that have it as often as these say."""
    generator = np.random.default_rng(seed)
    probability = generator.random(count)
    return generator.random(count) < probability, probability


def test_brier_is_that_of_scikit_learn():
    true, probability = drawn()
    expected = brier_score_loss(true, probability)
    assert calibration.brier(true, probability) == pytest.approx(expected)
    assert calibration.brier([True, False], [1.0, 0.0]) == 0
    assert calibration.brier([True, False], [0.5, 0.5]) == 0.25


@pytest.mark.parametrize("num_bins", [1, 4, 10])
def test_bins_are_those_of_scikit_learn(num_bins):
    true, probability = drawn()
    bins = calibration.reliability(true, probability, num_bins=num_bins)
    seen, said = calibration_curve(true, probability, n_bins=num_bins)
    np.testing.assert_allclose([of.said for of in bins], said)
    np.testing.assert_allclose([of.seen.value for of in bins], seen)
    assert sum(of.num_subjects for of in bins) == len(true)


def test_ends_lie_in_the_outer_bins():
    bins = calibration.reliability([False, True, True], [0.0, 1.0, 1.0])
    assert [(of.said, of.seen.value, of.num_subjects) for of in bins] == [
        *((0.0, 0.0, 1), (1.0, 1.0, 2))
    ]


def test_the_error_weighs_bins_by_their_subjects():
    # Three said 0.2 and one of four had it; one said 0.9 and had it not.
    bins = calibration.reliability(
        [True, False, False, False, False], [0.2, 0.2, 0.2, 0.2, 0.9]
    )
    assert calibration.calibration_error(bins) == pytest.approx(
        (4 * 0.05 + 1 * 0.9) / 5
    )


@pytest.mark.parametrize(
    ("true", "probability"),
    [([True], [1.5]), ([True], [np.nan]), ([1], [0.5]), ([True], [0.5, 0.5]), ([], [])],
)
def test_what_is_no_probability_is_refused(true, probability):
    with pytest.raises(ValueError, match="one boolean and one probability"):
        calibration.brier(true, probability)
