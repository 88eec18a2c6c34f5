"""Splits: who trains, who validates, who tests. A person is in one of them only."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from records import stratification
from records.subject import Subject

SPLITS = ("train", "validation", "test")
DEFAULT_PERCENTAGES = (70.0, 20.0, 10.0)
# The published studies, 124, 35 and 17, are 88 people at two visits each, but 35 and 17
# are odd, so no split by person has these numbers. The nearest are 62, 17 and 9 people
# (124, 34 and 18 studies), or 62, 18 and 8: the former has no fewer test scans than
# were published. Other numbers of people are dealt in the same proportions.
PUBLISHED_PERSONS = (62, 17, 9)
PRESETS = {
    "published": tuple(100 * n / sum(PUBLISHED_PERSONS) for n in PUBLISHED_PERSONS),
}


def percentages_for(
    subjects: Sequence[Subject], asked: Sequence[float] | str | None
) -> Sequence[float] | None:
    """The percentages to deal by; None where the subjects bring their own splits.

    Where some bring splits and the others have a pool (`Subject.pool`), the percentages
    are those of these others.

    Args:
      subjects: the scans.
      asked: of train, validation and test, or a name in `PRESETS`; None leaves it to
        the subjects, and to `DEFAULT_PERCENTAGES` where they bring none. Within a pool
        these keep their proportions.

    Raises:
      ValueError: there is no such preset, percentages are asked for and subjects
        bring splits, or are asked for outside of the pool.
    """
    if isinstance(asked, str):
        if asked not in PRESETS:
            raise ValueError(
                f"There is no split {asked!r}; expected {', '.join(PRESETS)} or three "
                "percentages."
            )
        asked = PRESETS[asked]
    undecided = [subject for subject in subjects if subject.split is None]
    if len(undecided) == len(subjects):
        return DEFAULT_PERCENTAGES if asked is None else asked
    pools = {subject.pool for subject in undecided}
    if len(pools) == 1 and (pool := pools.pop()):
        return _within(pool, asked)
    if asked is not None:
        raise ValueError(
            f"The percentages {', '.join(f'{p:g}' for p in asked)} were asked for, and "
            "the scans bring splits of their own (by a column of the --persons table, "
            "or by their names). Leave out --split, or that column."
        )
    return None


def _within(pool: Sequence[str], asked: Sequence[float] | None) -> Sequence[float]:
    """Percentages of the splits of a pool alone."""
    in_pool = [split in pool for split in SPLITS]
    if asked is None:
        shares = np.where(in_pool, DEFAULT_PERCENTAGES, 0)
        return tuple(float(share) for share in 100 * shares / shares.sum())
    _check_percentages(asked)
    if any(p > 0 and not known for p, known in zip(asked, in_pool, strict=True)):
        others = " and ".join(split for split in SPLITS if split not in pool)
        raise ValueError(
            f"The percentages {', '.join(f'{p:g}' for p in asked)} were asked for, and "
            f"{others} is for the scans that bring it: the others are dealt to "
            f"{' and '.join(pool)}. Give {others} 0%, e.g. --split=80,20,0."
        )
    return asked


def assign(
    subjects: Iterable[Subject],
    percentages: Sequence[float] | None,
    seed: int,
    stratify: Sequence[str] = (),
) -> dict[str, list[Subject]]:
    """Sorts subjects into splits by person.

    Without percentages each subject must bring its own split. Else the persons of those
    that bring none are shuffled by `seed` and dealt out by largest remainder; every
    split above 0% gets at least one person.

    Args:
      subjects: the scans.
      percentages: of train, validation and test; they sum to 100 and count persons.
        None for the splits that the subjects bring; see `percentages_for`.
      seed: of the shuffle.
      stratify: grades whose values are to have like shares in all splits, as far as
        whole persons allow; see `records.stratification`. Each split has as many
        persons as without.

    Returns:
      The subjects of each split, ordered by id; a split may be empty.

    Raises:
      ValueError: fewer persons than splits above 0%, a person in two splits, splits
        given for some subjects only, or no subject that is dealt has such a grade.
    """
    subjects = sorted(subjects, key=lambda subject: subject.id)
    if percentages is None:
        _check_dealt(stratify)
        split_of = _given_splits(subjects)
    else:
        undecided = [s for s in subjects if s.split is None]
        given = _given_splits([s for s in subjects if s.split is not None])
        dealt = _deal(undecided, percentages, seed, stratify)
        _check_apart(given, dealt)
        split_of = given | dealt
    return {
        split: [s for s in subjects if split_of[s.person] == split] for split in SPLITS
    }


def largest_remainder(num_persons: int, percentages: Sequence[float]) -> list[int]:
    """Whole numbers of persons nearest to the percentages, in sum `num_persons`.

    Each share is rounded down and the rest goes to the largest remainders (Hamilton's
    method). A split above 0% that is left with nobody takes one from the largest.
    """
    exact = [num_persons * percentage / 100 for percentage in percentages]
    # Rounded, for 7.000000000000001 is a whole share, and ties go in order.
    counts = [math.floor(round(share, 9)) for share in exact]
    remainders = [
        round(share - count, 9) for share, count in zip(exact, counts, strict=True)
    ]
    largest_first = sorted(range(len(exact)), key=lambda n: -remainders[n])
    for index in largest_first[: num_persons - sum(counts)]:
        counts[index] += 1
    for index, percentage in enumerate(percentages):
        if percentage > 0 and counts[index] == 0:
            counts[counts.index(max(counts))] -= 1
            counts[index] = 1
    return counts


def _deal(
    subjects: Sequence[Subject],
    percentages: Sequence[float],
    seed: int,
    stratify: Sequence[str],
) -> dict[str, str]:
    _check_percentages(percentages)
    persons = sorted({subject.person for subject in subjects})
    wanted = [s for s, p in zip(SPLITS, percentages, strict=True) if p > 0]
    if len(persons) < len(wanted):
        raise ValueError(
            f"{len(persons)} persons cannot fill the splits {', '.join(wanted)}: a "
            "person goes to one split only. Give more scans, or fewer splits, e.g. "
            "--split=100,0,0 or --split=0,0,100."
        )
    counts = largest_remainder(len(persons), percentages)
    shuffled = np.random.default_rng(seed).permutation(np.array(persons))
    ends = np.cumsum(counts)
    dealt = {
        str(person): SPLITS[int(np.searchsorted(ends, place, side="right"))]
        for place, person in enumerate(shuffled)
    }
    return stratification.even_out(subjects, stratify, dealt) if stratify else dealt


def _given_splits(subjects: Sequence[Subject]) -> dict[str, str]:
    splits = defaultdict(set)
    for subject in subjects:
        if subject.split not in SPLITS:
            raise ValueError(
                f"Subject {subject.id!r}: expected a split out of {', '.join(SPLITS)} "
                f"(all subjects must bring one, or none); got {subject.split!r}."
            )
        splits[subject.person].add(subject.split)
    for person, found in splits.items():
        if len(found) > 1:
            raise ValueError(
                f"Person {person!r} would be in {' and '.join(sorted(found))}: all "
                "scans of a person belong to one split."
            )
    return {person: found.pop() for person, found in splits.items()}


def _check_dealt(stratify: Sequence[str]) -> None:
    if stratify:
        raise ValueError(
            f"--stratify={','.join(stratify)} is about dealing persons to splits, and "
            "the scans bring splits of their own. Leave out --stratify, or the column "
            "split of the --persons table."
        )


def _check_apart(given: Mapping[str, str], dealt: Mapping[str, str]) -> None:
    if both := sorted(given.keys() & dealt.keys()):
        raise ValueError(
            f"Person {both[0]!r} would be in {given[both[0]]} and "
            f"{dealt[both[0]]}: all scans of a person belong to one split."
        )


def _check_percentages(percentages: Sequence[float]) -> None:
    fits = len(percentages) == len(SPLITS) and all(0 <= p <= 100 for p in percentages)
    if not fits or abs(sum(percentages) - 100) > 1e-6:
        raise ValueError(
            "A split is three percentages that sum to 100, of train, validation and "
            f"test, e.g. 70,20,10; got {percentages}."
        )
