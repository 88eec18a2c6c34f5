import itertools

import numpy as np
import pytest
from scipy import stats

from deepresolve.metrics import statistics

# Darwin's maize: height of cross- minus self-fertilised plants in eighths of an inch
# (Fisher, The Design of Experiments, 1935). Ranks of the negative ones, 48 and 67, are
# 10 and 14, so that W = 24.
MAIZE = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]

# Peak flow of 17 people in l/min, first readings of two meters (Bland and Altman,
# Lancet 1986, table 1).
LARGE_METER = [494, 395, 516, 434, 476, 557, 413, 442, 650]
LARGE_METER += [433, 417, 656, 267, 478, 178, 423, 427]
MINI_METER = [512, 430, 520, 428, 500, 600, 364, 380, 658]
MINI_METER += [445, 432, 626, 260, 477, 259, 350, 451]


def exact_p(differences):
    """Share of all sign patterns whose smaller rank sum is as small, by counting."""
    ranks = stats.rankdata(np.abs(differences))
    total = ranks.sum()
    observed = min(ranks[differences > 0].sum(), ranks[differences < 0].sum())
    patterns = np.array(list(itertools.product((0, 1), repeat=len(ranks))))
    sums = patterns @ ranks
    return np.mean(np.minimum(sums, total - sums) <= observed)


def test_wilcoxon_of_a_textbook_example():
    test = statistics.wilcoxon(MAIZE, np.zeros(15))
    assert (test.n, test.num_zeros, test.num_higher) == (15, 0, 13)
    assert test.statistic == 24
    assert test.median_difference == 24  # the 8th of 15 in order
    assert test.p == pytest.approx(exact_p(np.array(MAIZE)), abs=1e-12)
    assert test.p == pytest.approx(0.041259765625)  # SciPy's documentation


def test_wilcoxon_is_paired_and_two_sided():
    a = [29.1, 30.2, 28.4, 31.0, 27.7, 30.9]
    b = [28.0, 29.9, 28.2, 29.6, 27.0, 30.0]
    forth, back = statistics.wilcoxon(a, b), statistics.wilcoxon(b, a)
    assert forth.p == back.p == pytest.approx(2 / 2**6)  # all six of one sign
    assert forth.statistic == back.statistic == 0
    assert forth.median_difference == -back.median_difference
    assert (forth.num_higher, back.num_higher) == (6, 0)


def test_pairs_without_a_difference_are_left_out_and_counted():
    differences = np.array([0.0, 0.0, 1.0, 2.0, -3.0, 4.0, 5.0])
    test = statistics.wilcoxon(differences, np.zeros(7))
    assert (test.n, test.num_zeros) == (7, 2)
    assert test.statistic == 3
    assert test.p == pytest.approx(exact_p(differences[2:]))


def test_no_difference_at_all_is_p_one():
    test = statistics.wilcoxon([1.0, 2.0, np.inf], [1.0, 2.0, np.inf])
    assert (test.p, test.statistic, test.num_zeros) == (1.0, 0.0, 3)


def test_infinite_values_are_ranked_last():
    a = np.array([np.inf, 1.0, 2.0, 3.0])
    test = statistics.wilcoxon(a, [9.0, 1.5, 1.0, 1.0])
    assert test.statistic == 1  # -0.5 has rank 1
    assert test.p == pytest.approx(exact_p(np.array([1e9, -0.5, 1.0, 2.0])))


def test_one_pair_proves_nothing():
    assert statistics.wilcoxon([2.0], [1.0]).p == 1.0


@pytest.mark.parametrize("n", range(1, 9))
def test_smallest_p_is_that_of_differences_of_one_sign(n):
    test = statistics.wilcoxon(np.arange(1.0, n + 1), np.zeros(n))
    assert test.p == pytest.approx(statistics.smallest_p(n))


def test_mean_and_sample_standard_deviation():
    # Squared distances from the mean 5 sum to 32, over n - 1 = 7.
    mean, sd = statistics.mean_sd([2, 4, 4, 4, 5, 5, 7, 9])
    assert (mean, sd) == (5.0, pytest.approx((32 / 7) ** 0.5))


def test_one_value_has_no_standard_deviation():
    mean, sd = statistics.mean_sd([3.0])
    assert mean == 3.0
    assert np.isnan(sd)


def test_an_infinite_value_is_not_left_out():
    mean, sd = statistics.mean_sd([30.0, np.inf])
    assert mean == np.inf
    assert np.isnan(sd)


def test_rank_biserial_of_a_textbook_example():
    # Of the 15 ranks, 120 in all, the negative ones hold 24: (96 - 24) / 120.
    assert statistics.rank_biserial(MAIZE, np.zeros(15)) == pytest.approx(0.6)
    assert statistics.rank_biserial(np.zeros(15), MAIZE) == pytest.approx(-0.6)


def test_rank_biserial_follows_from_the_statistic():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, (2, 30)).astype(float)  # with ties and zeros
    test = statistics.wilcoxon(a, b)
    pairs = test.n - test.num_zeros
    expected = 1 - 2 * test.statistic / (pairs * (pairs + 1) / 2)
    assert abs(statistics.rank_biserial(a, b)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([2.0, 3.0], [1.0, 1.0], 1.0),
        ([1.0, 1.0], [1.0, 1.0], 0.0),
        ([np.inf, 1.0], [np.inf, 2.0], -1.0),
        ([np.inf, 1.0], [1.0, 2.0], 1 / 3),  # ranks 2 and 1
    ],
)
def test_rank_biserial_of_few_pairs(a, b, expected):
    assert statistics.rank_biserial(a, b) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        # statsmodels 0.15.0: multipletests(p, method="holm")[1].
        (
            [0.0011, 0.044, 0.02, 0.5, 0.02, 0.012],
            [0.0066, 0.088, 0.08, 0.5, 0.08, 0.06],
        ),
        # By hand: 3 x 0.01, then 2 x 0.04 and 1 x 0.05, raised to it.
        ([0.05, 0.01, 0.04], [0.08, 0.03, 0.08]),
        ([0.6, 0.9], [1.0, 1.0]),
        ([0.03], [0.03]),
        ([], []),
    ],
)
def test_holm(p, adjusted):
    np.testing.assert_allclose(statistics.holm(p), adjusted, atol=1e-12)


@pytest.mark.parametrize("p", [[0.1, np.nan], [1.1], [-0.1], [[0.1]]])
def test_holm_refuses_what_is_no_probability(p):
    with pytest.raises(ValueError, match="from 0 to 1"):
        statistics.holm(p)


def test_bootstrap_interval_is_that_of_the_mean():
    """For many values of a normal distribution it is mean +- 1.96 sd / sqrt(n)."""
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    low, high = statistics.bootstrap_interval(values)
    half = 1.96 * values.std(ddof=1) / 400**0.5
    assert low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_bootstrap_interval_leans_as_the_values_do():
    """An accelerated interval reaches further towards the long tail."""
    values = np.r_[np.zeros(15), np.full(5, 1.0)]
    low, high = statistics.bootstrap_interval(values)
    assert high - values.mean() > 1.1 * (values.mean() - low)


def test_bootstrap_interval_holds_the_true_mean_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = [
        low <= 0.0 <= high
        for low, high in map(
            statistics.bootstrap_interval, rng.standard_normal((100, 20))
        )
    ]
    # 95 of 100, less a little for 20 values; 4 standard deviations are 9.
    assert 84 <= sum(held) <= 100


def test_bootstrap_interval_is_seeded():
    values = [1.0, 4.0, 2.0, 8.0, 5.0]
    first = statistics.bootstrap_interval(values)
    assert statistics.bootstrap_interval(values) == first
    assert statistics.bootstrap_interval(values, seed=1) != first


@pytest.mark.parametrize("unit", [1e-200, 1e-17, 1000.0])
def test_bootstrap_interval_moves_and_stretches_with_the_values(unit):
    values = np.array([1.0, 4.0, 2.0, 8.0, 5.0])
    low, high = statistics.bootstrap_interval(values)
    assert statistics.bootstrap_interval(unit * (values - 3)) == pytest.approx(
        (unit * (low - 3), unit * (high - 3))
    )


def test_bootstrap_interval_of_values_that_differ_by_rounding():
    values = [0.3, 0.3, 0.3, 0.3, np.nextafter(0.3, 1)]
    assert statistics.bootstrap_interval(values) == pytest.approx((0.3, 0.3))


def test_bootstrap_interval_without_spread():
    assert statistics.bootstrap_interval([2.0, 2.0, 2.0]) == (2.0, 2.0)
    assert np.isnan(statistics.bootstrap_interval([2.0])).all()


def test_bland_altman_of_its_first_example():
    """The paper, with limits at 2 sd: -2.1 l/min, 38.8, from -79.7 to 75.5."""
    agreement = statistics.bland_altman(LARGE_METER, MINI_METER)
    assert agreement.n == 17
    assert agreement.bias == pytest.approx(-2.1, abs=0.05)
    assert agreement.sd == pytest.approx(38.8, abs=0.05)
    assert agreement.bias + 2 * agreement.sd == pytest.approx(75.5, abs=0.1)
    assert agreement.lower == pytest.approx(agreement.bias - 1.96 * agreement.sd)
    assert agreement.upper == pytest.approx(agreement.bias + 1.96 * agreement.sd)


def test_bland_altman_of_a_single_pair_has_no_limits():
    agreement = statistics.bland_altman([3.0], [1.0])
    assert (agreement.n, agreement.bias) == (1, 2.0)
    assert np.isnan([agreement.sd, agreement.lower, agreement.upper]).all()


def test_rms_cv_by_its_definition():
    # Sample sd over mean: sqrt(2) / 10 and 2 sqrt(2) / 20 and 0.
    value = statistics.rms_cv([9.0, 18.0, 5.0], [11.0, 22.0, 5.0])
    assert value == pytest.approx((2 * 0.02 / 3) ** 0.5)


def test_rms_cv_equals_scipy_variation():
    first, second = np.random.default_rng(0).uniform(1, 5, (2, 12))
    each = stats.variation([first, second], axis=0, ddof=1)
    assert statistics.rms_cv(first, second) == pytest.approx(
        np.sqrt(np.mean(each**2)), abs=1e-12
    )
    assert statistics.rms_cv(second, first) == statistics.rms_cv(first, second)


def test_rms_cv_of_nothing_found():
    assert statistics.rms_cv([0.0], [7.0]) == pytest.approx(2**0.5)
    assert statistics.rms_cv([0.0, 0.0], [0.0, 7.0]) == pytest.approx(1.0)


def test_rms_cv_refuses_values_below_zero():
    with pytest.raises(ValueError, match="not below 0"):
        statistics.rms_cv([1.0, 2.0], [1.0, -2.0])


PAIRED = [
    statistics.wilcoxon,
    statistics.rank_biserial,
    statistics.bland_altman,
    statistics.rms_cv,
]


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [[1.0], [2.0]]])
def test_no_values_and_nan_are_refused(values):
    for function in (statistics.mean_sd, statistics.bootstrap_interval):
        with pytest.raises(ValueError, match="at least one value"):
            function(values)
    for function in PAIRED:
        with pytest.raises(ValueError, match="at least one value"):
            function(values, values)


@pytest.mark.parametrize("function", PAIRED)
def test_unpaired_values_are_refused(function):
    with pytest.raises(ValueError, match="3 and 2 values"):
        function([1, 2, 3], [1, 2])


def test_infinite_values_are_refused_where_they_mean_nothing():
    with pytest.raises(ValueError, match="finite"):
        statistics.bootstrap_interval([1.0, np.inf])
    for function in (statistics.bland_altman, statistics.rms_cv):
        with pytest.raises(ValueError, match="finite"):
            function([1.0, np.inf], [1.0, 2.0])
