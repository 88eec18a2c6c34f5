import itertools

import numpy as np
import pytest
from scipy import stats

from deepresolve.evaluation import statistics

# Darwin's maize: height of cross- minus self-fertilised plants in eighths of an inch
# (Fisher, The Design of Experiments, 1935). Ranks of the negative ones, 48 and 67, are
# 10 and 14, so that W = 24.
MAIZE = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]


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


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [[1.0], [2.0]]])
def test_no_values_and_nan_are_refused(values):
    with pytest.raises(ValueError, match="at least one value"):
        statistics.mean_sd(values)
    with pytest.raises(ValueError, match="at least one value"):
        statistics.wilcoxon(values, values)


def test_unpaired_values_are_refused():
    with pytest.raises(ValueError, match="3 and 2 values"):
        statistics.wilcoxon([1, 2, 3], [1, 2])
