"""Counts and lists in the texts that people read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def counted(number: int, noun: str) -> str:
    """A number of things: "1 slice", "3 slices"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def millimetres(lengths: Iterable[float]) -> str:
    """Lengths along axes, to four digits: "0.5 x 0.5 x 3 mm"."""
    return " x ".join(f"{length:.4g}" for length in lengths) + " mm"


def either(texts: Sequence[str], last: str = " or ") -> str:
    """Texts of which one holds: ".mha, .mhd or .nrrd"."""
    return last.join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


def listed(texts: Iterable[str], most: int = 8, separator: str = ", ") -> str:
    """Texts in a row; of more than `most` the first, and how many more there are."""
    texts = list(texts)
    more = len(texts) - most
    return separator.join(texts[:most]) + (f" and {more} more" if more > 0 else "")
