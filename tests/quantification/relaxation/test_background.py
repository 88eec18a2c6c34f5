"""Noise that was put in is found again, and none where no air tells it."""

import numpy as np
import pytest
from scipy import ndimage

import deepresolve as dr
from deepresolve.quantification.relaxation import background


@pytest.fixture(scope="module")
def clean():
    """A limb in air: tissues of many levels, down to those of cortical bone."""
    random = np.random.default_rng(0)
    levels = np.repeat(np.repeat(random.uniform(150, 3000, (12, 12, 20)), 7, 0), 7, 1)
    rows, columns = np.indices((84, 84)) - 41.5
    limb = (rows / 38) ** 2 + (columns / 30) ** 2 < 1
    return ndimage.gaussian_filter(levels, (1, 1, 0)) * limb[..., np.newaxis]


def echoes(clean, deviation, num, offset=0.0):
    """Magnitudes of complex noise, as a scanner of one coil makes them."""
    random = np.random.default_rng(num)
    signals = offset + np.stack([clean * np.exp(-0.3 * n) for n in range(num)])
    noise = random.normal(0, deviation, (2, *signals.shape))
    return np.abs(signals + noise[0] + 1j * noise[1])


@pytest.mark.parametrize("num", [2, 7])
@pytest.mark.parametrize("deviation", [4.0, 30.0])
def test_noise_is_found_in_the_air(clean, deviation, num):
    noisy = echoes(clean, deviation, num)
    assert background.noise(noisy) == pytest.approx(deviation, rel=0.03)
    whole = np.rint(noisy).astype(np.int16)
    assert background.noise(whole) == pytest.approx(deviation, rel=0.05)


def test_corners_without_noise_are_left_out(clean):
    noisy = echoes(clean, 30.0, 4)
    noisy[:, :12] = 0
    assert background.noise(noisy) == pytest.approx(30, rel=0.03)


def test_without_air_there_is_none(clean):
    assert background.noise(echoes(clean, 30.0, 4, offset=300.0)) is None
    masked = echoes(clean, 30.0, 4) * (clean > 200)
    assert background.noise(masked) is None
    assert background.noise(np.zeros((3, 4, 4, 4))) is None


def test_a_scanner_that_filters_its_air_tells_none(real_scans):
    found = dr.read_echoes(real_scans / "knee_mese_dicom")
    assert background.noise(found.array) is None


def test_what_is_no_magnitude_is_refused(clean):
    with pytest.raises(ValueError, match="from two images"):
        background.noise(clean[None])
    with pytest.raises(ValueError, match="Are these the real or the phase images"):
        background.noise(np.stack([clean, -clean]))
