"""Steps between slices, of scans that were given known ones."""

import functools

import numpy as np
import pytest
from scipy import ndimage

from deepresolve.imaging import formats, slice_steps
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.simulation.phantom import knee

SEEDS = (3, 11)
PIXEL_MM = 1.1


@functools.cache
def clean(seed, slice_mm=3.0, num_slices=30):
    """Thick sagittal slices of a knee, float32."""
    phantom = knee(
        seed=seed,
        shape=(128, 128, num_slices),
        spacing_mm=(PIXEL_MM, PIXEL_MM, slice_mm),
        noise_sd=0.03,
        shading=0.6,
    )
    return phantom.image.array.astype(np.float32)


def brighter(array, share):
    """Slices number 1, 3, 5, ... brighter."""
    changed = array.copy()
    changed[:, :, ::2] *= 1 + share
    return changed


def moved(array, which, shift_mm, pixel_mm=PIXEL_MM):
    """Slices moved by (rows, columns) mm."""
    changed = array.astype(np.float32)
    by = (*(np.array(shift_mm) / pixel_mm), 0)
    changed[:, :, which] = ndimage.shift(changed[:, :, which], by, order=1)
    return changed


def scan_of(array, slice_mm=3.0):
    return Volume(array, affine_along_axes("PIR", (PIXEL_MM, PIXEL_MM, slice_mm)))


def measure(array):
    return slice_steps.measure(scan_of(array))


def alarms(found):
    return found.has_odd_even, found.has_odd_even_shift, found.jumps


@pytest.mark.parametrize("slice_mm", [2.0, 3.0, 5.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_clean_knee_gives_no_alarm(seed, slice_mm):
    array = clean(seed, slice_mm, round(90 / slice_mm))
    assert alarms(measure(array)) == (False, False, ())


@pytest.mark.parametrize("seed", range(5))
def test_noise_gives_no_alarm(seed):
    noise = np.abs(np.random.default_rng(seed).normal(size=(160, 150, 24)))
    assert alarms(measure(noise)) == (False, False, ())


@pytest.mark.parametrize("value", [0, 5])
def test_slices_that_show_nothing_give_no_alarm(value):
    found = measure(np.full((20, 30, 12), value, np.int16))
    assert alarms(found) == (False, False, ())
    assert found.odd_even == 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("share", [0.05, -0.05])
def test_brighter_odd_slices_are_found(seed, share):
    before, found = measure(clean(seed)), measure(brighter(clean(seed), share))
    assert found.has_odd_even
    # (1 + share) over 1, by their mean; beside what anatomy does by chance.
    expected = before.odd_even + share / (1 + share / 2)
    assert found.odd_even == pytest.approx(expected, abs=0.002)
    assert alarms(found)[1:] == (False, ())


@pytest.mark.parametrize("seed", SEEDS)
def test_two_percent_are_found_where_slices_lie_close(seed):
    found = measure(brighter(clean(seed, 2.0, 45), 0.02))
    assert found.has_odd_even
    assert found.odd_even == pytest.approx(0.02, abs=0.005)


def test_a_course_along_the_slices_is_no_alternation():
    """Such as a coil's: the fourth difference of what is cubic is 0."""
    k = np.linspace(-1, 1, 20)
    course = 500 + 200 * k - 150 * k**2 + 100 * k**3
    found = measure(np.ones((12, 10, 1)) * course)
    assert found.odd_even == pytest.approx(0, abs=1e-6)
    assert not found.has_odd_even


def test_the_standard_error_is_that_of_many_scans():
    """Slices whose brightness is independent: scatter over scans against `error`."""
    rng = np.random.default_rng(1)
    means = 100 + rng.normal(0, 2, (400, 40))
    pairs = np.array([slice_steps._odd_even(one) for one in means])
    assert pairs[:, 0].std() == pytest.approx(pairs[:, 1].mean(), rel=0.15)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shift_mm", [(1.0, 0.0), (0.0, -1.0)])
def test_odd_slices_that_were_moved_are_measured(seed, shift_mm):
    found = measure(moved(clean(seed), slice(0, None, 2), shift_mm))
    assert found.odd_even_shift_mm == pytest.approx(shift_mm, abs=0.2)
    assert (found.has_odd_even, found.jumps) == (False, ())


def test_most_knees_whose_odd_slices_were_moved_are_flagged():
    """Anatomy that changes much from slice to slice leaves a doubt in some."""
    flags = [
        measure(moved(clean(seed), slice(0, None, 2), (1.0, 0.0))).has_odd_even_shift
        for seed in SEEDS
    ]
    assert sum(flags) >= len(SEEDS) - 1


def test_the_shift_of_a_single_slice_is_measured():
    """Of tissue that does not change along the slices, and noise."""
    tissue = np.repeat(clean(3)[:, :, 15:16], 12, axis=2)
    tissue += np.random.default_rng(0).normal(0, 30, tissue.shape)
    found = measure(moved(tissue, slice(6, 7), (1.5, -0.7)))
    assert found.shifts_mm.shape == (12, 2)
    assert np.isnan(found.shifts_mm[[0, -1]]).all()
    assert found.shifts_mm[6] == pytest.approx((1.5, -0.7), abs=0.15)
    assert np.abs(found.shifts_mm[[2, 3, 9, 10]]).max() < 0.1
    assert found.jumps == (7,)
    assert not found.has_odd_even_shift


def test_large_slices_are_measured_coarsely_and_in_mm():
    large = np.repeat(np.repeat(clean(11), 3, axis=0), 3, axis=1)
    scan = Volume(large, affine_along_axes("PIR", (PIXEL_MM / 3, PIXEL_MM / 3, 3.0)))
    shifted = moved(large, slice(0, None, 2), (0.0, 1.0), PIXEL_MM / 3)
    found = slice_steps.measure(scan.with_array(shifted))
    assert found.odd_even_shift_mm == pytest.approx((0, 1), abs=0.2)
    assert found.has_odd_even_shift


def test_slices_are_numbered_and_axes_named_as_the_scan_has_them():
    array = moved(brighter(clean(3), 0.05), slice(0, None, 2), (1.0, 0.0))
    expected = measure(array)
    turned = Volume(
        np.moveaxis(array, 2, 0),
        affine_along_axes("RPI", (3.0, PIXEL_MM, PIXEL_MM)),
        slice_axis=0,
    )
    found = slice_steps.measure(turned)
    assert found.odd_even == pytest.approx(expected.odd_even)
    np.testing.assert_allclose(found.shifts_mm, expected.shifts_mm)


def test_too_few_slices_are_refused():
    with pytest.raises(ValueError, match="at least 12 of them; got 11"):
        measure(np.ones((5, 5, 11)))


@pytest.mark.parametrize("name", ["brain", "dess", "echo 1", "echo 2"])
def test_real_scans_give_no_alarm(name, real_scans):
    if name.startswith("echo"):
        choice = Choice(echo=int(name[-1]))
        scan = formats.read_image(real_scans / "knee_mese_dicom", choice=choice)
    else:
        file = {"brain": "brain_t1.nii.gz", "dess": "knee_dess_half.nii.gz"}[name]
        scan = formats.read_image(real_scans / file)
    assert alarms(slice_steps.measure(scan)) == (False, False, ())


def test_steps_in_a_real_knee_are_found(real_scans):
    scan = formats.read_image(real_scans / "knee_dess_half.nii.gz")
    array = brighter(scan.array.astype(np.float32), 0.02)
    array = moved(array, slice(0, None, 2), (1.0, 0.0), scan.spacing_mm[0])
    found = slice_steps.measure(scan.with_array(array))
    assert found.has_odd_even
    assert found.odd_even_shift_mm == pytest.approx((1, 0), abs=0.1)
    assert found.has_odd_even_shift
