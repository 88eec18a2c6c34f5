"""Precision over recall, beside scikit-learn, and intervals by people."""

import math

import numpy as np
import pytest
from sklearn import metrics

from deepresolve.metrics import precision_recall


def scored(seed=0, count=80, apart=1.0):
    """Scores with ties."""
    generator = np.random.default_rng(seed)
    true = generator.random(count) < 0.3
    true[:2] = [True, False]
    return true, np.round(generator.normal(size=count) + apart * true, 1)


def test_the_curve_rises_to_all_that_have_it():
    found = precision_recall.curve([True, False, True, False], [0.9, 0.8, 0.7, 0.1])
    # By hand: found are 1 of 1, 1 of 2, 2 of 3 and 2 of 4.
    assert found.recall.tolist() == [0, 0.5, 0.5, 1, 1]
    assert found.precision.tolist() == pytest.approx([1, 1, 1 / 2, 2 / 3, 2 / 4])


@pytest.mark.parametrize("seed", range(3))
def test_weightings_are_those_of_scikit_learn(seed):
    true, score = scored(seed)
    weights = np.random.default_rng(seed).integers(0, 4, (5, len(true))).astype(float)
    expected = [
        metrics.average_precision_score(true, score, sample_weight=of) for of in weights
    ]
    found = precision_recall.weighted(true, score, weights)
    assert found == pytest.approx(expected, abs=1e-12)


def test_where_nobody_has_it_there_is_no_precision():
    true, score = np.array([True, False]), np.array([0.5, 0.2])
    found = precision_recall.weighted(true, score, np.array([[0.0, 2.0], [1.0, 1.0]]))
    assert math.isnan(found[0]) and found[1] == 1


def test_the_interval_is_that_of_resampled_people():
    """Drawn person by person, with scikit-learn's average precision."""
    true, score = scored()
    people = np.repeat(np.arange(len(true) // 2), 2)
    found = precision_recall.average_precision(true, score, people)
    assert found.value == metrics.average_precision_score(true, score)
    generator, drawn = np.random.default_rng(5), []
    for _ in range(1500):
        chosen = generator.integers(0, people.max() + 1, people.max() + 1)
        members = np.concatenate([[2 * person, 2 * person + 1] for person in chosen])
        drawn.append(metrics.average_precision_score(true[members], score[members]))
    ends = np.quantile(drawn, (0.025, 0.975))
    assert (found.low, found.high) == pytest.approx(ends, abs=0.02)


def test_copies_make_the_interval_no_narrower():
    true, score = scored()
    once = precision_recall.average_precision(true, score)
    people = np.arange(len(true))
    twice = (np.tile(of, 2) for of in (true, score, people))
    assert precision_recall.average_precision(*twice) == pytest.approx(once)


def test_what_has_no_interval():
    perfect = precision_recall.average_precision(
        [True] * 4 + [False] * 4, range(8)[::-1]
    )
    assert perfect.value == 1 and math.isnan(perfect.low)
    few = precision_recall.average_precision(
        [True, False] * 4, range(8), list("aabbccdd")
    )
    assert few.value < 1 and math.isnan(few.high)
    assert math.isnan(
        precision_recall.average_precision([True, True], [0.1, 0.2]).value
    )
    with pytest.raises(ValueError, match="of 2 subjects all or none have it"):
        precision_recall.curve([True, True], [0.1, 0.2])
