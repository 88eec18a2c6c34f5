import math

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial import distance

from deepresolve.metrics import overlap

FUNCTIONS = [overlap.dsc, overlap.voe, overlap.volume_difference]
EMPTY = np.zeros((3, 4, 5), bool)
FULL = np.ones((3, 4, 5), bool)


def measure(function, reference, estimate):
    return function(reference, estimate)


def mask(indices):
    flat = np.zeros(60, bool)
    flat[indices] = True
    return flat.reshape(3, 4, 5)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (overlap.dsc, 2 * 3 / (4 + 6)),
        (overlap.voe, 1 - 3 / 7),
        (overlap.volume_difference, (6 - 4) / 4),
    ],
)
def test_four_and_six_voxels_with_three_in_common(function, expected):
    four, six = mask([0, 7, 21, 59]), mask([7, 21, 59, 30, 31, 32])
    assert measure(function, four, six) == pytest.approx(expected, abs=1e-15)


def test_overlap_equals_scipy_dissimilarities():
    rng = np.random.default_rng(0)
    for share in (0.1, 0.5, 0.9):
        a, b = rng.random((9, 8, 7)) < share, rng.random((9, 8, 7)) < 0.3
        dice, jaccard = (
            function(a.ravel(), b.ravel())
            for function in (distance.dice, distance.jaccard)
        )
        assert measure(overlap.dsc, a, b) == pytest.approx(1 - dice, abs=1e-12)
        assert measure(overlap.voe, a, b) == pytest.approx(jaccard, abs=1e-12)


@pytest.mark.parametrize(
    ("function", "same", "both_empty", "no_estimate", "no_reference", "apart"),
    [
        (overlap.dsc, 1, 1, 0, 0, 0),
        (overlap.voe, 0, 0, 1, 1, 1),
        (overlap.volume_difference, 0, 0, -1, math.inf, 0),
    ],
)
def test_stated_answers(function, same, both_empty, no_estimate, no_reference, apart):
    assert measure(function, FULL, FULL) == same
    assert measure(function, EMPTY, EMPTY) == both_empty
    assert measure(function, FULL, EMPTY) == no_estimate
    assert measure(function, EMPTY, FULL) == no_reference
    assert measure(function, mask([1, 2]), mask([3, 4])) == apart


def test_volume_difference_has_the_sign_of_what_the_estimate_adds():
    small, large = mask([0, 1, 2]), mask([0, 1, 2, 3])
    assert measure(overlap.volume_difference, small, large) == pytest.approx(1 / 3)
    assert measure(overlap.volume_difference, large, small) == pytest.approx(-1 / 4)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("reference", "estimate", "message"),
    [
        (FULL.astype(np.uint8), FULL, "boolean masks; got uint8 and bool"),
        (FULL, FULL.astype(np.float32), "got bool and float32"),
        (FULL, FULL[:2], r"\(3, 4, 5\) and \(2, 4, 5\)"),
        (FULL, FULL[:1], "one shape"),  # NumPy would broadcast it
    ],
)
def test_what_cannot_be_compared_is_refused(function, reference, estimate, message):
    with pytest.raises(ValueError, match=message):
        measure(function, reference, estimate)


@pytest.fixture(scope="module")
def real_labels(real_scans):
    return np.asarray(nib.load(real_scans / "knee_dess_labels.nii.gz").dataobj)


@pytest.mark.parametrize("label", [1, 4, 9])
@pytest.mark.parametrize("shift", [(1, 0, 0), (0, -2, 1)])
def test_overlap_of_real_tissues_equals_simple_itk(real_labels, label, shift):
    sitk = pytest.importorskip("SimpleITK")
    true = real_labels == label
    found = np.roll(true, shift, axis=(0, 1, 2))
    found[..., ::3] = False  # a third of the slices lost
    oracle = sitk.LabelOverlapMeasuresImageFilter()
    oracle.Execute(*(sitk.GetImageFromArray(m.astype(np.uint8)) for m in (true, found)))
    assert measure(overlap.dsc, true, found) == pytest.approx(
        oracle.GetDiceCoefficient(), abs=1e-12
    )
    assert measure(overlap.voe, true, found) == pytest.approx(
        1 - oracle.GetJaccardCoefficient(), abs=1e-12
    )
