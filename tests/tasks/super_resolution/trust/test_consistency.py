import numpy as np
import pytest

from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.intensity import estimate_scale, to_dtype
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
    with pytest.raises(ValueError, match="are no super-resolution of"):
        consistency.measure(thick, thin.with_array(thin.array).crop([slice(0, 5)] * 3))
