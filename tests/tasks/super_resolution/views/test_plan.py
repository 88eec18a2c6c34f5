"""What is asked for of a scan, and what is declined."""

import dataclasses

import numpy as np
import pytest
from scipy import signal

from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.super_resolution.options import Options
from deepresolve.tasks.super_resolution.views import plan


def scan(spacing_mm=(0.5, 0.6, 3.0), shape=(64, 64, 10), **changes):
    """Noise, of whose spectrum nothing is known before."""
    array = np.random.default_rng(0).random(shape, np.float32)
    return Volume(array, np.diag([*spacing_mm, 1.0]), 2, **changes)


def planned(volume=None, **options):
    return plan.planned(volume or scan(slice_encoding="2D"), Options(**options))


@pytest.mark.parametrize(
    ("options", "thin_mm"),
    [
        ({}, 1.0),  # the published factor of 3
        ({"downsample_factor": 5}, 0.6),
        ({"spacing_mm": 0.75}, 0.75),
        # 30 mm are 42 slices of 0.714 mm; 43 of 0.698 mm are nearer.
        ({"spacing_mm": 0.7}, 30 / 43),
        ({"isotropic": True}, 0.5),  # as the finer pixels, which noise fills
    ],
)
def test_thin_slices_are_as_far_apart_as_asked(options, thin_mm):
    found = planned(**options)
    assert 3.0 * found.grid.step == pytest.approx(thin_mm)
    assert found.grid.num_slices * found.grid.step == pytest.approx(10)
    assert found.to_dict(3.0)["thin_slice_spacing_mm"] == round(thin_mm, 4)


def test_slices_are_not_made_finer_than_pixels_unasked():
    coarse = scan((1.5, 1.6, 3.0), slice_encoding="2D")
    assert 3.0 * planned(coarse).grid.step == pytest.approx(1.5)


def test_interpolated_pixels_promise_no_more_than_was_resolved():
    """Of an image whose k-space was filled up to twice as many pixels."""
    acquired = np.random.default_rng(0).random((64, 64, 10))
    filled = acquired
    for axis in (0, 1):
        filled = signal.resample(filled, 128, axis=axis)
    volume = Volume(
        filled.astype(np.float32), np.diag([0.5, 0.5, 3.0, 1.0]), slice_encoding="2D"
    )
    found = planned(volume, isotropic=True)
    assert found.resolution_mm == pytest.approx((1.0, 1.0), rel=0.1)
    assert 3.0 * found.grid.step == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"downsample_factor": 3, "isotropic": True},
            "downsample_factor and isotropic both say",
        ),
        ({"spacing_mm": 1.0, "isotropic": True}, "spacing_mm and isotropic both say"),
        ({"spacing_mm": 3.0}, r"Slices 3 mm apart were asked for.*0.1875 to 3 mm"),
        ({"spacing_mm": 0.1}, r"Slices 0.1 mm apart were asked for"),
        ({"slice_profile": "box"}, "box"),
    ],
)
def test_what_contradicts_is_refused(options, message):
    with pytest.raises((ValueError, OSError), match=message):
        planned(**options)


@pytest.mark.parametrize("asked", [{}, {"spacing_mm": 0.3}])
def test_fine_slices_are_declined_whatever_is_asked(asked):
    with pytest.raises(ValueError, match=r"Declined: slices are 0.75 mm.*--slice_axis"):
        planned(scan((0.6, 0.6, 0.75)), **asked)


@pytest.mark.parametrize(
    ("given", "thickness_mm", "known"),
    [
        ((None, None), 3.0, False),
        ((None, 2.5), 2.5, True),
        ((4.0, 2.5), 4.0, True),
        ((4.0, None), 4.0, True),
    ],
)
def test_thickness_is_asked_for_or_the_headers_or_the_spacing(
    given, thickness_mm, known
):
    asked, of_header = given
    volume = scan(slice_encoding="2D", slice_thickness_mm=of_header)
    found = planned(volume, slice_thickness_mm=asked)
    assert found.profile.thickness_mm == thickness_mm
    assert found.thickness_known is known


@pytest.mark.parametrize(
    ("encoding", "shape", "learned", "how"),
    [
        ("2D", "rect", ("rect", "gaussian"), plan.FROM_HEADER),
        ("3D", "fir", ("fir",), plan.FROM_HEADER),
    ],
)
def test_the_header_tells_the_shape(encoding, shape, learned, how):
    found = planned(scan(slice_encoding=encoding))
    assert (found.profile.shape, found.learned, found.how) == (shape, learned, how)


@pytest.mark.parametrize(
    ("made", "learned"), [("fir", ("fir",)), ("rect", ("rect", "gaussian", "fir"))]
)
def test_without_a_header_the_spectrum_tells(thick_knee, made, learned):
    volume = dataclasses.replace(thick_knee(made), slice_encoding=None)
    found = planned(volume)
    assert found.profile.shape == made
    assert found.learned == learned
    assert found.how == plan.FROM_SPECTRUM


def test_a_shape_that_is_asked_for_is_the_only_one():
    found = planned(scan(slice_encoding="3D"), slice_profile="gaussian")
    assert found.profile == SliceProfile("gaussian", 3.0)
    assert (found.learned, found.how) == (("gaussian",), plan.GIVEN)


def test_a_measured_profile_is_read_and_has_its_own_thickness(tmp_path, monkeypatch):
    # A name without a suffix, beside which the command is given.
    (tmp_path / "profile").write_text("-2 0\n0 1\n2 0\n")
    monkeypatch.chdir(tmp_path)
    found = planned(scan(slice_encoding="3D"), slice_profile="profile")
    assert found.profile.thickness_mm == pytest.approx(2.0, abs=0.01)
    assert found.learned == (str(tmp_path / "profile"),)
    assert found.thickness_known
    with pytest.raises(ValueError, match="has its own thickness"):
        planned(slice_profile="profile", slice_thickness_mm=2.0)


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        (scan(shape=(64, 31, 10)), "64 x 31 pixels, and 32 each way"),
        (scan(shape=(40, 64, 10)), "only 6 slices 3 mm apart have room; 7 are"),
    ],
)
def test_what_is_too_small_to_be_tested_on_is_declined(volume, message):
    with pytest.raises(ValueError, match=f"Declined.*{message}"):
        planned(volume)


def test_the_least_that_can_be_tested_on_and_learned_from():
    # 42 rows of 0.5 mm are seven slices.
    least = scan(shape=(42, 36, 4))
    assert planned(least, slice_profile="rect").grid.num_slices == 12
    plan.check_learnable(least)
    with pytest.raises(ValueError, match="3 slices, and 4 are needed"):
        plan.check_learnable(scan(shape=(64, 64, 3)))


def test_slices_far_thicker_than_apart_are_declined():
    thrice = scan(slice_thickness_mm=9.0, slice_encoding="2D")
    assert planned(thrice).profile.thickness_mm == 9.0
    for volume, options in (
        (scan(slice_thickness_mm=9.3, slice_encoding="2D"), {}),
        (scan(slice_encoding="2D"), {"slice_thickness_mm": 10.0}),
    ):
        with pytest.raises(ValueError, match="more than 3 times as thick as apart"):
            planned(volume, **options)


def test_as_many_slices_as_there_are_already_are_declined():
    with pytest.raises(ValueError, match="would be 10, and the scan has 10 already"):
        planned(spacing_mm=2.9)
    assert planned(spacing_mm=2.8).grid.num_slices == 11


def test_no_report_names_the_file_of_a_profile(tmp_path):
    file = tmp_path / "of jane doe.txt"
    file.write_text("-2 0\n0 1\n2 0\n")
    found = planned(slice_profile=str(file))
    assert found.learned == (str(file),)
    told = found.to_dict(3.0)
    assert told["learned"] == ["measured"] and "jane" not in str(told)


def test_slices_that_step_sideways_are_declined():
    straight = scan(slice_encoding="2D")
    for degrees, is_declined in ((5, False), (8, True)):
        affine = straight.affine.copy()
        affine[0, 2] = 3.0 * np.tan(np.radians(degrees))
        sheared = dataclasses.replace(straight, affine=affine)
        if is_declined:
            with pytest.raises(ValueError, match="steps 8 degrees sideways"):
                planned(sheared)
        else:
            planned(sheared)
