"""Painted tissues as a scanner sees them."""

import numpy as np
import pytest

from deepresolve.simulation.painting import acquisition
from deepresolve.simulation.painting.contrast import TISSUES
from deepresolve.simulation.painting.priors import Priors
from deepresolve.simulation.painting.surroundings import NUMBERS

SPACING_MM = (0.5, 0.5, 1.0)
PLAIN = {
    "texture": (0.0, 0.0),
    "chemical_shift_pixels": (0.0, 0.0),
    "shading": (0.0, 0.0),
    "blur_mm": (0.0, 0.0),
    "ghost": (0.0, 0.0),
    "noise": (0.0, 0.0),
}
SIGNAL = dict.fromkeys(TISSUES, 0.5) | {"fat": 1.0, "cartilage": 0.25}


@pytest.fixture
def tissues():
    array = np.full((32, 36, 12), NUMBERS["muscle"], np.uint8)
    array[8:16, 10:20, 3:9] = NUMBERS["fat"]
    array[20:22] = NUMBERS["cartilage"]
    return array


def painted(tissues, seed=0, **changes):
    priors = Priors(**{**PLAIN, **changes})
    random = np.random.default_rng(seed)
    return acquisition.painted(tissues, SIGNAL, SPACING_MM, random, priors)


def acquired(image, shape, seed=0, **changes):
    priors = Priors(**{**PLAIN, **changes})
    random = np.random.default_rng(seed)
    return acquisition.acquired(image, SPACING_MM, shape, random, priors)


def test_tissues_are_as_bright_as_their_signal(tissues):
    image = painted(tissues)
    for name in ("muscle", "fat", "cartilage"):
        np.testing.assert_allclose(image[tissues == NUMBERS[name]], SIGNAL[name])
    assert image.dtype == np.float32


def test_textures_vary_about_it(tissues):
    image = painted(tissues, texture=(0.1, 0.1))
    muscle = image[tissues == NUMBERS["muscle"]]
    assert muscle.mean() == pytest.approx(0.5, rel=0.03)
    assert 0.04 < muscle.std() / 0.5 < 0.25


def test_fat_alone_is_displaced(tissues):
    image = painted(tissues, chemical_shift_pixels=(2.0, 2.0))
    still = painted(tissues)
    fat = np.where(tissues == NUMBERS["fat"], SIGNAL["fat"], 0)
    moved = image - (still - fat)
    candidates = [np.roll(fat, by, axis) for axis in (0, 1) for by in (-2, 2)]
    assert any(np.allclose(moved, one, atol=1e-6) for one in candidates)


def test_shading_is_smooth_and_positive(tissues):
    shade = painted(tissues, shading=(0.4, 0.4)) / painted(tissues)
    assert shade.min() > 0
    assert np.log(shade).std() == pytest.approx(0.4, rel=1e-3)
    assert np.abs(np.diff(np.log(shade), axis=0)).max() < 0.1


def test_voxels_are_means(tissues):
    image = painted(tissues)
    scan = acquired(image, (16, 18, 4))
    expected = image.reshape(16, 2, 18, 2, 4, 3).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(scan, expected, atol=1e-6)


def test_noise_is_rician():
    dark, bright = (
        acquired(np.full((40, 40, 30), level, np.float32), (40, 40, 30), **noise)
        for level, noise in ((1.0, {"noise": (0.05, 0.05)}),) * 2
    )
    np.testing.assert_array_equal(dark, bright)  # the same seed
    assert bright.std() == pytest.approx(0.05, rel=0.05)
    assert bright.mean() == pytest.approx(1 + 0.05**2 / 2, abs=1e-3)
    image = np.zeros((40, 40, 30), np.float32)
    image[:2] = 1.0
    air = acquired(image, image.shape, noise=(0.05, 0.05))[4:]
    # Rayleigh: the mean of what has no signal.
    assert air.mean() == pytest.approx(0.05 * np.sqrt(np.pi / 2), rel=0.02)


def test_a_ghost_lies_aside_and_a_blur_keeps_the_sum():
    image = np.zeros((40, 40, 6), np.float32)
    image[20, 20, 3] = 1
    ghosted = acquired(image, image.shape, ghost=(0.1, 0.1))
    assert ghosted[20, 20, 3] == pytest.approx(1)
    assert np.sort(ghosted.ravel())[-2:].tolist() == pytest.approx([0.1, 1])
    blurred = acquired(image, image.shape, blur_mm=(0.5, 0.5))
    assert blurred.sum() == pytest.approx(1, rel=1e-4)
    assert blurred[20, 20, 3] == pytest.approx(1 / (2 * np.pi), rel=0.03)
