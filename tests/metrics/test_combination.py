"""Probabilities combined by logistic regression."""

import numpy as np
import pytest
from scipy import optimize, special, stats

from deepresolve.metrics import combination, roc


def planes(seed=0, count=400, apart=(1.0, 1.5)):
    """Probabilities of planes that know different things, each what it says."""
    generator = np.random.default_rng(seed)
    true = generator.random(count) < 0.5
    # Of normal scores around 0 and around d the logit is d (score - d / 2).
    scores = generator.normal(size=(count, len(apart))) + np.outer(true, apart)
    logits = np.array(apart) * (scores - np.array(apart) / 2)
    return true, special.expit(logits)


def test_weights_are_where_the_penalised_likelihood_is_highest():
    """The optimum by SciPy, of what scikit-learn's manual says it looks for."""
    true, probabilities = planes()
    logits, sign = special.logit(probabilities), np.where(true, 1, -1)

    def cost(w):
        reached = np.logaddexp(0, -sign * (w[0] + logits @ w[1:]))
        return reached.sum() + np.sum(w[1:] ** 2) / 2

    expected = optimize.minimize(cost, np.zeros(3), tol=1e-10).x
    found = combination.fit(true, probabilities)
    assert [found.intercept, *found.slopes] == pytest.approx(expected, abs=1e-3)


def test_planes_that_say_what_is_so_are_multiplied():
    """Of independent evidence the logits add up (Bayes)."""
    true, probabilities = planes(count=20_000)
    found = combination.fit(true, probabilities)
    assert found.intercept == pytest.approx(0, abs=0.1)
    assert found.slopes == pytest.approx((1, 1), abs=0.1)
    area = roc.area(true, combination.combined(probabilities, found)).value
    # Two normal scores d and e apart are worth one that lies hypot(d, e) apart.
    expected = stats.norm.cdf(np.hypot(1.0, 1.5) / np.sqrt(2))
    assert area == pytest.approx(expected, abs=0.01)


def test_a_plane_alone_keeps_what_it_says():
    _, probabilities = planes()
    kept = combination.combined(probabilities[:, :1], combination.Weights(0.0, (1.0,)))
    assert kept == pytest.approx(probabilities[:, 0])


def test_certain_answers_have_finite_weights():
    true = np.array([True, False] * 10)
    found = combination.fit(true, np.stack([true, true], axis=1).astype(np.float64))
    assert np.isfinite([found.intercept, *found.slopes]).all()
    answers = combination.combined(np.array([[1.0, 1.0], [0.0, 0.0]]), found)
    assert answers[0] > 0.99 and answers[1] < 0.01


def test_of_one_side_alone_nothing_is_learned():
    with pytest.raises(ValueError, match="of 3 all or none have it"):
        combination.fit(np.array([True] * 3), np.full((3, 2), 0.5))
