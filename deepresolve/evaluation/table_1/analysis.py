"""Results together with the statistics drawn from them, each computed once."""

from __future__ import annotations

import dataclasses
from typing import Any

from deepresolve.evaluation import reader_scores
from deepresolve.evaluation.reader_scores import ReaderScores
from deepresolve.evaluation.table_1 import comparisons, volumes
from deepresolve.evaluation.table_1.results import Results


@dataclasses.dataclass(frozen=True, eq=False)
class Analysis:
    """What the report and the figures are made from.

    Attributes:
      results: what was measured.
      tests: rows of `comparisons.paired_tests`.
      volumes: rows of `volumes.agreement`.
      readers: scores of a reader study; None without one.
      reader_tests: rows of `reader_scores.paired_tests`; empty without one.
    """

    results: Results
    tests: list[dict[str, Any]]
    volumes: list[dict[str, Any]]
    readers: ReaderScores | None = None
    reader_tests: list[dict[str, Any]] = dataclasses.field(default_factory=list)


def analyse(results: Results, readers: ReaderScores | None = None) -> Analysis:
    """Tests and compares what was measured, and what readers made of it."""
    return Analysis(
        results,
        comparisons.paired_tests(results),
        volumes.agreement(results),
        readers,
        reader_scores.paired_tests(readers) if readers else [],
    )
