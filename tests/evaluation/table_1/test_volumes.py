import numpy as np
import pytest

from deepresolve.evaluation.table_1.volumes import agreement, paired_volumes


def test_agreement_of_every_segmentation_with_the_reference(full_results):
    rows = agreement(full_results)
    keys = [(row["class"], row["network"], row["image_set"]) for row in rows]
    one = [
        *(("seg", s) for s in ("ground_truth", "sr", "tci", "fourier")),
        ("benchmark", "ground_truth"),
    ]
    tissues = ("bright tissue", "dark tissue")
    assert keys == [(tissue, *where) for tissue in tissues for where in one]


def test_numbers_are_bland_and_altmans_by_hand(full_results, with_values):
    found, true = np.array([110.0, 190, 300, 420]), np.array([100.0, 200, 300, 400])
    known = with_values(
        full_results,
        {
            # By subject: the bright tissue, then the dark one.
            ("seg", "sr", "volume_mm3"): np.repeat(np.tile(found, 2), 2),
            ("seg", "sr", "reference_volume_mm3"): np.repeat(np.tile(true, 2), 2),
        },
    )
    row = next(
        r
        for r in agreement(known)
        if (r["network"], r["image_set"], r["class"]) == ("seg", "sr", "dark tissue")
    )
    differences = np.tile([10, -10, 0, 20], 2)
    assert row["n"] == 8
    assert row["bias"] == pytest.approx(5)
    assert row["upper"] == pytest.approx(5 + 1.96 * np.std(differences, ddof=1))
    # Of each pair: |difference| / sqrt(2) over the mean.
    cv = np.abs(found - true) / np.sqrt(2) / ((found + true) / 2)
    assert row["rms_cv"] == pytest.approx(np.sqrt(np.mean(cv**2)))
    values = paired_volumes(known, "seg", "sr", "dark tissue")
    np.testing.assert_array_equal(values, [np.tile(found, 2), np.tile(true, 2)])


def test_without_a_segmentation_there_is_nothing_to_compare(results):
    assert agreement(results) == []
