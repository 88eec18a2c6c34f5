"""What is off about a prediction."""

from __future__ import annotations

from typing import Any, NamedTuple


class Flag(NamedTuple):
    """One thing that is off.

    Attributes:
      what: which number of the report.
      found: its value, as JSON.
      expected: what it should be, as JSON: a value, or the lowest and the highest.
      text: the same as a line for people.
    """

    what: str
    found: Any
    expected: Any
    text: str


def digits(value: float) -> float:
    """Rounded to three digits, which is what a report needs."""
    return float(f"{value:.3g}")
