import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.metrics.table import Metric
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.validation import (
    SuperResolutionValidation,
    central_block,
)
from deepresolve.training.data import ValidationScan

CONFIG = SuperResolutionConfig(downsample_factors=(2, 4))


BIAS = Metric(
    lambda reference, estimate: float((estimate - reference).mean()),
    "images",
    "Bias",
    "mean difference",
)


def validating(**metrics):
    return SuperResolutionValidation(CONFIG, {}, metrics)


@pytest.fixture
def scan(smooth_array, sagittal):
    return ValidationScan("knee-2", sagittal(smooth_array), IntensityScale(0, 1))


def test_block_is_the_middle_of_the_degraded_whole(scan):
    block = central_block(scan, 3, (10, 30, 12))
    assert block.target.shape == (10, 20, 12)
    tci = interpolate(thicken(scan.image, 3), 3)
    # Slices 34 and 35 lie past the last acquired one: (34 - 12) // 2 = 11 becomes 9,
    # an acquired slice; (24 - 10) // 2 = 7 becomes 6.
    expected = tci.array[6:16, :, 9:21]
    np.testing.assert_allclose(block.input.array, expected, atol=1e-6)
    np.testing.assert_array_equal(block.target.array, scan.image.array[6:16, :, 9:21])


def test_there_is_a_block_for_each_factor(scan):
    blocks = validating().cut(scan)
    for block, factor in zip(blocks, (2, 4), strict=True):
        expected = central_block(scan, factor, CONFIG.validation_shape)
        np.testing.assert_array_equal(block.input.array, expected.input.array)


def test_blocks_are_of_the_first_profile_in_the_middle_of_the_range(scan):
    config = CONFIG.replace(
        slice_profiles=("gaussian", "rect"), thickness_range=(0.5, 2.5)
    )
    (block, _) = SuperResolutionValidation(config, {}).cut(scan)
    tci = interpolate(thicken(scan.image, 2, "gaussian", 1.5), 2)
    place = np.linalg.inv(tci.affine) @ block.input.affine[:, 3]
    i, j, k = np.rint(place[:3]).astype(int)
    rows, columns, slices = block.input.shape
    expected = tci.array[i : i + rows, j : j + columns, k : k + slices]
    np.testing.assert_allclose(block.input.array, expected, atol=1e-6)
    published = central_block(scan, 2, config.validation_shape)
    assert not np.allclose(block.input.array, published.input.array, atol=1e-3)


def test_scores_are_means_over_the_blocks(scan):
    blocks = [central_block(scan, 3, (8, 8, 8))] * 2
    estimates = [blocks[0].target.array + shift for shift in (1, 3)]
    measured = validating(bias=BIAS).scores(blocks, estimates)
    assert measured == {"bias": pytest.approx(2)}


def test_what_is_to_be_surpassed_is_told(scan):
    block = central_block(scan, 3, (8, 8, 8))
    text = validating(bias=BIAS).describe([block])
    tci, fourier = (
        (array - block.target.array).mean()
        for array in (block.input.array, block.fourier)
    )
    assert text == (
        f"To surpass on the validation blocks: TCI bias {tci:.4f}; Fourier bias "
        f"{fourier:.4f}."
    )


def test_the_verdict_compares_with_the_best_interpolation(scan):
    block = central_block(scan, 3, (8, 8, 12))
    tci, fourier = (
        peak_signal_noise_ratio(block.target.array, array, data_range=1)
        for array in (block.input.array, block.fourier)
    )
    text = SuperResolutionValidation(CONFIG, {}).verdict(40.0, [block])
    assert text == (
        f"best validation pSNR 40.00 dB (TCI {tci:.2f}, Fourier {fourier:.2f}): "
        f"{40 - max(tci, fourier):+.2f} dB against the best interpolation"
    )


def test_fourier_interpolation_is_cut_as_tci_is(scan):
    block = central_block(scan, 3, (10, 30, 12))
    whole = interpolate(thicken(scan.image, 3), 3, method="fourier").array
    np.testing.assert_allclose(block.fourier, whole[6:16, :, 9:21], atol=1e-6)


def test_picture_has_square_pixels_and_the_three_sets_side_by_side(scan):
    block = central_block(scan, 3, (24, 20, 36))
    images = validating().draw(block, np.zeros(block.target.shape, np.float32))
    # Rows and columns are 1 mm apart, slices 3 mm: three sets of 34 slices.
    axial = images["ground_truth_sr_tci/axial"]
    coronal = images["ground_truth_sr_tci/coronal"]
    assert axial.shape == (1, 20, 3 * 34 * 3, 1)
    assert coronal.shape == (1, 24, 3 * 34 * 3, 1)
    np.testing.assert_array_equal(axial[0, :, 102:204, 0], 0)
    # The middle column of the ground truth's middle slice, black to white.
    middle = block.target.array[:, 10, 17]
    white = np.percentile(block.target.array, 99)
    expected = np.clip(middle / white, 0, 1)
    np.testing.assert_allclose(coronal[0, :, 3 * 17 + 1, 0], expected, atol=1e-6)
