"""Results together with the statistics drawn from them, each computed once."""

from __future__ import annotations

import dataclasses
from typing import Any

from deepresolve.evaluation import comparisons, volumes
from deepresolve.evaluation.results import Results


@dataclasses.dataclass(frozen=True, eq=False)
class Analysis:
    """What the report and the figures are made from.

    Attributes:
      results: what was measured.
      tests: rows of `comparisons.paired_tests`.
      volumes: rows of `volumes.agreement`.
    """

    results: Results
    tests: list[dict[str, Any]]
    volumes: list[dict[str, Any]]


def analyse(results: Results) -> Analysis:
    """Tests and compares what was measured."""
    return Analysis(
        results, comparisons.paired_tests(results), volumes.agreement(results)
    )
