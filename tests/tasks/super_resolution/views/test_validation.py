"""Validation of views, against SciPy's spline and scikit-image's pSNR."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from skimage.metrics import peak_signal_noise_ratio

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.networks.sr_views import NUM_INPUTS, NUM_PARTS
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.views.slicing import part_centres
from deepresolve.tasks.super_resolution.views.validation import ViewsValidation
from deepresolve.training.data import ValidationScan

CONFIG = SuperResolutionConfig(
    model="sr_views",
    slice_profiles=("rect", "fir"),
    spacing_range_mm=(2.0, 8.0),
    patch_shape=(1, 16, 4),
)
VALIDATION = ViewsValidation(CONFIG, {})


@pytest.fixture(scope="module")
def scan():
    """(20, 64, 10), columns 0.5 mm apart: eight slices of 4 mm, the middle of 2 to 8.

    Four slices of it are a part each: whole pixels.
    """
    array = 100 + 200 * np.random.default_rng(0).random((20, 64, 10), np.float32)
    volume = Volume(array, np.diag([0.75, 0.5, 3.0, 1.0]))
    return ValidationScan("knee-2", volume, IntensityScale(100, 300))


@pytest.fixture(scope="module")
def block(scan):
    (only,) = VALIDATION.cut(scan)
    return only


def test_columns_are_made_thick(scan, block):
    scaled = (scan.image.array - 100) / 200
    # (rows, columns, slices) -> (slices, rows, columns), eight pixels a slice.
    beside = np.moveaxis(scaled, 2, 0).reshape(200, 64)
    thick = beside.reshape(200, 8, 8).mean(axis=-1)
    assert block.views.shape == (200, 8, NUM_INPUTS)
    np.testing.assert_allclose(block.views[..., 0], thick, atol=1e-5)
    # As thick as apart; rows 0.75 mm apart beside slices of 4 mm; no phase encoding.
    np.testing.assert_allclose(block.views[0, 0, 1:], [1, 0.1875, 0], atol=1e-6)
    np.testing.assert_allclose(block.target.array[..., 0], beside, atol=1e-5)
    spline = CubicSpline(np.arange(8), thick, axis=1)
    expected = spline(np.clip(part_centres(8), 0, 7))
    np.testing.assert_allclose(block.interpolated[..., 0], expected, atol=1e-5)


def test_of_many_slices_some_are_enough(scan):
    image = scan.image.array
    many = np.concatenate([image] * 5, axis=2)
    volume = Volume(many, scan.image.affine)
    (block,) = VALIDATION.cut(scan._replace(image=volume))
    assert len(block.views) == 8 * 20  # of 50 slices 3, 9, ..., 45


def test_what_is_learned_is_what_is_added(block):
    inputs, target = VALIDATION.batch(block)
    assert inputs.shape == (1, 200, 8, NUM_INPUTS)
    assert target.shape == (1, 200, 8, NUM_PARTS)
    restored = block.interpolated + VALIDATION.estimate(target[0])
    np.testing.assert_allclose(restored, block.target.array, atol=1e-5)


def test_scores_are_the_psnr_of_what_is_added_to_interpolation(block):
    rng = np.random.default_rng(1)
    estimate = rng.normal(0, 0.1, block.interpolated.shape).astype(np.float32)
    scores = VALIDATION.scores([block], [estimate])
    expected = peak_signal_noise_ratio(
        block.target.array, block.interpolated + estimate, data_range=1
    )
    assert scores == {"psnr": pytest.approx(expected, abs=0.5)}


def test_interpolation_is_what_is_to_be_surpassed(block):
    cubic = VALIDATION.scores([block], [np.zeros_like(block.interpolated)])["psnr"]
    assert VALIDATION.describe([block]).endswith(f"psnr {cubic:.4f}.")
    verdict = VALIDATION.verdict(cubic + 1.5, [block])
    assert verdict.endswith(f"(cubic interpolation {cubic:.2f}): +1.50 dB")


def test_the_picture_shows_the_three_side_by_side(block):
    added = block.target.array - block.interpolated
    (image,) = VALIDATION.draw(block, added).values()
    _, rows, columns, channels = image.shape
    assert channels == 1
    assert 0 <= image.min() < image.max() <= 1
    truth, restored, cubic = np.split(image[0, ..., 0], 3, axis=1)
    np.testing.assert_allclose(truth, restored, atol=1e-4)
    assert np.abs(truth - cubic).max() > 0.05
    # 0.75 mm from row to row, and 0.5 mm from part to part of the 64 columns.
    assert rows * 32 == pytest.approx(columns / 3 * 0.75 * 25, rel=0.05)
