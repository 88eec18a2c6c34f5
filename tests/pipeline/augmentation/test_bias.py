import numpy as np
import pytest
from scipy import stats

from deepresolve.pipeline.augmentation import bias

SHAPE = (9, 12, 7)


def bernstein(count):
    """Bernstein polynomials are the binomial distribution's probabilities."""
    places = np.linspace(0, 1, count)[:, np.newaxis]
    return stats.binom.pmf(np.arange(4), 3, places)


def field(compute, control_points, shape=SHAPE):
    ones = np.ones((*shape, 1), np.float32)
    return compute(bias.apply_bias, ones, control_points.astype(np.float32))[..., 0]


@pytest.mark.parametrize("shape", [SHAPE, (5, 6, 1)])
def test_logarithm_is_a_bezier_volume(compute, shape):
    points = np.random.default_rng(0).uniform(-1, 1, (4, 4, 4))
    expected = np.einsum("abc,ia,jb,kc->ijk", points, *map(bernstein, shape))
    logarithm = np.log(field(compute, points, shape))
    np.testing.assert_allclose(logarithm, expected, atol=1e-5)


def test_it_multiplies(compute):
    patch = np.random.default_rng(0).normal(size=(*SHAPE, 1)).astype(np.float32)
    points = np.random.default_rng(1).uniform(-1, 1, (4, 4, 4)).astype(np.float32)
    shaded = compute(bias.apply_bias, patch, points)
    expected = patch[..., 0] * field(compute, points)
    np.testing.assert_allclose(shaded[..., 0], expected, rtol=1e-5)


def test_constants_and_bounds(compute):
    np.testing.assert_allclose(field(compute, np.zeros((4, 4, 4))), 1, atol=1e-6)
    constant = field(compute, np.full((4, 4, 4), -0.7))
    np.testing.assert_allclose(constant, np.exp(-0.7), rtol=1e-5)
    corners = np.where(np.random.default_rng(0).random((4, 4, 4)) < 0.5, -0.5, 0.5)
    extreme = np.log(field(compute, corners))
    assert np.abs(extreme).max() == pytest.approx(0.5, abs=1e-5)  # at the corners


def test_points_are_drawn_as_stated(draw):
    points = draw(lambda seed: bias.sample_bias(seed, 0.3), 50)
    assert points.shape == (50, 4, 4, 4)
    uniform = stats.uniform(-0.3, 0.6).cdf
    assert stats.kstest(points.ravel(), uniform).pvalue > 1e-3
