"""Statistics drawn from what was measured, each computed once."""

from __future__ import annotations

from deepresolve.evaluation.supplement import Supplement
from deepresolve.evaluation.table_1 import paired_tests, relaxation, thickness, volumes
from deepresolve.evaluation.table_1.results import Analysis, Results


def analyse(results: Results, scores: Supplement | None = None) -> Analysis:
    """Tests and compares what was measured."""
    return Analysis(
        results,
        tests=paired_tests.paired_tests(results),
        volumes=volumes.agreement(results),
        thickness=thickness.agreement(results),
        thickness_tests=thickness.tests(results),
        t2=relaxation.agreement(results),
        t2_tests=relaxation.tests(results),
        scores=scores,
    )
