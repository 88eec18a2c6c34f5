import numpy as np
import pytest
from scipy import stats

from deepresolve.evaluation.supplement import Scale
from deepresolve.reading.analysis.paired_tests import mean_rows, paired_tests
from deepresolve.reading.analysis.scores import ReaderScores

DIQ = Scale("diq", "Diagnostic image quality", 1, 5)
RANK = Scale("rank", "Rank", 1, 3, is_rank=True)
NOISE = Scale("noise", "Noise", 1, 5)


def scores(values, questions=(DIQ,), image_sets=("sr", "tci")):
    """Scores by (question, image set), a number for each of knee-0, knee-1, ..."""
    named = {
        key: {f"knee-{n}": float(v) for n, v in enumerate(given)}
        for key, given in values.items()
    }
    return ReaderScores(questions, image_sets, named, {})


def test_means_and_deviations_are_over_cases():
    rows = mean_rows(scores({("diq", "sr"): [3, 4, 5], ("diq", "tci"): [2, 2, 2]}))
    found = {r["image_set"]: (r["metric"], r["mean"], r["sd"], r["n"]) for r in rows}
    assert found == {"sr": ("diq", 4, 1, 3), "tci": ("diq", 2, 0, 3)}


def test_thirds_that_are_equal_are_ties():
    """Means of three readers: differences of 1/3 that differ in their last bits."""
    sr = np.array([4 / 3, 5 / 3, 7 / 3, 8 / 3, 10 / 3, 3, 2, 4])
    tci = np.array([1, 4 / 3, 2, 7 / 3, 3, 3, 5 / 3, 11 / 3])
    assert len(set(sr - tci)) > 2
    (test,) = paired_tests(scores({("diq", "sr"): sr, ("diq", "tci"): tci}))
    expected = stats.wilcoxon([1] * 7)
    assert (test["statistic"], test["num_zeros"]) == (expected.statistic, 1)
    assert test["p"] == pytest.approx(expected.pvalue)


def test_holms_correction_is_made_within_a_pair_and_apart_from_further_questions():
    random = np.random.default_rng(1)
    questions = (DIQ, RANK, NOISE)
    sets = ("ground_truth", "sr", "tci")
    values = {(q.name, s): random.integers(1, 6, 26) for q in questions for s in sets}
    tests = paired_tests(scores(values, questions, sets))
    by_family = {}
    for test in tests:
        by_family.setdefault(test["family"], []).append(test)
    assert {name: len(own) for name, own in by_family.items()} == {
        "readers, sr against tci": 2,
        "readers, sr against tci, further": 1,
        "readers, sr against ground_truth": 2,
        "readers, sr against ground_truth, further": 1,
        "readers, tci against ground_truth": 2,
        "readers, tci against ground_truth, further": 1,
    }
    for own in by_family.values():
        corrected = min(test["p_holm"] for test in own)
        assert corrected == pytest.approx(min(1, len(own) * min(t["p"] for t in own)))


def test_what_was_not_answered_is_not_tested():
    values = {("diq", "sr"): [1, 2], ("diq", "tci"): [2, 3]}
    assert [t["metric"] for t in paired_tests(scores(values, (DIQ, RANK)))] == ["diq"]
