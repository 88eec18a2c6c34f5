import numpy as np
import pytest
from scipy import interpolate as scipy_interpolate

from deepresolve.imaging.degradation import along_slices, interpolate, thicken
from deepresolve.imaging.intensity import estimate_scale, to_dtype
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.super_resolution.trust import consistency

FACTOR = 3


@pytest.fixture(scope="module")
def thin(smooth_array):
    """34 of its slices, the last of which is kept, along the second axis."""
    array = np.moveaxis(1000 * smooth_array[:, :, :34], 2, 1)
    return Volume(array, np.diag([0.5, 1, 0.5, 1]), slice_axis=1)


@pytest.fixture(scope="module")
def thick(thin):
    return thicken(thin, FACTOR)


def test_the_truth_gives_the_acquired_slices_back(thin, thick):
    found = consistency.measure(thick, thin)
    assert found.rms.shape == (12,)
    assert found.largest.max() < 1e-5
    assert consistency.findings(found) == []


def test_interpolation_is_its_own_yardstick(thick):
    found = consistency.measure(thick, interpolate(thick, FACTOR))
    np.testing.assert_allclose(found.rms, found.rms_of_interpolation, rtol=1e-3)
    assert found.rms.max() > 1e-3
    assert consistency.findings(found) == []


def test_numbers_are_those_of_making_the_whole_thick(monkeypatch, thick):
    monkeypatch.setattr(consistency, "_BLOCK_BYTES", 1)  # a row at a time
    result = interpolate(thick, FACTOR)
    result = result.with_array(to_dtype(result.array + 5, np.int16))
    found = consistency.measure(thick, result)
    scale = estimate_scale(thick.array)
    difference = thicken(result, FACTOR).array - thick.array
    difference /= scale.high - scale.low
    by_slice = np.sqrt(np.mean(difference**2, axis=(0, 2)))
    np.testing.assert_allclose(found.rms, by_slice, rtol=1e-3)
    largest = np.abs(difference).max(axis=(0, 2))
    np.testing.assert_allclose(found.largest, largest, rtol=1e-3)
    told = found.to_dict()
    assert told["rms"] == pytest.approx(np.sqrt(np.mean(difference**2)), rel=1e-2)
    assert len(told["slices"]) == 12


def test_an_offset_is_flagged(thin, thick):
    share = 0.05
    scale = estimate_scale(thick.array)
    shifted = thin.with_array(thin.array + share * (scale.high - scale.low))
    found = consistency.measure(thick, shifted)
    # The filter has unit gain for a constant.
    np.testing.assert_allclose(found.rms, share, rtol=1e-3)
    (finding,) = consistency.findings(found)
    assert finding.what == "consistency"
    assert finding.found == pytest.approx(share, rel=1e-2)
    assert "5% of the intensity range" in finding.text


def test_one_wrong_slice_is_flagged_by_its_number(thin, thick):
    array = thin.array.copy()
    array[:, 5 * FACTOR] += 150
    (finding,) = consistency.findings(
        consistency.measure(thick, thin.with_array(array))
    )
    assert finding.what == "consistency_slices"
    assert "worst is number 6" in finding.text


def test_intensities_whose_squares_are_beyond_float32(thin, thick):
    large = [v.with_array(v.array.astype(np.float32) * 1e35) for v in (thick, thin)]
    expected = consistency.measure(thick, thin)
    found = consistency.measure(*large)
    np.testing.assert_allclose(found.rms, expected.rms, rtol=1e-3, atol=1e-6)
    assert np.isfinite(found.largest).all()


def test_other_grids_are_refused(thin, thick):
    with pytest.raises(ValueError, match="expected the same rows and columns"):
        consistency.measure(thick, thin.crop([slice(0, 5)] * 3))
    begins_later = thin.crop([slice(None), slice(1, None), slice(None)])
    with pytest.raises(ValueError, match="are no super-resolution of"):
        consistency.measure(thick, begins_later)
    moved = thin.resliced(thin.array, first=0.5)  # as many slices, elsewhere
    with pytest.raises(ValueError, match="Give the profile"):
        consistency.measure(thick, moved)


# Below: tissue in samples of 0.2 mm, slices 3 mm apart along the second axis.
TISSUE_MM, SPACING_MM, NUM_THICK = 0.2, 3.0, 8


@pytest.fixture(scope="module")
def tissue():
    """Smooth tissue of 24 mm: (9, 120, 7)."""
    i, j, k = np.meshgrid(*(np.linspace(0, 1, n) for n in (9, 120, 7)), indexing="ij")
    array = 500 + 200 * np.sin(31 * j + 4 * i) + 100 * np.cos(23 * j - 5 * k)
    return Volume(array, np.diag([0.5, TISSUE_MM, 0.5, 1]), slice_axis=1)


def sliced(tissue, profile, step_mm):
    """Slices by a profile that fill the tissue from one outer face to the other."""
    num = int(tissue.num_slices * TISSUE_MM / step_mm + 1e-6)
    centres_mm = (np.arange(num) + 0.5) * step_mm - TISSUE_MM / 2
    matrix = profile.matrix(centres_mm, tissue.num_slices, TISSUE_MM)
    return tissue.resliced(
        along_slices(matrix, tissue.array, 1),
        step=step_mm / TISSUE_MM,
        first=centres_mm[0] / TISSUE_MM,
    )


@pytest.mark.parametrize("shape", ["rect", "gaussian"])
@pytest.mark.parametrize("thickness_mm", [2.4, 3.0, 4.2])  # gaps, none, overlap
@pytest.mark.parametrize("step_mm", [0.6, 1.2, 1.5])  # factors of 5, 2.5 and 2
def test_by_its_profile_the_truth_passes_and_an_offset_does_not(
    tissue, shape, thickness_mm, step_mm
):
    profile = SliceProfile(shape, thickness_mm)
    thick = sliced(tissue, profile, SPACING_MM)
    truth = sliced(tissue, SliceProfile("rect", step_mm), step_mm)
    assert thick.num_slices == NUM_THICK
    found = consistency.measure(thick, truth, profile)
    assert found.is_telling
    assert found.rms.shape == (NUM_THICK,)
    assert consistency.findings(found) == []
    scale = estimate_scale(thick.array)
    shifted = truth.with_array(truth.array + 0.2 * (scale.high - scale.low))
    (finding,) = consistency.section(thick, shifted, profile).findings
    assert finding.what == "consistency"
    assert finding.found == pytest.approx(0.2, rel=0.1)


def test_thin_slices_that_fill_a_thick_one_have_its_mean(tissue):
    thick = sliced(tissue, SliceProfile("rect", SPACING_MM), SPACING_MM)
    thin = sliced(tissue, SliceProfile("rect", 0.6), 0.6)
    shifted = thin.with_array(thin.array + np.linspace(0, 39, 40)[:, None])
    found = consistency.measure(thick, shifted, SliceProfile("rect", SPACING_MM))
    scale = estimate_scale(thick.array)
    means = shifted.array.reshape(9, NUM_THICK, 5, 7).mean(axis=2)
    differences = (means - thick.array) / (scale.high - scale.low)
    expected = np.sqrt(np.mean(differences**2, axis=(0, 2)))
    np.testing.assert_allclose(found.rms, expected, rtol=1e-4)


def test_the_yardstick_is_a_cubic_spline_held_at_its_ends(tissue):
    profile = SliceProfile("rect", SPACING_MM)
    thick = sliced(tissue, profile, SPACING_MM)
    spline = scipy_interpolate.CubicSpline(range(NUM_THICK), thick.array, axis=1)
    positions = np.clip(-0.3 + 0.4 * np.arange(20), 0, NUM_THICK - 1)
    interpolated = thick.resliced(spline(positions), step=0.4, first=-0.3)
    found = consistency.measure(thick, interpolated, profile)
    np.testing.assert_allclose(found.rms, found.rms_of_interpolation, rtol=1e-3)
    assert found.rms.min() > 1e-3
    assert consistency.findings(found) == []


def test_a_profile_within_one_thin_slice_is_measured_and_not_judged(tissue):
    """The truth itself differs there, and interpolation does not."""
    profile = SliceProfile("rect", 0.6)
    thick = sliced(tissue, profile, SPACING_MM)
    truth = sliced(tissue, SliceProfile("rect", 1.0), 1.0)
    section = consistency.section(thick, truth, profile)
    assert section.findings == ()
    assert section.values["is_telling"] is False
    # A slice of 0.6 mm lies in the middle thin slice of three.
    found = consistency.measure(thick, truth, profile)
    scale = estimate_scale(thick.array)
    differences = (truth.array[:, 1::3] - thick.array) / (scale.high - scale.low)
    expected = np.sqrt(np.mean(differences**2, axis=(0, 2)))
    np.testing.assert_allclose(found.rms, expected, rtol=1e-3)
    assert found.rms.min() > 10 * found.rms_of_interpolation.max()


def test_acquired_slices_beyond_the_thin_ones_are_refused(tissue):
    profile = SliceProfile("rect", SPACING_MM)
    thick = sliced(tissue, profile, SPACING_MM)
    thin = sliced(tissue, SliceProfile("rect", 1.0), 1.0)
    consistency.measure(thick, thin.crop((slice(9), slice(2, 22), slice(7))), profile)
    with pytest.raises(ValueError, match="leave out some"):
        consistency.measure(
            thick, thin.crop((slice(9), slice(0, 20), slice(7))), profile
        )
