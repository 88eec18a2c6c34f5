import numpy as np
import pytest
from scipy import stats

from deepresolve.evaluation.paired import least_corrected_p
from deepresolve.evaluation.table_1.paired_tests import marks, paired_tests
from deepresolve.metrics.table import of

IMAGE_METRICS = of("images")
# Volumes are measured, but not compared.
LABEL_METRICS = {name: m for name, m in of("masks").items() if m.best is not None}


def by_key(tests):
    return {(t["metric"], t["class"], t["a"], t["b"]): t for t in tests}


def test_every_pair_of_the_paper_is_tested(full_analysis):
    tissues = ("bright tissue", "dark tissue")
    pairs = (("sr", "ground_truth"), ("sr", "tci"), ("seg", "benchmark"))
    expected = {(metric, None, "sr", "tci") for metric in IMAGE_METRICS} | {
        (metric, tissue, *pair)
        for metric in LABEL_METRICS
        for tissue in tissues
        for pair in pairs
    }
    assert len(full_analysis.tests) == len(expected)
    assert set(by_key(full_analysis.tests)) == expected
    assert {"n", "statistic", "p", "p_holm", "effect_size"} <= set(
        full_analysis.tests[0]
    )


def test_families_are_the_claims_and_what_is_beyond_the_paper(full_analysis):
    families = {}
    for test in full_analysis.tests:
        families.setdefault(test["family"], set()).add(test["metric"])
    assert families == {
        "image": {"ssim", "psnr"},
        "image, further": set(IMAGE_METRICS) - {"ssim", "psnr"},
        "segmented, TCI": {"dsc", "voe"},
        "segmented, TCI, further": set(LABEL_METRICS) - {"dsc", "voe"},
        "segmented, truth": {"dsc", "voe"},
        "segmented, truth, further": set(LABEL_METRICS) - {"dsc", "voe"},
        "benchmark": {"dsc", "voe"},
        "benchmark, further": set(LABEL_METRICS) - {"dsc", "voe"},
    }


def test_numbers_are_those_of_scipy(full_results, full_analysis):
    test = by_key(full_analysis.tests)["dsc", "dark tissue", "sr", "tci"]
    sr, tci = (
        full_results.values("dsc", s, network="seg", label_class="dark tissue")
        for s in ("sr", "tci")
    )
    expected = stats.wilcoxon(sr, tci)
    assert test["n"] == 8
    assert test["statistic"] == expected.statistic
    assert test["p"] == pytest.approx(expected.pvalue)
    assert test["mean_difference"] == pytest.approx(np.mean(sr) - np.mean(tci))
    assert test["interval_low"] < test["mean_difference"] < test["interval_high"]


def test_holm_is_within_a_family(full_analysis):
    """Each p times the number of those not smaller, by hand in the smallest one."""
    own = [t for t in full_analysis.tests if t["family"] == "segmented, TCI"]
    assert len(own) == 4  # two metrics, two tissues
    smallest = min(own, key=lambda t: t["p"])
    assert smallest["p_holm"] == pytest.approx(min(1, 4 * smallest["p"]))
    for test in own:
        assert test["p"] <= test["p_holm"] <= 1


def test_better_in_all_eight_is_the_least_p(full_analysis):
    test = by_key(full_analysis.tests)["psnr", None, "sr", "tci"]
    assert (test["num_higher"], test["effect_size"]) == (8, 1.0)
    assert test["p"] == pytest.approx(2 / 2**8)
    assert test["p_holm"] == pytest.approx(2 * 2 / 2**8)  # SSIM is better in all, too


def test_equal_image_sets_differ_with_p_one(results):
    for test in paired_tests(results):
        assert (test["a"], test["b"], test["class"]) == ("sr", "tci", None)
        assert (test["n"], test["num_zeros"]) == (3, 3)
        assert (test["statistic"], test["p"], test["p_holm"]) == (0, 1, 1)
        assert (test["mean_difference"], test["effect_size"]) == (0, 0)


def test_infinite_values_are_tested_but_have_no_mean_difference(results, with_values):
    infinite = with_values(
        results,
        {
            ("sr", "sr", "psnr"): [np.inf, np.inf, 30],
            ("sr", "tci", "psnr"): [29, 28, 27],
        },
    )
    test = by_key(paired_tests(infinite))["psnr", None, "sr", "tci"]
    assert test["num_higher"] == 3
    assert np.isnan([test[k] for k in ("mean_difference", "interval_low")]).all()


def test_marks_stand_for_corrected_p_below_the_level():
    def test(a, b, p_holm, metric="dsc"):
        return {"metric": metric, "class": "c", "a": a, "b": b, "p_holm": p_holm}

    tests = [
        test("sr", "ground_truth", 0.04),
        test("sr", "tci", 0.01),
        test("sr", "tci", 0.05, metric="voe"),
        test("seg", "benchmark", 0.049),
    ]
    assert marks(tests) == {("dsc", "c", "sr"): "†*", ("dsc", "c", "seg"): "‡"}


def test_least_corrected_p_of_a_family(full_analysis):
    # Closed form: 2 tests of 8 pairs, 2 / 2^8 each; 4 tests likewise.
    assert least_corrected_p(full_analysis.tests, "image") == pytest.approx(4 / 256)
    assert least_corrected_p(full_analysis.tests, "segmented, TCI") == pytest.approx(
        8 / 256
    )
