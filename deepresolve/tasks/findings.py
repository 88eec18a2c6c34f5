"""What a task says of how far its prediction can be trusted."""

from __future__ import annotations

from typing import Any, NamedTuple


class Finding(NamedTuple):
    """One thing that is off about a prediction.

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


class Section(NamedTuple):
    """One section of the report on a prediction.

    Attributes:
      values: what was measured, as JSON values.
      findings: what of it is off.
    """

    values: dict[str, Any]
    findings: tuple[Finding, ...] = ()


def digits(value: float) -> float:
    """Rounded to three digits, which is what a report needs."""
    return float(f"{value:.3g}")
