"""Who sees what when and where: balanced, random, and the same for the same seed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np


def order(
    num_cases: int, repeats: int, random: np.random.Generator
) -> list[tuple[int, int]]:
    """The order in which a reader sees the cases.

    All cases once, then all of them again, each time shuffled anew; no case comes right
    after itself.

    Args:
      num_cases: cases of the study, 2 or more where they are repeated.
      repeats: how often each is shown.
      random: source of the order.

    Returns:
      (case, repeat) of each presentation, both from 0.
    """
    shown: list[tuple[int, int]] = []
    for repeat in range(repeats):
        cases = [int(case) for case in random.permutation(num_cases)]
        if shown and cases[0] == shown[-1][0]:
            other = int(random.integers(1, num_cases))
            cases[0], cases[other] = cases[other], cases[0]
        shown += [(case, repeat) for case in cases]
    return shown


def arrange(
    cases: Sequence[int], num_sets: int, random: np.random.Generator
) -> list[tuple[int, ...]]:
    """Which image set stands where in each presentation.

    Each block of `num_sets` presentations is a Latin square: every set stands once at
    every place. Over whole blocks all places are therefore equally frequent. Within its
    block a case comes, as far as that goes, in an arrangement that it did not have yet.

    Args:
      cases: of the presentations, in their order.
      num_sets: how many sets lie side by side.
      random: source of the squares.

    Returns:
      For each presentation, numbers of sets from left to right.
    """
    placed: list[tuple[int, ...]] = []
    seen: set[tuple[int, tuple[int, ...]]] = set()
    for start in range(0, len(cases), num_sets):
        block = cases[start : start + num_sets]
        rows = _latin_square(num_sets, random)
        orders = list(itertools.permutations(rows, len(block)))
        again = [_num_seen(seen, block, chosen) for chosen in orders]
        best = [
            o for o, count in zip(orders, again, strict=True) if count == min(again)
        ]
        chosen = best[int(random.integers(len(best)))]
        seen.update(zip(block, chosen, strict=True))
        placed += chosen
    return placed


def _num_seen(seen: set, block: Sequence[int], rows: Sequence[tuple[int, ...]]) -> int:
    """How many cases of a block would come as they came before."""
    return sum(pair in seen for pair in zip(block, rows, strict=True))


def _latin_square(size: int, random: np.random.Generator) -> list[tuple[int, ...]]:
    """Rows of a cyclic Latin square of a random first row."""
    first = [int(number) for number in random.permutation(size)]
    return [tuple(first[shift:] + first[:shift]) for shift in range(size)]
