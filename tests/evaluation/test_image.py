import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from skimage import metrics as skimage_metrics

from deepresolve.evaluation import image

SPACING_MM = (0.3646, 0.3646, 0.7)


def measure(function, reference, estimate, data_range=1.0):
    return function(reference, estimate, spacing_mm=SPACING_MM, data_range=data_range)


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


@pytest.mark.parametrize("function", [image.ssim, image.psnr])
def test_integer_voxels_do_not_wrap_around(function):
    truth = np.full((7, 7, 7), 10, np.uint8)
    estimate = np.full((7, 7, 7), 250, np.uint8)
    assert measure(function, truth, estimate, 255) == pytest.approx(
        measure(function, truth.astype(float), estimate.astype(float), 255)
    )


def test_ssim_refuses_a_volume_thinner_than_its_window():
    thin = np.zeros((20, 20, 6))
    with pytest.raises(ValueError, match=r"at least 7 voxels.*\(20, 20, 6\)"):
        measure(image.ssim, thin, thin)


@pytest.mark.parametrize("function", [image.ssim, image.psnr])
@pytest.mark.parametrize(
    ("reference", "estimate", "data_range", "message"),
    [
        (np.zeros((8, 8, 8)), np.zeros((8, 8, 9)), 1.0, "one shape"),
        (np.zeros((8, 8)), np.zeros((8, 8)), 1.0, "3D"),
        (np.zeros((8, 8, 8)), np.full((8, 8, 8), np.nan), 1.0, "finite"),
        (np.zeros((8, 8, 8)), np.zeros((8, 8, 8)), 0.0, "above 0"),
        (np.zeros((8, 8, 8)), np.zeros((8, 8, 8)), np.inf, "above 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    function, reference, estimate, data_range, message
):
    with pytest.raises(ValueError, match=message):
        measure(function, reference, estimate, data_range)
