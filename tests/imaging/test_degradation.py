"""Each step against SciPy's own operation on the array, then the whole."""

import numpy as np
import pytest
from scipy import interpolate as scipy_interpolate
from scipy import ndimage, signal

from deepresolve.imaging import degradation
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.imaging.volume import Volume

FACTORS = range(2, 9)


@pytest.fixture
def columns():
    return np.random.default_rng(0).normal(size=(160, 5))


@pytest.mark.parametrize("factor", FACTORS)
def test_filter_is_scipy_convolution_with_replicated_edges(columns, factor):
    taps = signal.firwin(49, 1 / factor, window="hamming")
    expected = ndimage.convolve1d(columns, taps, axis=0, mode="nearest")
    actual = degradation.filter_matrix(160, factor) @ columns
    np.testing.assert_allclose(actual, expected, atol=1e-12)


@pytest.mark.parametrize("factor", FACTORS)
def test_filter_passes_a_constant_and_halves_amplitude_at_its_cutoff(factor):
    matrix = degradation.filter_matrix(200, factor)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)
    # A windowed-sinc filter has gain 1/2 at the cut-off (Oppenheim & Schafer, 7.5).
    _, response = signal.freqz(matrix[100, 76:125], worN=[np.pi / factor])
    assert abs(response[0]) == pytest.approx(0.5, abs=0.01)


def test_filter_of_a_scan_thinner_than_its_reach_still_has_unit_gain():
    np.testing.assert_allclose(
        degradation.filter_matrix(7, 3).sum(axis=1), 1, atol=1e-12
    )


@pytest.mark.parametrize(("factor", "kept"), [(2, 80), (3, 54), (4, 40), (8, 20)])
def test_decimation_keeps_every_dth_slice(columns, factor, kept):
    thick = degradation.decimation_matrix(160, factor) @ columns
    np.testing.assert_array_equal(thick, columns[::factor])
    assert len(thick) == kept  # METHOD: 160 slices give 54 at factor 3


@pytest.mark.parametrize("factor", FACTORS)
def test_cubic_is_scipys_spline_and_holds_the_edge(columns, factor):
    thick = columns[::factor]
    matrix = degradation.interpolation_matrix(len(thick), factor, 160)
    last = (len(thick) - 1) * factor
    at = np.minimum(np.arange(160), last)
    expected = scipy_interpolate.make_interp_spline(
        np.arange(len(thick)) * factor, thick, k=3
    )(at)
    np.testing.assert_allclose(matrix @ thick, expected, atol=1e-10)
    np.testing.assert_allclose((matrix @ thick)[::factor][: len(thick)], thick)


def test_cubic_reproduces_a_cubic_polynomial():
    at = np.arange(28) / 3
    polynomial = np.polynomial.Polynomial([1, -2, 0.5, 0.25])
    matrix = degradation.interpolation_matrix(10, 3, 28)
    np.testing.assert_allclose(matrix @ polynomial(np.arange(10)), polynomial(at))


@pytest.mark.parametrize("factor", FACTORS)
def test_fourier_is_zero_filling_of_the_mirrored_slices(columns, factor):
    thick = columns[::factor]
    n = len(thick)
    mirrored = np.concatenate([thick, thick[-2:0:-1]])
    spectrum = np.fft.rfft(mirrored, axis=0)
    spectrum[-1] *= 0.5  # an even length shares its Nyquist bin between both signs
    fine = np.fft.irfft(spectrum, n=len(mirrored) * factor, axis=0) * factor
    num_thin = (n - 1) * factor + 1
    matrix = degradation.interpolation_matrix(n, factor, num_thin, "fourier")
    np.testing.assert_allclose(matrix @ thick, fine[:num_thin], atol=1e-10)


def test_fourier_is_scipy_resample_at_positions_of_any_distance():
    slices = np.random.default_rng(1).normal(size=9)
    period = np.concatenate([slices, slices[-2:0:-1]])  # 16 slices
    resampled = signal.resample(period, 22)[:12]
    positions = 16 / 22 * np.arange(12)  # the last one is slice 8
    found = degradation.fourier_matrix(9, positions) @ slices
    np.testing.assert_allclose(found, resampled, atol=1e-12)
    held = degradation.fourier_matrix(9, np.array([-0.5, 8.3])) @ slices
    np.testing.assert_allclose(held, slices[[0, -1]], atol=1e-12)


def test_fourier_does_not_wrap_one_end_onto_the_other():
    step = np.repeat([0.0, 1.0], 10)
    fine = degradation.interpolation_matrix(20, 3, 58, "fourier") @ step
    assert fine[0] == pytest.approx(0, abs=0.05)
    assert fine[-1] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("method", ["cubic", "fourier"])
@pytest.mark.parametrize("num_thick", [1, 2, 3, 4])
def test_few_slices_interpolate_a_constant_to_itself(method, num_thick):
    matrix = degradation.interpolation_matrix(num_thick, 3, 12, method)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("factor", FACTORS)
def test_one_matrix_is_the_three_steps(columns, factor):
    taps = signal.firwin(49, 1 / factor, window="hamming")
    thick = ndimage.convolve1d(columns, taps, axis=0, mode="nearest")[::factor]
    last = len(thick) - 1
    spline = scipy_interpolate.CubicSpline(np.arange(len(thick)), thick)
    expected = spline(np.minimum(np.arange(160) / factor, last))
    actual = degradation.degradation_matrix(160, factor) @ columns
    np.testing.assert_allclose(actual, expected, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_thick_scan_lies_where_the_thin_one_did(axis):
    affine = np.array(
        [[0, 0.3, 0.7, 5], [0.4, 0, 0, -6], [0, 0.5, -0.1, 7], [0, 0, 0, 1]]
    )
    array = np.random.default_rng(1).normal(size=(20, 21, 22))
    thin = Volume(array, affine, slice_axis=axis)
    thick = degradation.thicken(thin, 3)
    assert thick.num_slices == -(-thin.num_slices // 3)
    assert thick.slice_spacing_mm == pytest.approx(3 * thin.slice_spacing_mm)
    assert thick.slice_thickness_mm == pytest.approx(3 * thin.slice_spacing_mm)
    index = np.ones(4)
    index[axis] = 2
    index_in_thin = index.copy()
    index_in_thin[axis] = 6
    np.testing.assert_allclose(thick.affine @ index, thin.affine @ index_in_thin)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("method", ["cubic", "fourier"])
def test_interpolated_scan_passes_through_the_acquired_slices(axis, method):
    array = np.random.default_rng(1).normal(size=(7, 8, 9)).astype(np.float32)
    thick = Volume(array, np.diag([2.0, 3.0, 4.0, 1.0]), slice_axis=axis)
    thin = degradation.interpolate(thick, 3, method=method)
    assert thin.num_slices == (thick.num_slices - 1) * 3 + 1
    kept = np.moveaxis(thin.array, axis, 0)[::3]
    np.testing.assert_allclose(kept, np.moveaxis(array, axis, 0), atol=1e-5)
    corner = np.array([*np.subtract(thick.shape, 1), 1])
    thin_corner = np.array([*np.subtract(thin.shape, 1), 1])
    np.testing.assert_allclose(thin.affine @ thin_corner, thick.affine @ corner)


@pytest.mark.parametrize(
    ("thin_mm", "expected_mm"),
    [
        (None, 3.0),
        (1.0, 3.0),  # touching: three of them
        (2.0, 12**0.5),  # overlapping: 3^2 + 2^2 - 1^2
        (0.5, 8.25**0.5),  # gaps: 3^2 + 0.5^2 - 1^2
    ],
)
def test_thickness_of_thick_slices_adds_in_quadrature(thin_mm, expected_mm):
    thin = Volume(np.zeros((4, 5, 9)), np.eye(4), slice_thickness_mm=thin_mm)
    thick = degradation.thicken(thin, 3)
    assert thick.slice_thickness_mm == pytest.approx(expected_mm)


def test_slices_never_come_out_thinner_than_those_they_are_made_of():
    thin = Volume(np.zeros((4, 5, 9)), np.eye(4), slice_thickness_mm=2.0)
    assert degradation.thicken(thin, 2, "rect", 0.1).slice_thickness_mm == 2.0


def test_quadrature_is_the_width_of_what_a_slice_weighs():
    """Variance of the filter's weights and of a thin slice, as equivalent boxes."""
    weights = degradation.thickening_matrix(61, 3, "rect", 1.0)[10]
    place = np.arange(61.0)
    variance = weights @ place**2 - (weights @ place) ** 2
    for thin_mm in (0.5, 1.0, 2.0):
        width = np.sqrt(12 * variance + thin_mm**2)
        thin = Volume(np.zeros((2, 2, 61)), np.eye(4), slice_thickness_mm=thin_mm)
        assert degradation.thicken(thin, 3).slice_thickness_mm == pytest.approx(width)


@pytest.mark.parametrize("factor", [2, 3, 5])
@pytest.mark.parametrize(("shape", "thickness"), [("rect", 0.5), ("gaussian", 2.0)])
def test_degradation_by_a_profile_is_its_slices_and_their_tci(
    columns, factor, shape, thickness
):
    profile = SliceProfile(shape, thickness * factor * 0.7)  # thin ones: 0.7 mm
    centres_mm = 0.7 * np.arange(0, 160, factor)
    thick = profile.matrix(centres_mm, 160, 0.7) @ columns
    spline = scipy_interpolate.CubicSpline(np.arange(len(thick)), thick)
    expected = spline(np.minimum(np.arange(160) / factor, len(thick) - 1))
    matrix = degradation.degradation_matrix(160, factor, shape, thickness)
    np.testing.assert_allclose(matrix @ columns, expected, atol=1e-5)


def test_fir_of_thickness_1_is_the_published_filter_and_scales_from_there(columns):
    published = degradation.degradation_matrix(160, 3)
    np.testing.assert_array_equal(
        degradation.degradation_matrix(160, 3, "fir", 1.0), published
    )
    # At a factor of 3 the profile's window is the published one, but for sampling.
    nearly = degradation.thickening_matrix(160, 3, "fir", 1.0001) @ columns
    expected = degradation.thickening_matrix(160, 3) @ columns
    assert np.std(nearly - expected) < 0.1 * np.std(expected)


def smooth(n, spacing_mm=0.5):
    """A wave of 12 mm along the slices, whose mean over a box is known: a sinc."""
    place = spacing_mm * np.arange(n)
    array = np.tile(np.cos(2 * np.pi * place / 12), (3, 2, 1))
    return Volume(array, np.diag([0.4, 0.5, spacing_mm, 1.0]))


@pytest.mark.parametrize("thickness_mm", [1.0, 2.6, 5.2])
def test_acquired_slices_are_the_means_over_the_profile(thickness_mm):
    thin = smooth(400)
    scan = degradation.acquire(thin, 2.6, SliceProfile("rect", thickness_mm))
    assert scan.num_slices == 76  # 200 mm
    assert scan.array.dtype == np.float32
    assert scan.slice_spacing_mm == pytest.approx(2.6)
    assert scan.slice_thickness_mm == thickness_mm
    place = (scan.affine @ [0, 0, 1, 0])[2] * np.arange(76) + scan.affine[2, 3]
    # Thin voxels are means over 0.5 mm, too, in a model of steps.
    gain = np.sinc(thickness_mm / 12)
    expected = gain * np.cos(2 * np.pi * place / 12)
    inner = slice(3, -3)
    np.testing.assert_allclose(scan.array[0, 0, inner], expected[inner], atol=0.01)


def test_acquired_slices_that_fill_the_field_of_view_keep_its_faces():
    thin = smooth(60)
    scan = degradation.acquire(thin, 1.5, SliceProfile("rect", 1.5))
    assert scan.num_slices == 20
    for volume in (thin, scan):
        face = volume.affine @ [0, 0, -0.5, 1]
        far = volume.affine @ [0, 0, volume.num_slices - 0.5, 1]
        np.testing.assert_allclose((face[2], far[2]), (-0.25, 29.75))
    expected = thin.array.reshape(3, 2, 20, 3).mean(axis=-1)
    np.testing.assert_allclose(scan.array, expected, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_acquired_slices_lie_in_the_middle_in_any_orientation(axis):
    affine = np.array(
        [[0, 0.3, 0.7, 5], [0.4, 0, 0, -6], [0, 0.5, -0.1, 7], [0, 0, 0, 1]]
    )
    array = np.random.default_rng(1).normal(size=(20, 21, 22))
    thin = Volume(array, affine, slice_axis=axis)
    spacing_mm = 2.7 * thin.slice_spacing_mm
    profile = SliceProfile("gaussian", 2 * spacing_mm)
    scan = degradation.acquire(thin, spacing_mm, profile)
    assert scan.num_slices == int(thin.num_slices / 2.7)
    assert scan.slice_spacing_mm == pytest.approx(spacing_mm)
    middles = [
        volume.affine @ [*(np.subtract(volume.shape, 1) / 2), 1]
        for volume in (thin, scan)
    ]
    np.testing.assert_allclose(*middles)
    last = np.moveaxis(thin.array, axis, -1)
    first_mm = (thin.num_slices - 1) / 2 - (scan.num_slices - 1) / 2 * 2.7
    centres = (first_mm + 2.7 * np.arange(scan.num_slices)) * thin.slice_spacing_mm
    matrix = profile.matrix(centres, thin.num_slices, thin.slice_spacing_mm)
    np.testing.assert_allclose(
        np.moveaxis(scan.array, axis, -1), last @ matrix.T, atol=1e-5
    )


def test_acquired_at_their_own_spacing_slices_stay_what_they_are():
    thin = smooth(30)
    same = degradation.acquire(thin, 0.5, SliceProfile("rect", 0.5))
    np.testing.assert_allclose(same.array, thin.array, atol=1e-6)
    np.testing.assert_allclose(same.affine, thin.affine, atol=1e-12)


@pytest.mark.parametrize("spacing_mm", [0.4, 15.1, -1, float("nan")])
def test_a_spacing_that_the_scan_has_no_slices_for_is_refused(spacing_mm):
    with pytest.raises(ValueError, match=r"expected 0\.5 to 15 mm"):
        degradation.acquire(smooth(30), spacing_mm, SliceProfile("rect", 1.0))


def test_an_unknown_profile_names_the_known():
    with pytest.raises(ValueError, match="known: rect, gaussian, fir"):
        degradation.thicken(smooth(30), 3, "box", 1.0)


def test_thicken_then_interpolate_is_the_degradation_matrix():
    array = np.random.default_rng(2).normal(size=(4, 5, 32)).astype(np.float32)
    thin = Volume(array, np.eye(4))
    there_and_back = degradation.interpolate(degradation.thicken(thin, 3), 3)
    # Of 32 slices the last kept one is slice 30.
    expected = (array @ degradation.degradation_matrix(32, 3).T)[..., :31]
    np.testing.assert_allclose(there_and_back.array, expected, atol=1e-5)


@pytest.mark.parametrize("factor", [0, 1, 9, 2.5])
def test_other_factors_are_refused(factor):
    with pytest.raises(ValueError, match="from 2 to 8"):
        degradation.degradation_matrix(32, factor)


def test_unknown_interpolation_names_the_known():
    with pytest.raises(ValueError, match="'cubic', 'fourier'"):
        degradation.interpolation_matrix(8, 3, 22, "linear")


def test_cached_matrix_cannot_be_changed_by_a_caller():
    with pytest.raises(ValueError, match="read-only"):
        degradation.degradation_matrix(16, 2)[0, 0] = 1
