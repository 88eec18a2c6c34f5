"""Statistics drawn from what was measured, each computed once."""

from __future__ import annotations

from deepresolve.evaluation.supplement import Supplement
from deepresolve.evaluation.table_1 import paired_tests, volumes
from deepresolve.evaluation.table_1.results import Analysis, Results


def analyse(results: Results, scores: Supplement | None = None) -> Analysis:
    """Tests and compares what was measured."""
    return Analysis(
        results, paired_tests.paired_tests(results), volumes.agreement(results), scores
    )
