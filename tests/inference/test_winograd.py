import numpy as np
import pytest
from scipy import ndimage

from deepresolve.inference import winograd


def test_six_products_are_the_correlation():
    generator = np.random.default_rng(0)
    planes = generator.normal(size=(6, 5, 7))
    kernel = generator.normal(size=(1, 1, 3, 1, 1))
    factors = winograd.mix(winograd.FROM_INPUTS, list(planes))
    kernels = winograd.transform_kernel(kernel)[:, 0, 0, 0, 0]
    products = [k * f for k, f in zip(kernels, factors, strict=True)]
    actual = winograd.mix(winograd.TO_OUTPUTS, products)
    expected = ndimage.correlate1d(planes, kernel.ravel(), axis=0)[1:-1]
    np.testing.assert_allclose(actual, expected, atol=1e-13)


def test_every_kernel_weight_takes_part():
    kernel = np.random.default_rng(1).normal(size=(3, 3, 3, 2, 4))
    transformed = winograd.transform_kernel(kernel)
    assert transformed.shape == (6, 3, 3, 2, 4)
    # The point 0 sees the kernel's first plane alone, infinity its last.
    np.testing.assert_allclose(transformed[0], kernel[:, :, 0])
    np.testing.assert_allclose(transformed[-1], kernel[:, :, 2])


@pytest.mark.parametrize("matrix", [winograd.FROM_INPUTS, winograd.TO_OUTPUTS])
def test_rounding_is_amplified_little(matrix):
    # Points 0, 1, -1, 2, -2, the usual choice, reach 10 and 19.
    assert np.abs(matrix).sum(axis=1).max() < 9
