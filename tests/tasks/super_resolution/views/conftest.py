"""One knee of thin slices, and scans of thick ones that are made of it."""

import pytest

from deepresolve.imaging.degradation import acquire
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.simulation import phantom


@pytest.fixture(scope="session")
def knee():
    """A canonical knee in cubes of 0.8 mm, (96, 96, 96)."""
    drawn = phantom.knee(seed=2, shape=(96, 96, 96), spacing_mm=(0.8, 0.8, 0.8))
    return drawn.image.canonical()


@pytest.fixture(scope="session")
def thick_knee(knee):
    """Makes it thick: slices `spacing_mm` apart, of a shape as wide; float32."""

    def make(shape="rect", spacing_mm=3.2):
        return acquire(knee, spacing_mm, SliceProfile(shape, spacing_mm))

    return make


@pytest.fixture(scope="session")
def small_scan(knee):
    """(64, 64, 8), touching slices 6.4 mm apart, pixels of 0.8 mm."""
    part = knee.crop((slice(16, 80), slice(16, 80), slice(16, 80)))
    return acquire(part, 6.4, SliceProfile("rect", 6.4))
