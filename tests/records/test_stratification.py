"""Splits in which grades have like shares."""

import itertools

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from records import splits


@pytest.fixture
def make_scan(make_subject, make_volume):
    """Makes a scan of a person with grades, all of one image."""
    image = make_volume()

    def make(name, person, **grades):
        known = {grade: value for grade, value in grades.items() if value is not None}
        return make_subject(
            name, person=person, image=image, labelled=False, scalars=known
        )

    return make


def people(make_scan, values, *, scans=1, **others):
    """`scans` scans of a person for each value of acl, None for one that lacks it."""
    return [
        make_scan(
            f"{n:03d}_{visit}",
            f"{n:03d}",
            acl=value,
            **{name: given[n] for name, given in others.items()},
        )
        for n, value in enumerate(values)
        for visit in range(scans)
    ]


def held(assigned, name="acl"):
    """By split how many scans have each value."""
    return {
        split: {
            value: sum(s.grades.get(name) == value for s in assigned[split])
            for value in {s.grades.get(name) for s in assigned[split]}
        }
        for split in splits.SPLITS
    }


def test_whole_shares_are_kept_exactly(make_scan):
    subjects = people(make_scan, [1] * 20 + [0] * 80)
    for seed in range(5):
        assigned = splits.assign(subjects, (70, 20, 10), seed, ["acl"])
        # 20 and 80 times 0.7, 0.2 and 0.1.
        assert held(assigned) == {
            "train": {1: 14, 0: 56},
            "validation": {1: 4, 0: 16},
            "test": {1: 2, 0: 8},
        }


@pytest.mark.parametrize("seed", range(10))
def test_one_grade_is_off_by_less_than_a_person(make_scan, seed):
    rng = np.random.default_rng(seed)
    values = (rng.random(rng.integers(10, 60)) < rng.random()).astype(int).tolist()
    assigned = splits.assign(
        people(make_scan, values, scans=3), (70, 20, 10), seed, ["acl"]
    )
    for split, counts in held(assigned).items():
        for value, count in counts.items():
            share = values.count(value) / len(values)
            assert abs(count / 3 - share * len(assigned[split]) / 3) < 1, split


def test_several_grades_and_those_that_lack_one_are_shared_out(make_scan):
    # Each of the 2 x 3 x 2 combinations for 10 persons.
    rows = list(itertools.product((0, 1), (0, 2, None), (7, 8))) * 10
    tear, acl, kl = zip(*rows, strict=True)
    subjects = people(make_scan, acl, tear=tear, kl=kl)
    assigned = splits.assign(subjects, (50, 30, 20), 3, ["acl", "tear", "kl"])
    expected = {"train": 0.5, "validation": 0.3, "test": 0.2}
    for name, each in (("acl", 40), ("tear", 60), ("kl", 60)):
        for split, counts in held(assigned, name).items():
            assert set(counts.values()) == {each * expected[split]}, (name, split)


def test_it_keeps_shares_at_least_as_well_as_scikit_learn(make_scan):
    """scikit-learn's five folds, of which one is the test, of persons of 1 to 4 scans.

    How far the count of each value in the test is off its share of the test's scans,
    summed up over 20 sets.
    """
    rng = np.random.default_rng(0)
    ours, theirs = 0.0, 0.0
    for seed in range(20):
        sizes = rng.integers(1, 5, 50)
        acl = rng.permutation([0] * 30 + [1] * 15 + [2] * 5)
        persons = np.repeat(np.arange(50), sizes)
        y = acl[persons]
        subjects = [
            make_scan(f"{n:03d}", f"{persons[n]:02d}", acl=value)
            for n, value in enumerate(y.tolist())
        ]
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        _, chosen = next(folds.split(y, y, persons))
        theirs += deviation(y, y[chosen])
        assigned = splits.assign(subjects, (80, 0, 20), seed, ["acl"])
        assert {s.person for s in assigned["train"]}.isdisjoint(
            s.person for s in assigned["test"]
        )
        ours += deviation(y, np.array([s.grades["acl"] for s in assigned["test"]]))
    assert ours <= theirs


def deviation(y, chosen):
    return sum(
        abs(np.sum(chosen == value) - np.mean(y == value) * len(chosen))
        for value in range(3)
    )


def test_numbers_of_persons_are_those_without(make_scan):
    subjects = people(make_scan, [0, 1, 2] * 11 + [None] * 4, scans=2)
    for split in ((70, 20, 10), (34, 33, 33), (0, 5, 95)):
        plain = splits.assign(subjects, split, 1)
        even = splits.assign(subjects, split, 1, ["acl"])
        assert {k: len({s.person for s in v}) for k, v in even.items()} == {
            k: len({s.person for s in v}) for k, v in plain.items()
        }
        persons = [{s.person for s in members} for members in even.values()]
        assert sum(map(len, persons)) == len(set.union(*persons)) == 37


def test_the_seed_alone_decides(make_scan):
    subjects = people(make_scan, [0, 1] * 15)
    first = splits.assign(subjects, (70, 20, 10), 1, ["acl"])
    assert splits.assign(reversed(subjects), (70, 20, 10), 1, ["acl"]) == first
    assert splits.assign(subjects, (70, 20, 10), 2, ["acl"]) != first


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0, 1, 1], r"--stratify=acl,tear: no scan .* 'tear'; the grades are: acl"),
        ([None] * 3, "a grade 'acl'; they have none. Grades come from the dataset"),
    ],
)
def test_a_grade_that_nobody_has_is_refused(make_scan, values, message):
    with pytest.raises(ValueError, match=message):
        splits.assign(people(make_scan, values), (34, 33, 33), 0, ["acl", "tear"])


def test_who_brings_a_split_is_not_dealt(make_subject):
    subjects = [make_subject(n, split="test", scalars={"acl": 1}) for n in "ab"]
    with pytest.raises(ValueError, match=r"--stratify=acl is about dealing persons"):
        splits.assign(subjects, None, 0, ["acl"])
