"""Tables of the tests, of agreement in volume, and of seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deepresolve.evaluation.rows import seconds_rows
from deepresolve.evaluation.table_1 import published
from deepresolve.evaluation.table_1.paired_tests import FAMILIES
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.results import Results
from deepresolve.evaluation.tables import TESTS_HEADER, test_line
from deepresolve.reports.document import Table
from deepresolve.reports.number_text import NOT_APPLICABLE, number_text


def tests_table(
    plan: Plan, tests: Sequence[Mapping[str, Any]], *, further: bool = False
) -> Table:
    """The tests of the paper's measures, or of the further ones.

    Args:
      plan: what was done.
      tests: rows of `paired_tests.paired_tests`.
      further: which.
    """
    chosen = [test for test in tests if (test["family"] not in FAMILIES) == further]
    rows = tuple(_test_line(plan, test) for test in chosen)
    return Table(TESTS_HEADER, rows, num_text_columns=2)


def _test_line(plan: Plan, test: Mapping[str, Any]) -> tuple[str, ...]:
    metric = plan.metrics[test["metric"]]
    title = metric.heading
    if test["class"] is not None:
        title += f", {test['class']}"
    sides = f"{_side(plan, test['a'], test)} - {_side(plan, test['b'], test)}"
    return test_line(test, title, sides, metric.table_scale)


def _side(plan: Plan, side: str, test: Mapping[str, Any]) -> str:
    networks = test["family"].startswith("benchmark")
    return plan.networks[side].title if networks else plan.titles[side]


def volumes_table(plan: Plan, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Agreement of volumes, from the rows of `volumes.agreement`."""
    header = (
        *("Class", "Network", "Image set", "n", "Bias (mm³)"),
        *("Limits of agreement (mm³)", "RMS-CV (%)"),
    )
    lines = []
    for row in rows:
        bias, lower, upper = (
            number_text(row[key], "+.0f") for key in ("bias", "lower", "upper")
        )
        lines.append(
            (
                row["class"],
                plan.networks[row["network"]].title,
                plan.titles[row["image_set"]],
                str(row["n"]),
                bias,
                f"{lower} to {upper}",
                number_text(100 * row["rms_cv"], ".2f"),
            )
        )
    return Table(header, tuple(lines), num_text_columns=3)


def seconds_table(results: Results) -> Table:
    """Seconds per volume of each network, published ones beside ours."""
    header = ("Network", "Volumes", "Median (s)", "Range (s)", "Published (s)")
    lines = []
    for row in seconds_rows(results.plan.networks, results.timings):
        paper = published.seconds(results.plan, row["network"])
        lines.append(
            (
                results.plan.networks[row["network"]].title,
                str(row["n"]),
                f"{row['median']:.2f}",
                f"{row['min']:.2f} to {row['max']:.2f}",
                NOT_APPLICABLE if paper is None else str(paper),
            )
        )
    return Table(header, tuple(lines))
