"""Areas, intervals, tests and thresholds of scores."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from deepresolve.metrics import roc

# Hanley and McNeil, Radiology 1982;143:29, table I: readings of 58 healthy and 51 ill
# subjects, from 1, surely healthy, to 5, surely ill.
HEALTHY, ILL = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
READINGS = np.concatenate([np.repeat(range(1, 6), counts) for counts in (HEALTHY, ILL)])
IS_ILL = np.repeat([False, True], [58, 51])


def scored(seed=0, count=60, apart=1.0, digits=1):
    """Scores with ties of subjects that have it and that have not."""
    generator = np.random.default_rng(seed)
    true = generator.random(count) < 0.4
    true[:4] = [True, False, True, False]
    return true, np.round(generator.normal(size=(2, count)) + apart * true, digits)


def test_the_area_of_published_readings():
    """Stata's manual, [R] roctab: 0.8932, DeLong's standard error 0.0307."""
    found = roc.area(IS_ILL, READINGS)
    assert found.value == pytest.approx(0.8932, abs=5e-5)
    # The interval is symmetric about the logit.
    reach = 1.959964 * 0.0307 / (0.8932 * (1 - 0.8932))
    ends = 1 / (1 + np.exp(-(math.log(0.8932 / 0.1068) + np.array([-reach, reach]))))
    assert (found.low, found.high) == pytest.approx(ends, abs=2e-4)


@pytest.mark.parametrize("seed", range(3))
def test_covariances_by_their_definition(seed):
    """DeLong 1988, equations 5 to 8, pair by pair."""
    true, scores = scored(seed)
    placements = []
    for score in scores:
        pairs = np.array(
            [[(a > b) + (a == b) / 2 for b in score[~true]] for a in score[true]]
        )
        placements.append((pairs.mean(axis=1), pairs.mean(axis=0)))
    expected = sum(
        np.cov([of[side] for of in placements]) / len(placements[0][side])
        for side in (0, 1)
    )
    test = roc.area_test(true, *scores)
    areas = [metrics.roc_auc_score(true, score) for score in scores]
    variance = expected[0, 0] + expected[1, 1] - 2 * expected[0, 1]
    assert test.difference == pytest.approx(areas[0] - areas[1])
    z = test.difference / math.sqrt(variance)
    assert test.p == pytest.approx(2 * stats.norm.sf(abs(z)))
    reach = 1.959964 * math.sqrt(variance)
    assert test.high - test.difference == pytest.approx(reach)
    assert test.difference - test.low == pytest.approx(reach)


def test_scores_in_the_same_order_do_not_differ():
    true, (score, _) = scored()
    test = roc.area_test(true, score, 3 * score + 1)
    assert test == (0.0, 0.0, 0.0, 1.0)


def test_the_interval_holds_the_true_area_as_often_as_it_says():
    """Normal scores that lie d apart have an area of Phi(d / sqrt 2)."""
    apart, generator = 1.5, np.random.default_rng(1)
    expected = stats.norm.cdf(apart / math.sqrt(2))
    true = np.arange(60) < 25
    held = 0
    for _ in range(600):
        found = roc.area(true, generator.normal(size=60) + apart * true)
        held += found.low <= expected <= found.high
    # 95% of 600 are 570, with a standard deviation of 5.3.
    assert 550 <= held <= 592


def people_scored(seed, num_people=40, each=6):
    """Scores that those of one person have something in common in."""
    generator = np.random.default_rng(seed)
    person = np.repeat(np.arange(num_people), each)
    true = generator.random(len(person)) < 0.3
    own = generator.normal(size=num_people)[person]
    return person, true, own + generator.normal(size=len(person)) + true


def test_of_as_many_people_as_scores_the_interval_is_delongs():
    true, (score, _) = scored()
    names = [f"p{n}" for n in range(len(true))]
    found, expected = roc.area(true, score, names), roc.area(true, score)
    np.testing.assert_allclose(found, expected)


def test_scores_that_are_told_twice_tell_no_more():
    true, (score, _) = scored()
    names = np.tile(np.arange(len(true)), 2)
    found = roc.area(np.tile(true, 2), np.tile(score, 2), names)
    np.testing.assert_allclose(found, roc.area(true, score))
    apart = roc.area(np.tile(true, 2), np.tile(score, 2))
    assert apart.high - apart.low < 0.8 * (found.high - found.low)


@pytest.mark.parametrize("seed", range(2))
def test_the_interval_by_person_is_that_of_drawing_people_anew(seed):
    """A bootstrap of whole persons, with scikit-learn's areas."""
    person, true, score = people_scored(seed)
    generator = np.random.default_rng(seed)
    rows = [np.flatnonzero(person == n) for n in range(person.max() + 1)]
    areas = []
    for _ in range(400):
        drawn = np.concatenate([rows[n] for n in generator.choice(len(rows), 40)])
        areas.append(metrics.roc_auc_score(true[drawn], score[drawn]))
    value, low, high = roc.area(true, score, person)
    reach = (math.log(high / (1 - high)) - math.log(low / (1 - low))) / 2
    deviation = reach / 1.959964 * value * (1 - value)
    assert deviation == pytest.approx(np.std(areas), rel=0.15)


def test_of_a_single_person_there_is_no_interval():
    found = roc.area([True, False, True], [1, 0, 2], ["p", "q", "p"])
    assert found.value == 1.0
    _, low, _ = roc.area([True, False, True, False], [1, 1, 2, 0], list("pppq"))
    assert math.isnan(low)
    assert math.isnan(roc.area([False, False], [1, 0], ["p", "q"]).value)


def test_areas_that_have_no_interval():
    assert roc.area([True, True, False, False], [2, 3, 0, 1])[0] == 1.0
    one_side = [False, False]
    for true in ([True, False, False], [True, False], one_side):
        scores = [1, 0, 2][: len(true)]
        _, low, high = roc.area(true, scores)
        assert math.isnan(low) and math.isnan(high)
    with pytest.raises(ValueError, match="two subjects or more"):
        roc.area_test([True, False, False], [1, 0, 2], [1, 0, 0])
    with pytest.raises(ValueError, match="of 2 subjects all or none have it"):
        roc.youden_threshold(one_side, [1, 0])
    assert math.isnan(roc.area(one_side, [1, 0]).value)


@pytest.mark.parametrize("seed", range(3))
def test_the_curve_is_that_of_scikit_learn(seed):
    true, (score, _) = scored(seed)
    found = roc.curve(true, score)
    expected = metrics.roc_curve(true, score, drop_intermediate=False)
    np.testing.assert_allclose(found.false_positive, expected[0], atol=1e-12)
    np.testing.assert_allclose(found.sensitivity, expected[1], atol=1e-12)
    np.testing.assert_array_equal(found.thresholds[1:], expected[2][1:])


@pytest.mark.parametrize("seed", range(3))
def test_no_threshold_is_better_than_youdens(seed):
    true, (score, _) = scored(seed)
    threshold = roc.youden_threshold(true, score)

    def index(at):
        ends = roc.sensitivity(true, score, at), roc.specificity(true, score, at)
        return sum(end.value for end in ends) - 1

    others = [index(at) for at in np.unique(score)]
    assert index(threshold) == pytest.approx(max(others))
    # It lies between two scores.
    below, above = (score[score < threshold].max(), score[score >= threshold].min())
    assert threshold == pytest.approx((below + above) / 2)


def test_a_threshold_that_all_reach_is_the_lowest_score():
    # Those who have it score lower: nothing is better than to call all positive.
    assert roc.youden_threshold([True, False], [0.0, 1.0]) == 0.0


def test_sensitivity_and_specificity_by_counts():
    found = roc.sensitivity(IS_ILL, READINGS, 4), roc.specificity(IS_ILL, READINGS, 4)
    assert found[0].value == pytest.approx(44 / 51)
    assert found[1].value == pytest.approx(45 / 58)
    none = roc.sensitivity([False], [1.0], 0.5)
    assert all(map(math.isnan, none))


@pytest.mark.parametrize(
    ("count", "of", "ends"),
    [
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0000, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilsons_interval_of_published_shares(count, of, ends):
    """Newcombe, Stat Med 1998;17:857, table I, method 3."""
    found = roc.share(count, of)
    assert found.value == count / of
    assert (found.low, found.high) == pytest.approx(ends, abs=5e-5)


def test_orders_of_subjects_do_not_matter():
    true, scores = scored()
    order = np.random.default_rng(5).permutation(len(true))
    for of, again in itertools.zip_longest(
        roc.area_test(true, *scores), roc.area_test(true[order], *scores[:, order])
    ):
        assert of == pytest.approx(again)
