"""A run beside a benchmark: paired tests of what both were measured by."""

import numpy as np
import pytest
from scipy import stats

from deepresolve.evaluation import benchmark
from deepresolve.evaluation.results import Measurement
from deepresolve.reports import markdown

RANDOM = np.random.default_rng(0)
OTHERS = RANDOM.uniform(0.7, 0.9, 9)
OWN = OTHERS + RANDOM.normal(0.02, 0.02, 9)


def measured(source, values, label_class="femur", metric="dsc"):
    return [
        Measurement(f"knee-{n}", "", source, "truth", metric, label_class, float(value))
        for n, value in enumerate(values)
    ]


def test_what_both_were_measured_by_is_tested():
    rows = benchmark.paired_tests(
        [
            *measured("seg", OWN),
            # Not of the first one: its pair is left out.
            *measured("benchmark", OTHERS)[1:],
            *measured("seg", OWN, "tibia"),
        ]
    )
    (row,) = rows
    expected = stats.wilcoxon(OWN[1:], OTHERS[1:])
    assert (row["n"], row["class"], row["network"]) == (8, "femur", "seg")
    assert row["p"] == pytest.approx(expected.pvalue)
    assert row["mean_difference"] == pytest.approx(np.mean(OWN[1:] - OTHERS[1:]))


def test_holms_correction_is_over_all_rows():
    rows = benchmark.paired_tests(
        [
            *measured("seg", OWN),
            *measured("benchmark", OTHERS),
            *measured("seg", OWN, "tibia"),
            *measured("benchmark", OTHERS[::-1], "tibia"),
        ]
    )
    smaller, larger = sorted(rows, key=lambda row: row["p"])
    assert smaller["p_holm"] == pytest.approx(min(1, 2 * smaller["p"]))
    assert larger["p_holm"] == pytest.approx(max(larger["p"], smaller["p_holm"]))


def test_what_is_the_same_number_is_no_row():
    same = [*measured("sr", OWN), *measured("benchmark", OWN)]
    assert benchmark.paired_tests(same) == []
    assert benchmark.paired_tests(measured("seg", OWN)) == []


def test_a_table_has_units_of_the_metric():
    tests = benchmark.paired_tests(
        [*measured("seg", OTHERS + 0.03), *measured("benchmark", OTHERS)]
    )
    text = markdown.render(benchmark.blocks(tests))
    assert "| DSC (%), femur | seg - benchmark | " in text
    assert "+3.00 to +3.00" in text
