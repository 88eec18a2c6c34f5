"""Lines of tables of paired tests, and what their marks say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deepresolve.evaluation.paired import SIGNIFICANCE
from deepresolve.reports.number_text import number_text, p_text

TESTS_HEADER = (
    *("Measure", "Compared", "n", "Higher in", "Mean difference", "95% interval"),
    *("Effect size", "W", "p", "p (Holm)"),
)


def test_line(
    test: Mapping[str, Any], title: str, sides: str, scale: float = 1.0
) -> tuple[str, ...]:
    """A test under `TESTS_HEADER`.

    Args:
      test: a row of `paired_tests.paired_tests`.
      title: what was measured.
      sides: what was compared.
      scale: of the table's units.
    """
    difference, low, high = (
        number_text(test[key] * scale, "+.2f")
        for key in ("mean_difference", "interval_low", "interval_high")
    )
    return (
        title,
        sides,
        str(test["n"]),
        f"{test['num_higher']} of {test['n']}",
        difference,
        f"{low} to {high}",
        number_text(test["effect_size"], "+.2f"),
        f"{test['statistic']:g}",
        p_text(test["p"]),
        p_text(test["p_holm"]),
    )


def legend_text(meanings: Sequence[str]) -> str:
    """What a table's numbers are, and its marks, each with what it says."""
    if not meanings:
        return "Mean ± standard deviation."
    return (
        f"Mean ± standard deviation. {'; '.join(meanings)}: two-sided Wilcoxon "
        f"signed-rank test, p < {SIGNIFICANCE} after Holm's correction. A mark says "
        "that there is a difference, not which side is better; no mark does not say "
        "that two are alike: see the interval of their difference."
    )
