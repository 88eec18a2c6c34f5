import numpy as np
import pytest
from scipy import ndimage, stats

from deepresolve.pipeline.augmentation import blur


@pytest.fixture
def patch():
    return np.random.default_rng(0).normal(size=(4, 5, 24, 1)).astype(np.float32)


@pytest.mark.parametrize("standard_deviation", [0.4, 1.0, 3.5])
def test_it_is_scipys_gaussian_of_unit_gain(compute, patch, standard_deviation):
    def gaussian(array):
        # Truncated beyond the patch; zeros outside, mended by the gain.
        return ndimage.gaussian_filter1d(
            array.astype(float), standard_deviation, axis=2, mode="constant", radius=24
        )

    blurred = compute(blur.apply_blur, patch, np.float32(standard_deviation))
    expected = gaussian(patch) / gaussian(np.ones_like(patch))
    np.testing.assert_allclose(blurred, expected, atol=1e-5)


def test_constant_stays_to_the_very_ends(compute):
    constant = np.full((2, 2, 9, 1), 0.7, np.float32)
    blurred = compute(blur.apply_blur, constant, np.float32(2.5))
    np.testing.assert_allclose(blurred, 0.7, rtol=1e-6)


@pytest.mark.parametrize("standard_deviation", [0.0, 1e-3])
def test_no_width_changes_nothing(compute, patch, standard_deviation):
    blurred = compute(blur.apply_blur, patch, np.float32(standard_deviation))
    # Some processors' softmax of one large number is the float32 next to 1.
    np.testing.assert_allclose(blurred, patch, rtol=3e-7)


def test_a_single_slice_stays(compute, patch):
    single = patch[:, :, :1]
    blurred = compute(blur.apply_blur, single, np.float32(2))
    np.testing.assert_allclose(blurred, single, rtol=1e-6)


def test_widths_are_drawn_as_stated(draw):
    drawn = draw(lambda seed: blur.sample_blur(seed, 1.5))
    assert stats.kstest(drawn, stats.uniform(0, 1.5).cdf).pvalue > 1e-3
