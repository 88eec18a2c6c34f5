import collections
import itertools

import numpy as np
import pytest

from deepresolve.reading.study import placement


def generator(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("cases", "repeats"), [(1, 1), (2, 2), (2, 5), (7, 3)])
def test_every_case_comes_as_often_and_never_after_itself(cases, repeats):
    for seed in range(40):
        order = placement.order(cases, repeats, generator(seed))
        expected = [
            (case, repeat) for case in range(cases) for repeat in range(repeats)
        ]
        assert sorted(order) == expected
        assert all(a[0] != b[0] for a, b in itertools.pairwise(order))
        # All are seen before any is seen again.
        assert [repeat for _, repeat in order] == sorted(r for _, r in order)


def test_orders_differ_by_seed_and_only_by_it():
    orders = {tuple(placement.order(6, 2, generator(seed))) for seed in range(20)}
    assert len(orders) == 20
    assert placement.order(6, 2, generator(3)) == placement.order(6, 2, generator(3))


@pytest.mark.parametrize("num_sets", [2, 3, 4])
def test_each_set_stands_at_each_place_equally_often(num_sets):
    cases = [case for case, _ in placement.order(2 * num_sets, 2, generator())]
    rows = placement.arrange(cases, num_sets, generator())
    counts = collections.Counter(pair for row in rows for pair in enumerate(row))
    assert set(counts.values()) == {len(rows) // num_sets}
    assert len(counts) == num_sets**2
    assert all(sorted(row) == list(range(num_sets)) for row in rows)


def test_a_block_cut_short_is_balanced_to_one():
    rows = placement.arrange(list(range(5)), 3, generator())
    counts = collections.Counter(pair for row in rows for pair in enumerate(row))
    assert {counts[pair] for pair in counts} == {1, 2}


def test_a_case_comes_back_in_another_arrangement():
    same = 0
    for seed in range(50):
        cases = [case for case, _ in placement.order(6, 2, generator(seed))]
        rows = placement.arrange(cases, 3, generator(seed))
        first, second = (
            dict(zip(cases[half], rows[half], strict=True))
            for half in (slice(6), slice(6, 12))
        )
        same += sum(first[case] == second[case] for case in first)
    # By chance a sixth of the 300 would be.
    assert same < 5


def test_all_arrangements_occur():
    rows = [r for s in range(30) for r in placement.arrange([0, 1, 2], 3, generator(s))]
    assert len(set(rows)) == 6
