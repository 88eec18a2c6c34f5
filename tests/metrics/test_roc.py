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


@pytest.mark.parametrize("seed", range(2))
def test_scans_of_people_by_the_definition(seed):
    """Obuchowski 1997, section 2: sums over the scans of each person."""
    true, scores = scored(seed)
    people = np.array([f"p{n}" for n in np.random.default_rng(9).integers(0, 25, 60)])
    num_with, num_without = np.sum(true), np.sum(~true)
    sums = []
    for score in scores:
        pairs = np.array(
            [[(a > b) + (a == b) / 2 for b in score[~true]] for a in score[true]]
        )
        own = []
        for person in np.unique(people):
            with_it, without = (people[side] == person for side in (true, ~true))
            own.append(
                (
                    np.sum(pairs.mean(axis=1)[with_it] - pairs.mean()),
                    np.sum(pairs.mean(axis=0)[without] - pairs.mean()),
                )
            )
        sums.append(np.array(own))
    counts = [len(np.unique(people[side])) for side in (true, ~true)]
    everyone = len(np.unique(people))

    def covariance(a, b):
        s10, s01, s11, s11_turned = (
            np.sum(sums[a][:, i] * sums[b][:, j])
            for i, j in ((0, 0), (1, 1), (0, 1), (1, 0))
        )
        s10 *= counts[0] / ((counts[0] - 1) * num_with)
        s01 *= counts[1] / ((counts[1] - 1) * num_without)
        crossed = everyone / (everyone - 1) * (s11 + s11_turned)
        return s10 / num_with + s01 / num_without + crossed / (num_with * num_without)

    variance = covariance(0, 0) + covariance(1, 1) - 2 * covariance(0, 1)
    test = roc.area_test(true, *scores, people)
    assert test.high - test.difference == pytest.approx(1.959964 * math.sqrt(variance))


def test_scans_that_are_copies_say_no_more_than_one():
    true, scores = scored()
    people = np.arange(len(true))
    once = roc.area(true, scores[0])
    assert roc.area(true, scores[0], people) == pytest.approx(once)
    both = np.tile(true, 2), np.tile(scores, 2), np.tile(people, 2)
    assert roc.area(both[0], both[1][0], both[2]) == pytest.approx(once)
    assert roc.area_test(both[0], *both[1], both[2]) == pytest.approx(
        roc.area_test(true, *scores)
    )
    # Taken for people of their own they seem to say more.
    taken = roc.area(both[0], both[1][0])
    assert taken.high - taken.low < 0.75 * (once.high - once.low)


def test_the_interval_of_people_holds_the_true_area():
    """Two knees of a person share half of the variance; the area is as of one knee."""
    apart, generator, held = 1.5, np.random.default_rng(2), np.zeros(2)
    expected = stats.norm.cdf(apart / math.sqrt(2))
    people = np.repeat(np.arange(40), 2)
    for _ in range(400):
        true = np.repeat(generator.random(40) < 0.45, 2)
        true[:4] = [True, True, False, False]
        shared = np.repeat(generator.normal(size=40), 2)
        score = (shared + generator.normal(size=80)) / math.sqrt(2) + apart * true
        for which, whom in enumerate((people, None)):
            found = roc.area(true, score, whom)
            held[which] += found.low <= expected <= found.high
    # 95% of 400 are 380, with a standard deviation of 4.4.
    assert 364 <= held[0] <= 397
    assert held[1] < 364


def test_areas_that_have_no_interval():
    assert roc.area([True, True, False, False], [2, 3, 0, 1])[0] == 1.0
    one_side = [False, False]
    for true in ([True, False, False], [True, False], one_side):
        scores = [1, 0, 2][: len(true)]
        _, low, high = roc.area(true, scores)
        assert math.isnan(low) and math.isnan(high)
    with pytest.raises(ValueError, match="two people or more"):
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


@pytest.mark.parametrize("times", [2, 7])
def test_scans_that_are_copies_tell_as_much_as_one(times):
    """Of copies the variance is p (1 - p) / (people - 1), by hand."""
    reached = np.repeat([True, True, True, False, True, False, True, True], times)
    people = np.repeat([*"abcdefgh"], times)
    found = roc.sensitivity(np.ones_like(reached), reached, 0.5, people)
    known = stats.t.ppf(0.975, [8 * times - 1, 7])  # Korn and Graubard 1998, (3.2)
    z, n, p = stats.norm.ppf(0.975), 7 * (known[0] / known[1]) ** 2, 0.75
    # Wilson's ends solve (x - p)^2 = z^2 x (1 - x) / n.
    ends = np.sort(np.roots([1 + z**2 / n, -(2 * p + z**2 / n), p**2]))
    assert found.value == p
    assert (found.low, found.high) == pytest.approx(tuple(ends))


@pytest.mark.parametrize(
    ("num_people", "each", "true", "likeness"),
    [(40, 6, 0.7, 0.5), (11, 5, 0.7, 0.4), (5, 8, 0.7, 0.5), (20, 50, 0.9, 0.05)],
)
def test_scans_of_people_hold_the_true_share_as_often_as_they_should(
    num_people, each, true, likeness
):
    rng = np.random.default_rng(8)
    people = np.repeat(np.arange(num_people), each)
    # Of each person another share; two scans of one agree by `likeness`.
    ends = true / likeness - true, (1 - true) / likeness - (1 - true)
    held = {"by person": 0, "alone": 0}
    for _ in range(600):
        own = np.repeat(rng.beta(*ends, num_people), each)
        reached = rng.random(len(people)) < own
        for name, whom in (("by person", people), ("alone", None)):
            found = roc.share_by_person(reached, whom)
            held[name] += found.low <= true <= found.high
    # Of 600 at 95%: 3 standard deviations are 16.
    assert held["by person"] == pytest.approx(570, abs=16)
    assert held["alone"] < 510


def test_shares_of_none_and_of_all_end_where_shares_do():
    for number in range(1, 300):
        assert roc.share(0, number).low == 0.0
        assert roc.share(number, number).high == 1.0
        people = np.arange(number + 1) // 2
        has_it = np.ones(number + 1, bool)
        if len(set(people)) > 1:
            assert roc.share_by_person(~has_it, people).low == 0.0
            assert roc.share_by_person(has_it, people).high == 1.0


def test_where_all_have_it_people_count():
    all_of_them = np.ones(12, bool)
    found = roc.share_by_person(all_of_them, np.repeat([*"abcd"], 3))
    assert found == roc.share(4, 4)
    # Whose people are all alike tells no more than as many strangers, and no less than
    # as many people.
    half_of_each = roc.share_by_person(np.tile([True, False], 6), np.arange(12) // 2)
    assert roc.share(3, 6).low < half_of_each.low < roc.share(6, 12).low
    of_one = roc.share_by_person(all_of_them, ["a"] * 12)
    assert of_one.value == 1 and math.isnan(of_one.low) and math.isnan(of_one.high)
    assert roc.share_by_person(all_of_them, [*"abcdefghijkl"]) == roc.share(12, 12)


def test_orders_of_subjects_do_not_matter():
    true, scores = scored()
    order = np.random.default_rng(5).permutation(len(true))
    for of, again in itertools.zip_longest(
        roc.area_test(true, *scores), roc.area_test(true[order], *scores[:, order])
    ):
        assert of == pytest.approx(again)
