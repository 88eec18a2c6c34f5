import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from deepresolve.metrics.agreement import icc, kappa

# Shrout and Fleiss, Psychological Bulletin 1979, Table 2: six targets, four judges.
SHROUT_FLEISS = np.array(
    [
        [9, 2, 5, 8],
        [6, 1, 3, 2],
        [8, 4, 6, 8],
        [7, 1, 2, 6],
        [10, 5, 6, 9],
        [6, 2, 4, 7],
    ]
)
SCORES = range(1, 6)


def cases_of(ratings):
    """Every item a case of its own."""
    return [f"knee-{n}" for n in range(len(ratings))]


def scores(seed, num_items=30, num_raters=3):
    """Noisy scores from 1 to 5, the last rater one step above."""
    random = np.random.default_rng(seed)
    true = random.integers(1, 6, num_items)
    noise = random.integers(-1, 2, (num_items, num_raters))
    noise[:, -1] += 1
    return np.clip(true[:, None] + noise, 1, 5)


@pytest.mark.parametrize(("weights", "power"), [("linear", 1), ("quadratic", 2)])
@pytest.mark.parametrize("seed", range(5))
def test_kappa_equals_scikit_learns(weights, power, seed):
    ratings = scores(seed, num_items=14)
    ratings[ratings == 3] = 2  # a score that nobody gives keeps its place in the range
    pair = ratings[:, [0, 2]]
    expected = sklearn_metrics.cohen_kappa_score(
        *pair.T, labels=list(SCORES), weights=weights
    )
    found = kappa(pair, cases_of(pair), SCORES, power=power)
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.low < found.value < found.high


def test_icc_equals_the_published_example():
    """Shrout and Fleiss, Table 4: ICC(2,1) = .29, ICC(2,k) = .62.

    More decimals: pingouin 0.7.0, intraclass_corr, ICC(A,1) and ICC(A,k).
    """
    single = icc(SHROUT_FLEISS, cases_of(SHROUT_FLEISS))
    assert single.value == pytest.approx(0.289764, abs=1e-6)
    average = icc(SHROUT_FLEISS, cases_of(SHROUT_FLEISS), average=True)
    assert average.value == pytest.approx(0.620051, abs=1e-6)


def test_icc_equals_pingouins():
    """pingouin 0.7.0, intraclass_corr: ICC(A,1) and ICC(A,k) of these ratings."""
    ratings = scores(11)
    of_two = ratings[:, :2]
    for table, single, average in (
        (ratings, 0.807788, 0.926513),
        (of_two, 0.819161, 0.900592),
    ):
        cases = cases_of(table)
        assert icc(table, cases).value == pytest.approx(single, abs=1e-6)
        assert icc(table, cases, average=True).value == pytest.approx(average, abs=1e-6)


def test_a_constant_offset_is_disagreement():
    """Absolute agreement: of scores 1, 3, 5 and 2, 4, 6 by the closed form 8/9."""
    ratings = np.array([[1, 2], [3, 4], [5, 6]])
    # MSR = 8, MSC = 1.5, MSE = 0: 8 / (8 + 2 * 1.5 / 3).
    assert icc(ratings, cases_of(ratings)).value == pytest.approx(8 / 9)


def test_agreement_throughout_is_one():
    ratings = np.repeat([[1], [4], [5], [2], [3], [1]], 2, axis=1)
    for found in (
        kappa(ratings, cases_of(ratings), SCORES, power=1),
        icc(ratings, cases_of(ratings)),
        icc(ratings, cases_of(ratings), average=True),
    ):
        assert (found.value, found.high) == (1, 1)


def test_fewer_than_six_cases_have_no_interval():
    ratings = np.array([[1, 1], [4, 4], [5, 3], [2, 2], [3, 4]])
    found = icc(ratings, cases_of(ratings))
    assert 0 < found.value < 1
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize(
    "ratings",
    [np.full((6, 2), 3), np.empty((0, 2), np.int64)],
    ids=["all alike", "none"],
)
def test_what_is_not_defined_is_nan_without_a_warning(ratings):
    for found in (
        kappa(ratings, cases_of(ratings), SCORES, power=2),
        icc(ratings, cases_of(ratings)),
        icc(ratings, cases_of(ratings), average=True),
    ):
        assert np.isnan([found.value, found.low, found.high]).all()


def test_one_case_has_no_interval():
    ratings = np.array([[1, 1], [2, 3], [5, 4]])
    found = icc(ratings, ["knee"] * 3)
    assert found.value == pytest.approx(0.8889, abs=0.1)
    assert np.isnan([found.low, found.high]).all()


def test_two_constant_raters_that_differ_have_kappa_zero():
    """Chance predicts it all: scikit-learn says 0, too."""
    ratings = np.tile([2, 3], (6, 1))
    found = kappa(ratings, cases_of(ratings), SCORES, power=1)
    assert found.value == 0
    assert sklearn_metrics.cohen_kappa_score(*ratings.T, weights="linear") == 0


def test_a_bootstrap_draws_cases_not_items():
    """Each item three times tells no more than once: same draws, same interval."""
    ratings = scores(2, num_items=20)[:, [0, 2]]
    once = icc(ratings, cases_of(ratings))
    thrice = icc(np.repeat(ratings, 3, axis=0), np.repeat(cases_of(ratings), 3))
    as_if_more = icc(np.repeat(ratings, 3, axis=0), cases_of(range(60)))
    width = once.high - once.low
    assert thrice.high - thrice.low == pytest.approx(width, rel=0.1)
    assert as_if_more.high - as_if_more.low < 0.7 * width


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Two-way model with known variances: ICC(2,1) = 4 / (4 + 1) = .8, in tenths.

    95% intervals of 40 cases in 60 studies; benchmarks/reader_study.py has more.
    """
    covered = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        true = random.normal(0, 20, (40, 1)) + random.normal(0, 10, (40, 2))
        ratings = np.rint(true).astype(np.int64)
        found = icc(ratings, cases_of(ratings))
        covered += found.low <= 0.8 <= found.high
    assert 0.85 <= covered / 60 < 1
