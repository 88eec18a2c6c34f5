import dataclasses

import numpy as np
import pytest

from deepresolve.evaluation import tables
from deepresolve.evaluation.subjects import evaluate_super_resolution


def by_key(rows, *names):
    return {tuple(row[name] for name in names): row for row in rows}


def with_values(results, values):
    """The same results with `values[image_set]` as every metric's numbers."""
    left = {image_set: 2 * list(given) for image_set, given in values.items()}
    order = sorted(results.measurements, key=lambda m: m.metric)
    return dataclasses.replace(
        results,
        measurements=tuple(
            dataclasses.replace(m, value=left[m.image_set].pop(0)) for m in order
        ),
    )


def test_rows_hold_mean_and_sample_deviation(results):
    known = with_values(
        results, {"sr": [2, 4, 6], "tci": [1, 1, 1], "fourier": [0, 0, 3]}
    )
    rows = by_key(tables.summary_rows(known), "metric", "image_set")
    assert len(rows) == 2 * 3
    for metric in ("ssim", "psnr"):
        assert rows[metric, "sr"] == {
            "image_set": "sr",
            "metric": metric,
            "class": None,
            "mean": 4.0,
            "sd": 2.0,
            "n": 3,
        }
        assert rows[metric, "tci"]["sd"] == 0.0
        assert rows[metric, "fourier"]["sd"] == pytest.approx(3**0.5)


def test_equal_image_sets_differ_with_p_one(results):
    tests = by_key(tables.paired_tests(results), "metric")
    for metric in ("ssim", "psnr"):
        test = tests[(metric,)]
        assert (test["a"], test["b"], test["class"]) == ("sr", "tci", None)
        assert (test["n"], test["num_zeros"]) == (3, 3)
        assert (test["statistic"], test["p"]) == (0.0, 1.0)


def test_three_of_three_better_is_a_quarter(better_results):
    for test in tables.paired_tests(better_results):
        assert (test["n"], test["num_zeros"], test["num_higher"]) == (3, 0, 3)
        assert test["p"] == pytest.approx(0.25)  # 2 of 2^3 sign patterns
        assert test["median_difference"] > 0


def test_table_has_the_papers_shape(results):
    known = with_values(
        results, {"sr": [0.79, 0.8, 0.81], "tci": [0.7] * 3, "fourier": [np.inf] * 3}
    )
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in tables.table(known).splitlines()
    ]
    assert lines[0] == ["", "Ground truth", "SR-CNN", "TCI", "Fourier"]
    assert set("".join(lines[1])) == {"-"}
    assert lines[2:] == [
        ["SSIM (x100)", "n/a", "80.00 ± 1.00", "70.00 ± 0.00", "inf (n = 3)"],
        ["pSNR (dB)", "n/a", "0.80 ± 0.01", "0.70 ± 0.00", "inf (n = 3)"],
    ]


def test_columns_stand_under_each_other(results):
    assert len({len(line) for line in tables.table(results).splitlines()}) == 1


def test_a_study_too_small_for_any_proof_is_told_so(results):
    assert "With n = 3 this test cannot give less than p = 0.25" in tables.summary(
        results
    )


def test_six_scans_can_prove_something(make_subject):
    results = evaluate_super_resolution(
        [make_subject(seed) for seed in range(6)], lambda x: x, downsample_factor=3
    )
    assert "cannot" not in tables.summary(results)


def test_scans_of_one_person_are_told(make_subject):
    twins = [make_subject(seed, person="one") for seed in range(2)]
    results = evaluate_super_resolution(twins, lambda x: x, downsample_factor=3)
    assert "2 scans are of 1 people" in tables.summary(results)
