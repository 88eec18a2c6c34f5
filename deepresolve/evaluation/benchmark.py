"""A run beside a benchmark on the same subjects: paired tests, and what is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deepresolve.evaluation.paired import compared, with_holm
from deepresolve.evaluation.results import Measurement
from deepresolve.evaluation.tables import TESTS_HEADER, test_line
from deepresolve.metrics.table import METRICS
from deepresolve.reports.document import Block, Heading, Paragraph, Table

# What a benchmark is called as the source of what it made.
BENCHMARK = "benchmark"
_NOTE = (
    "The run less the benchmark, in the units of the table above: two-sided Wilcoxon "
    "signed-rank tests with Holm's correction over all rows, 95% bootstrap intervals "
    "of the mean difference, rank-biserial correlation as the effect size. Without a "
    "difference two need not be alike: see the interval."
)

_What = tuple[str, str, str | None]


def paired_tests(measurements: Iterable[Measurement]) -> list[dict[str, Any]]:
    """Two-sided Wilcoxon signed-rank tests of a run against its benchmark.

    Args:
      measurements: of both; those of the benchmark have its source's name.

    Returns:
      Dicts of family, image_set, metric, class, network and the numbers of
      `paired.compared` of the run less the benchmark, with p_holm; of what both have a
      number of. Nothing of what both have the very same numbers of, such as of an
      interpolation that stands beside both.
    """
    numbers: dict[_What, dict[str, dict[str, float]]] = {}
    for m in measurements:
        of = numbers.setdefault((m.image_set, m.metric, m.label_class), {})
        of.setdefault(m.source, {})[m.subject] = m.value
    rows = []
    for (image_set, metric, label_class), of in numbers.items():
        for source in (name for name in of if name != BENCHMARK):
            own, other = of[source], of.get(BENCHMARK, {})
            both = [subject for subject in own if subject in other]
            a, b = ([values[subject] for subject in both] for values in (own, other))
            if a != b:
                row = {
                    **{"family": BENCHMARK, "image_set": image_set, "metric": metric},
                    **{"class": label_class, "network": source},
                }
                rows.append(row | compared(a, b))
    return with_holm(rows)


def blocks(tests: Sequence[Mapping[str, Any]]) -> list[Block]:
    """A row a test, and how to read it."""
    lines = []
    for test in tests:
        metric, place = METRICS[test["metric"]], test["class"] or test["image_set"]
        title = f"{metric.heading}, {place}"
        sides = f"{test['network']} - {BENCHMARK}"
        lines.append(test_line(test, title, sides, metric.table_scale))
    return [
        Heading("Beside the benchmark", 3),
        Table(TESTS_HEADER, tuple(lines), num_text_columns=2),
        Paragraph(_NOTE),
    ]
