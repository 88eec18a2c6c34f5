"""Splits go by person."""

import pytest

from records import splits


@pytest.mark.parametrize(
    ("num_persons", "percentages", "expected"),
    [
        # Hamilton's method by hand: floors, then the largest remainders.
        (10, (70, 20, 10), [7, 2, 1]),
        (9, (70, 20, 10), [6, 2, 1]),  # 6.3 1.8 0.9
        (88, (70, 20, 10), [62, 17, 9]),  # 61.6 17.6 8.8; the tie goes in order
        (3, (70, 20, 10), [1, 1, 1]),  # 2.1 0.6 0.3: nobody left for the test
        (4, (90, 5, 5), [2, 1, 1]),  # 3.6 0.2 0.2
        (5, (100, 0, 0), [5, 0, 0]),
        (7, (0, 0, 100), [0, 0, 7]),
        (3, (33.4, 33.3, 33.3), [1, 1, 1]),
        (100, (7, 7, 86), [7, 7, 86]),  # 7.000000000000001 in floating point
    ],
)
def test_largest_remainder(num_persons, percentages, expected):
    assert splits.largest_remainder(num_persons, percentages) == expected


def test_a_person_is_in_one_split_only(make_subject):
    # As in the OAI: people at two time points.
    subjects = [
        make_subject(f"{n:02d}_{visit}", person=f"{n:02d}")
        for n in range(40)
        for visit in (0, 12)
    ]
    for seed in range(10):
        assigned = splits.assign(subjects, (70, 20, 10), seed)
        persons = [{s.person for s in assigned[split]} for split in splits.SPLITS]
        assert [len(found) for found in persons] == [28, 8, 4]
        assert len(set.union(*persons)) == 40
        assert sum(map(len, assigned.values())) == 80


def test_the_seed_alone_decides(make_subject):
    subjects = [make_subject(f"{n:02d}") for n in range(30)]
    first = splits.assign(subjects, (70, 20, 10), seed=1)
    assert splits.assign(reversed(subjects), (70, 20, 10), seed=1) == first
    assert splits.assign(subjects, (70, 20, 10), seed=2) != first


def test_too_few_persons_are_refused(make_subject):
    subjects = [make_subject(f"a{n}", person="a") for n in range(5)]
    with pytest.raises(ValueError, match=r"1 persons cannot fill .*--split=100,0,0"):
        splits.assign(subjects, (70, 20, 10), seed=0)
    assert len(splits.assign(subjects, (0, 0, 100), seed=0)["test"]) == 5


@pytest.mark.parametrize("percentages", [(70, 20, 20), (110, -10, 0), (50, 50), ()])
def test_percentages_must_be_three_that_sum_to_100(make_subject, percentages):
    with pytest.raises(ValueError, match="three percentages that sum to 100"):
        splits.assign([make_subject()], percentages, seed=0)


def test_splits_that_subjects_bring_are_kept(make_subject):
    given = {"a": "test", "b": "train", "c": "train"}
    subjects = [make_subject(name, split=split) for name, split in given.items()]
    assert splits.percentages_for(subjects, None) is None
    assigned = splits.assign(subjects, None, seed=0)
    assert {s.id: split for split in assigned for s in assigned[split]} == given


def test_a_person_brought_to_two_splits_is_refused(make_subject):
    subjects = [
        make_subject("a", person="p", split="train"),
        make_subject("b", person="p", split="test"),
    ]
    with pytest.raises(ValueError, match="'p' would be in test and train"):
        splits.assign(subjects, None, seed=0)


def test_percentages_and_splits_of_their_own_are_refused_together(make_subject):
    subjects = [make_subject("a", split="test"), make_subject("b")]
    with pytest.raises(ValueError, match=r"70, 20, 10 were asked for.*Leave out"):
        splits.percentages_for(subjects, (70.0, 20.0, 10.0))


@pytest.mark.parametrize(("asked", "given"), [(None, (70, 20, 10)), ((1, 2, 97),) * 2])
def test_percentages_are_those_asked_for_or_the_default(make_subject, asked, given):
    assert splits.percentages_for([make_subject()], asked) == given


@pytest.mark.parametrize("split", [None, "training"])
def test_splits_must_be_known_and_for_all(make_subject, split):
    subjects = [make_subject("a", split="train"), make_subject("b", split=split)]
    with pytest.raises(ValueError, match="Subject 'b': expected a split out of train"):
        splits.assign(subjects, None, seed=0)


@pytest.mark.parametrize(
    ("num_persons", "expected"),
    [
        # The published 124/35/17 studies are 88 persons at two visits: 62, 17.5, 8.5.
        (88, [62, 17, 9]),
        # Others in the same proportions, by Hamilton's method.
        (176, [124, 34, 18]),
        (10, [7, 2, 1]),
    ],
)
def test_the_published_split(make_subject, num_persons, expected):
    subjects = [
        make_subject(f"{n:03d}_{visit}", person=f"{n:03d}")
        for n in range(num_persons)
        for visit in ("V00", "V01")
    ]
    percentages = splits.percentages_for(subjects, "published")
    for seed in range(3):
        assigned = splits.assign(subjects, percentages, seed)
        persons = [{s.person for s in assigned[split]} for split in splits.SPLITS]
        assert [len(found) for found in persons] == expected
        assert len(set.union(*persons)) == num_persons
        assert [len(assigned[s]) for s in splits.SPLITS] == [2 * n for n in expected]


def test_an_unknown_split_lists_the_known_ones(make_subject):
    with pytest.raises(ValueError, match=r"no split 'paper'; expected published or"):
        splits.percentages_for([make_subject()], "paper")


def mixed(make_subject):
    """Two persons who bring the test, and nine whose pool is the others."""
    pool = ("train", "validation")
    return [
        *(make_subject(f"t{n}", split="test") for n in range(2)),
        *(make_subject(f"{n}", pool=pool) for n in range(9)),
    ]


@pytest.mark.parametrize(
    ("asked", "percentages", "numbers"),
    [
        # 70 to 20: of nine persons seven and two.
        (None, (700 / 9, 200 / 9, 0), [7, 2, 2]),
        ((34, 66, 0), (34, 66, 0), [3, 6, 2]),
        ((100, 0, 0), (100, 0, 0), [9, 0, 2]),
    ],
)
def test_those_of_a_pool_are_dealt_beside_those_that_bring_theirs(
    make_subject, asked, percentages, numbers
):
    subjects = mixed(make_subject)
    found = splits.percentages_for(subjects, asked)
    assert found == pytest.approx(percentages)
    for seed in range(3):
        assigned = splits.assign(subjects, found, seed)
        assert [len(assigned[split]) for split in splits.SPLITS] == numbers
        assert [s.id for s in assigned["test"]] == ["t0", "t1"]


def test_a_pool_where_nobody_brings_a_split_is_all_of_them(make_subject):
    subjects = mixed(make_subject)[2:]
    assert splits.percentages_for(subjects, None) == splits.DEFAULT_PERCENTAGES


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ((70, 20, 10), r"70, 20, 10 were asked for.* Give test 0%, e.g. --split=80,20"),
        ("published", "test is for the scans that bring it"),
        ((70, 20), "three percentages that sum to 100"),
    ],
)
def test_percentages_outside_of_the_pool_are_refused(make_subject, asked, message):
    with pytest.raises(ValueError, match=message):
        splits.percentages_for(mixed(make_subject), asked)


def test_a_person_both_dealt_and_brought_is_refused(make_subject):
    subjects = [*mixed(make_subject), make_subject("x", person="3", split="test")]
    with pytest.raises(ValueError, match=r"'3' would be in test and (train|valid)"):
        splits.assign(subjects, (80, 20, 0), seed=0)
