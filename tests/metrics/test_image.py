import math

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage, special
from skimage import metrics as skimage_metrics

from deepresolve.metrics import image

FUNCTIONS = [
    image.ssim,
    image.psnr,
    image.mse,
    image.rmse,
    image.nrmse,
    image.edge_sharpness,
]


def measure(function, reference, estimate, data_range=1.0):
    if function in (image.ssim, image.psnr):
        return function(reference, estimate, data_range=data_range)
    return function(reference, estimate)


@pytest.fixture
def noisy_pair():
    rng = np.random.default_rng(0)
    truth = rng.random((9, 10, 11), np.float32)
    return truth, truth + np.float32(0.1) * rng.standard_normal(truth.shape, np.float32)


@pytest.mark.parametrize(
    ("offset", "data_range", "decibel"),
    # Closed form: 20 log10(data_range / offset).
    [(0.1, 1.0, 20.0), (0.01, 1.0, 40.0), (0.1, 10.0, 40.0), (5, 255, 34.1514035)],
)
def test_psnr_of_a_constant_offset(offset, data_range, decibel):
    truth = np.random.default_rng(1).random((4, 5, 6))
    assert measure(image.psnr, truth, truth + offset, data_range) == pytest.approx(
        decibel, abs=1e-6
    )


def test_psnr_of_identical_volumes_is_infinite(noisy_pair):
    truth, _ = noisy_pair
    assert measure(image.psnr, truth, truth.copy()) == float("inf")


def test_ssim_of_identical_volumes_is_one(noisy_pair):
    truth, _ = noisy_pair
    assert measure(image.ssim, truth, truth.copy()) == pytest.approx(1.0, abs=1e-6)


def test_ssim_of_constant_volumes_is_its_luminance_term():
    # No variance: SSIM = (2 a b + C1) / (a^2 + b^2 + C1), C1 = (0.01 data_range)^2.
    a, b, c1 = 0.4, 0.7, 1e-4
    constant = np.ones((7, 8, 9))
    expected = (2 * a * b + c1) / (a**2 + b**2 + c1)
    assert measure(image.ssim, a * constant, b * constant) == pytest.approx(expected)


def test_ssim_equals_its_definition_over_windows(noisy_pair):
    """Wang et al., IEEE TIP 2004, equation 13, with sample (co)variances."""
    x, y = (
        sliding_window_view(a.astype(np.float64), (7, 7, 7)).reshape(-1, 343)
        for a in noisy_pair
    )
    mx, my = x.mean(1), y.mean(1)
    vx, vy = x.var(1, ddof=1), y.var(1, ddof=1)
    cov = ((x - mx[:, None]) * (y - my[:, None])).sum(1) / 342
    c1, c2 = (0.01 * 2.0) ** 2, (0.03 * 2.0) ** 2
    similarity = (2 * mx * my + c1) * (2 * cov + c2)
    similarity /= (mx**2 + my**2 + c1) * (vx + vy + c2)
    assert measure(image.ssim, *noisy_pair, data_range=2.0) == pytest.approx(
        similarity.mean(), abs=1e-5
    )


def test_both_equal_scikit_image_in_its_defaults(noisy_pair):
    assert measure(image.ssim, *noisy_pair) == pytest.approx(
        skimage_metrics.structural_similarity(*noisy_pair, data_range=1.0)
    )
    assert measure(image.psnr, *noisy_pair) == pytest.approx(
        skimage_metrics.peak_signal_noise_ratio(*noisy_pair, data_range=1.0)
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_integer_voxels_do_not_wrap_around(function):
    truth = np.full((7, 7, 7), 10, np.uint8)
    truth[..., 3:] = 5
    estimate = np.full((7, 7, 7), 250, np.uint8)
    estimate[..., 3:] = 5
    assert measure(function, truth, estimate, 255) == pytest.approx(
        measure(function, truth.astype(float), estimate.astype(float), 255)
    )


@pytest.mark.parametrize(
    ("function", "expected"),
    # Errors 0.3 and -0.1, a quarter and three quarters of the voxels, on voxels of 0.5.
    [
        (image.mse, (0.09 + 3 * 0.01) / 4),
        (image.rmse, math.sqrt(0.12 / 4)),
        (image.nrmse, math.sqrt(0.12 / 4) / 0.5),
    ],
)
def test_errors_by_their_definition(function, expected):
    truth = np.full((4, 5, 6), 0.5)
    estimate = truth + 0.3
    estimate[1:] = 0.4
    assert measure(function, truth, estimate) == pytest.approx(expected, abs=1e-15)


def test_errors_equal_scikit_image(noisy_pair):
    mse = skimage_metrics.mean_squared_error(*noisy_pair)
    assert measure(image.mse, *noisy_pair) == pytest.approx(mse)
    assert measure(image.rmse, *noisy_pair) == pytest.approx(mse**0.5)
    assert measure(image.nrmse, *noisy_pair) == pytest.approx(
        skimage_metrics.normalized_root_mse(*noisy_pair, normalization="euclidean")
    )
    # pSNR = 10 log10(data_range^2 / MSE).
    assert measure(image.psnr, *noisy_pair) == pytest.approx(-10 * math.log10(mse))


def test_units_change_mse_and_rmse_but_not_nrmse(noisy_pair):
    thousand = [1000 * array for array in noisy_pair]
    for function, factor in ((image.mse, 1e6), (image.rmse, 1e3), (image.nrmse, 1)):
        assert measure(function, *thousand) == pytest.approx(
            factor * measure(function, *noisy_pair), rel=1e-5
        )


def test_nrmse_without_a_reference_to_divide_by():
    zeros, ones = np.zeros((3, 3, 3)), np.ones((3, 3, 3))
    assert measure(image.nrmse, zeros, zeros) == 0
    assert measure(image.nrmse, zeros, ones) == math.inf
    assert measure(image.nrmse, ones, zeros) == 1


@pytest.mark.parametrize("contrast", [1.0, 0.6, 0.0, 1.3, -0.5])
def test_edge_sharpness_is_the_contrast_that_edges_keep(noisy_pair, contrast):
    """Each slope is multiplied by the contrast, and so is the mean of them."""
    truth, _ = noisy_pair
    estimate = 0.2 + contrast * truth
    assert measure(image.edge_sharpness, truth, estimate) == pytest.approx(
        contrast, abs=1e-5
    )


def edges(spread_mm, spacing_mm=0.7, shift_mm=0.0, num_slices=21):
    """Rows of bright and dark next to one another, a blurred edge in the middle.

    The profile across the edge is the integral of a Gaussian of this spread.
    """
    z_mm = (np.arange(num_slices) - (num_slices - 2) / 2) * spacing_mm - shift_mm
    profile = special.erf(z_mm / (math.sqrt(2) * spread_mm))
    return np.stack([profile, -profile])[:, np.newaxis].repeat(3, axis=1)


def test_edge_sharpness_of_a_blurred_edge():
    """Twenty steps, so that the strongest, from -0.35 to 0.35 mm, is 5% of them."""
    sharp, blurred = (math.erf(0.35 / (math.sqrt(2) * s)) for s in (0.5, 1.2))
    assert measure(image.edge_sharpness, edges(0.5), edges(1.2)) == pytest.approx(
        blurred / sharp, abs=1e-12
    )
    assert measure(image.edge_sharpness, edges(1.2), edges(0.5)) == pytest.approx(
        sharp / blurred, abs=1e-12
    )


def test_edge_sharpness_does_not_depend_on_the_voxels():
    """The same scene in slices half as far apart, well below its blur."""
    coarse, fine = (
        image.edge_sharpness(*(edges(s, spacing_mm, num_slices=n) for s in (1.5, 3.0)))
        for spacing_mm, n in ((0.5, 41), (0.25, 81))
    )
    assert coarse == pytest.approx(fine, rel=0.01)
    # The slope in the middle of an edge is as 1 / spread, and a little beside it more.
    assert 0.5 < fine < 0.52


def test_an_edge_elsewhere_or_the_other_way_is_not_sharp():
    truth = edges(0.5)
    assert measure(image.edge_sharpness, truth, -truth) == pytest.approx(-1)
    elsewhere = edges(0.5, shift_mm=3.5)
    assert measure(image.edge_sharpness, truth, elsewhere) == pytest.approx(0, abs=1e-6)


def test_noise_is_not_mistaken_for_sharpness():
    rng = np.random.default_rng(0)
    truth = ndimage.gaussian_filter(rng.standard_normal((40, 40, 40)), 1.5)
    blurred = ndimage.gaussian_filter1d(truth, 1.5, axis=2)
    noise = 0.5 * truth.std() * rng.standard_normal(truth.shape)
    expected = measure(image.edge_sharpness, truth, blurred)
    assert expected < 0.8
    assert measure(image.edge_sharpness, truth, blurred + noise) == pytest.approx(
        expected, abs=0.05
    )
    # A mean of absolute slopes would call the noisy estimate the sharper one.
    strong = np.abs(np.diff(truth)) >= np.percentile(np.abs(np.diff(truth)), 95)
    absolute = np.abs(np.diff(blurred + noise))[strong].mean()
    assert absolute / np.abs(np.diff(truth))[strong].mean() > expected + 0.1


def test_only_edges_along_the_slice_axis_count(noisy_pair):
    truth, _ = noisy_pair
    in_plane = ndimage.uniform_filter1d(truth, 3, axis=0, mode="wrap")
    along = ndimage.uniform_filter1d(truth, 3, axis=2, mode="wrap")
    kept = measure(image.edge_sharpness, truth, in_plane)
    # White noise averaged over three voxels keeps a third of itself; along the slice
    # axis a step between neighbours keeps (x[k + 2] - x[k - 1]) / 3: nothing of it.
    assert kept == pytest.approx(1 / 3, abs=0.1)
    assert measure(image.edge_sharpness, truth, along) == pytest.approx(0, abs=0.1)


def test_edge_sharpness_without_an_edge():
    flat = np.random.default_rng(0).random((2, 3, 1)).repeat(21, axis=2)
    assert measure(image.edge_sharpness, flat, flat) == 1
    assert measure(image.edge_sharpness, flat, edges(0.5)) == 1


def test_edge_sharpness_refuses_a_single_slice():
    single = np.zeros((8, 8, 1))
    with pytest.raises(ValueError, match=r"two slices.*\(8, 8, 1\)"):
        measure(image.edge_sharpness, single, single)


def test_ssim_refuses_a_volume_thinner_than_its_window():
    thin = np.zeros((20, 20, 6))
    with pytest.raises(ValueError, match=r"at least 7 voxels.*\(20, 20, 6\)"):
        measure(image.ssim, thin, thin)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("reference", "estimate", "message"),
    [
        (np.zeros((8, 8, 8)), np.zeros((8, 8, 9)), "one shape"),
        (np.zeros((8, 8)), np.zeros((8, 8)), "3D"),
        (np.zeros((8, 8, 8)), np.full((8, 8, 8), np.nan), "finite"),
    ],
)
def test_what_cannot_be_measured_is_refused(function, reference, estimate, message):
    with pytest.raises(ValueError, match=message):
        measure(function, reference, estimate)


@pytest.mark.parametrize("function", [image.ssim, image.psnr])
@pytest.mark.parametrize("data_range", [0.0, np.inf])
def test_a_range_that_is_none_is_refused(function, data_range):
    with pytest.raises(ValueError, match="above 0"):
        measure(function, np.zeros((8, 8, 8)), np.zeros((8, 8, 8)), data_range)
