"""Persons exchanged between splits until grades have like shares in all of them.

scikit-learn's StratifiedGroupKFold keeps the shares of one label in folds of equal
size. Here are several grades, of which scans may lack some, splits of any size, and
as many persons in each as were asked for: persons are dealt as ever, then the two of
two splits whose exchange makes the shares most alike change places, until no exchange
of two makes them more so.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from records.subject import Subject

# Of the unevenness: less is rounding.
_LEAST_GAIN = 1e-9


class _Exchange(NamedTuple):
    """Two persons of different kinds in two splits, and how much more even it gets."""

    gain: float
    places: tuple[int, int]
    kinds: tuple[int, int]


def even_out(
    subjects: Sequence[Subject], stratify: Sequence[str], split_of: Mapping[str, str]
) -> dict[str, str]:
    """The split of each person, once grades have like shares in all splits.

    Unevenness is the sum, over the values of the grades and the splits, of the squared
    distance between the number of scans and the split's share of them by persons,
    divided by all scans of that value. To lack a grade counts as a value of it.

    Args:
      subjects: the scans; the grades of a person are those of all his scans.
      stratify: names of grades.
      split_of: the split of each person before; its order decides among equals.

    Raises:
      ValueError: no scan has such a grade.
    """
    _check_known(subjects, stratify)
    held = _held(subjects, stratify, list(split_of))
    names = sorted(set(split_of.values()))
    places = np.array([names.index(split) for split in split_of.values()])
    # Of many persons few are of different kinds, which alone are compared.
    kinds, kind_of = np.unique(held, axis=0, return_inverse=True)
    kind_of = kind_of.reshape(-1)  # NumPy 2.0 keeps an axis more.
    while (best := _best_exchange(held, kinds, kind_of, places)).gain > _LEAST_GAIN:
        pairs = zip(best.places, best.kinds, strict=True)
        here, there = (
            int(np.flatnonzero((places == place) & (kind_of == kind))[0])
            for place, kind in pairs
        )
        places[[here, there]] = places[[there, here]]
    return {
        person: names[place] for person, place in zip(split_of, places, strict=True)
    }


def _held(
    subjects: Sequence[Subject], stratify: Sequence[str], persons: Sequence[str]
) -> np.ndarray:
    """(persons, values) float64: how many scans of each value a person has."""
    row_of = {person: row for row, person in enumerate(persons)}
    found = [
        (row_of[subject.person], (name, subject.grades.get(name)))
        for subject in subjects
        for name in stratify
    ]
    column_of = {value: n for n, value in enumerate(dict.fromkeys(v for _, v in found))}
    held = np.zeros((len(persons), len(column_of)))
    for row, value in found:
        held[row, column_of[value]] += 1
    return held


def _best_exchange(
    held: np.ndarray, kinds: np.ndarray, kind_of: np.ndarray, places: np.ndarray
) -> _Exchange:
    """The exchange that gains most, the first of equals; 0 where there is none.

    Args:
      held: (persons, values) scans of each person.
      kinds: (kinds, values) the different rows of it.
      kind_of: (persons,) which of them each person is.
      places: (persons,) the split of each.
    """
    total = held.sum(axis=0)
    sizes = np.bincount(places)
    sums = np.array([held[places == place].sum(axis=0) for place in range(len(sizes))])
    off = sums - np.outer(sizes / len(places), total)
    best = _Exchange(0.0, (0, 0), (0, 0))
    for here, there in itertools.combinations(range(len(sizes)), 2):
        first, second = (np.unique(kind_of[places == n]) for n in (here, there))
        gains = _gains(kinds[first], kinds[second], off[here] - off[there], 1 / total)
        row, column = np.unravel_index(np.argmax(gains), gains.shape)
        gain = float(gains[row, column])
        if gain > best.gain + _LEAST_GAIN:
            of_both = (int(first[row]), int(second[column]))
            best = _Exchange(gain, (here, there), of_both)
    return best


def _gains(
    first: np.ndarray, second: np.ndarray, excess: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """How much unevenness falls when a person leaves one split for one of another.

    With d = a - b, of scans that the first split gives and gets, its distances change
    from x to x - d and the second one's from y to y + d: x^2 + y^2 fall by
    2 d (x - y) - 2 d^2.

    Args:
      first: (m, values) scans of the persons a of the first split.
      second: (n, values) scans of the persons b of the second.
      excess: (values,) x - y.
      weights: (values,) of the squares.

    Returns:
      (m, n)
    """
    along = weights * excess
    linear = np.subtract.outer(first @ along, second @ along)
    squares = np.add.outer(first**2 @ weights, second**2 @ weights)
    return 2 * (linear - squares + 2 * (first * weights) @ second.T)


def _check_known(subjects: Sequence[Subject], stratify: Sequence[str]) -> None:
    known = sorted({name for subject in subjects for name in subject.grades})
    if unknown := [name for name in stratify if name not in known]:
        of_set = f"the grades are: {', '.join(known)}" if known else "they have none"
        raise ValueError(
            f"--stratify={','.join(stratify)}: no scan that is dealt to a split has a "
            f"grade {unknown[0]!r}; {of_set}. Grades come from the dataset (mrnet), or "
            "from a table given as --grades (folder)."
        )
