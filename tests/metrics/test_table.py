"""What every entry of the tables must do; a new metric is tested here unasked."""

import math

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from deepresolve.imaging.volume import Volume
from deepresolve.metrics.table import LABEL_METRICS, METRICS

ALL_METRICS = METRICS | LABEL_METRICS
SPACING_MM = (0.3646, 0.3646, 0.7)

# Perfect, then worst, where one mask is empty: (no estimate, no reference).
STATED_ANSWERS = {
    "dsc": (1, (0, 0)),
    "voe": (0, (1, 1)),
    "volume_difference": (0, (-1, math.inf)),
    "assd": (0, (math.inf, math.inf)),
    "hd95": (0, (math.inf, math.inf)),
}


def measure(name, reference, estimate):
    return ALL_METRICS[name](reference, estimate, spacing_mm=SPACING_MM, data_range=1.0)


def smooth_noise(seed, shape):
    noise = np.random.default_rng(seed).standard_normal(shape)
    return ndimage.gaussian_filter(noise, 1.5)


@pytest.fixture
def pair():
    """By name of a metric, a reference and an estimate that differs from it."""
    truth = np.random.default_rng(0).random((8, 9, 10), np.float32)
    masks = [smooth_noise(seed, (8, 9, 10)) > 0 for seed in (0, 1)]

    def volumes(name):
        return masks if name in LABEL_METRICS else (truth, truth[::-1].copy())

    return volumes


def test_tables_share_no_name_and_start_with_those_of_the_paper():
    assert not METRICS.keys() & LABEL_METRICS.keys()
    assert list(METRICS)[:2] == ["ssim", "psnr"]
    assert list(LABEL_METRICS)[:2] == ["dsc", "voe"]


@pytest.mark.parametrize("name", ALL_METRICS)
def test_is_a_finite_float_of_two_that_differ(name, pair):
    value = measure(name, *pair(name))
    assert type(value) is float
    assert np.isfinite(value)


@pytest.mark.parametrize("name", ALL_METRICS)
def test_is_not_nan_for_identical_ones(name, pair):
    reference, _ = pair(name)
    assert not np.isnan(measure(name, reference, reference.copy()))


@pytest.mark.parametrize("name", ALL_METRICS)
def test_leaves_its_inputs_alone(name, pair):
    reference, estimate = pair(name)
    copies = reference.copy(), estimate.copy()
    measure(name, reference, estimate)
    np.testing.assert_array_equal((reference, estimate), copies)


@pytest.mark.parametrize("name", ALL_METRICS)
def test_says_what_it_is(name):
    assert ALL_METRICS[name].title
    assert ALL_METRICS[name].meaning
    assert ALL_METRICS[name].function.__name__ == name


@pytest.mark.parametrize("name", ALL_METRICS)
def test_refuses_other_shapes(name, pair):
    reference, estimate = pair(name)
    with pytest.raises(ValueError, match="one shape"):
        measure(name, reference, estimate[:-1])


@pytest.mark.parametrize("name", LABEL_METRICS)
def test_empty_masks_have_a_stated_answer(name, pair):
    some, _ = pair(name)
    empty = np.zeros_like(some)
    perfect, worst = STATED_ANSWERS[name]
    assert measure(name, some, some.copy()) == perfect
    assert measure(name, empty, empty) == perfect
    assert (measure(name, some, empty), measure(name, empty, some)) == worst
    for value in (measure(name, some, empty), measure(name, empty, empty)):
        assert type(value) is float


def knee(seed, side):
    """One knee stored as a right or, mirrored across the body's middle, a left one.

    Slices are sagittal. The mirrored knee has the same voxels at mirrored places, so
    that canonical slices run the other way through its joint.
    """
    right = nib.orientations.inv_ornt_aff(
        nib.orientations.axcodes2ornt("IPL"), (16, 15, 14)
    ) @ np.diag([*SPACING_MM, 1.0])
    mirror = np.diag([-1.0 if side == "left" else 1.0, 1.0, 1.0, 1.0])
    return Volume(smooth_noise(seed, (16, 15, 14)), mirror @ right).canonical()


@pytest.mark.parametrize("name", ALL_METRICS)
def test_a_left_and_a_right_knee_score_the_same(name):
    def score(side):
        reference, estimate = knee(0, side), knee(1, side)
        np.testing.assert_allclose(reference.spacing_mm, SPACING_MM)
        arrays = reference.array, 0.7 * reference.array + 0.3 * estimate.array
        if name in LABEL_METRICS:
            arrays = [array > 0.05 for array in arrays]
        return measure(name, *arrays)

    assert not np.array_equal(knee(0, "left").array, knee(0, "right").array)
    assert score("left") == pytest.approx(score("right"), rel=1e-9)


@pytest.mark.parametrize("name", LABEL_METRICS)
def test_a_left_and_a_right_knee_of_real_labels_score_the_same(name, real_scans):
    scan = nib.load(real_scans / "knee_dess_labels.nii.gz")
    array = np.asarray(scan.dataobj)[100:280:2, 100:220:2, 30:140:2]

    def score(mirror):
        affine = np.diag([mirror, 1.0, 1.0, 1.0]) @ scan.affine
        true = Volume(array, affine).canonical().array == 1
        found = Volume(np.roll(array, (1, 0, 2), (0, 1, 2)), affine).canonical()
        return measure(name, true, found.array == 1)

    assert score(-1.0) == pytest.approx(score(1.0), rel=1e-9)
