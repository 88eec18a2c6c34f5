import numpy as np
from scipy import stats

from deepresolve.pipeline.augmentation import gamma

VALUES = np.linspace(-0.3, 1.4, 60, dtype=np.float32).reshape(3, 4, 5, 1)


def test_it_is_the_stated_power(compute):
    for power in (0.6, 1.7):
        changed = compute(gamma.apply_gamma, VALUES, np.float32(power))
        expected = np.sign(VALUES) * np.abs(VALUES) ** power
        np.testing.assert_allclose(changed, expected, rtol=1e-5)
        assert np.all(np.diff(changed.ravel()) > 0)  # the order of values stays


def test_nothing_one_and_a_power_of_one_stay(compute):
    ends = np.array([0, 1, -1], np.float32)
    changed = compute(gamma.apply_gamma, ends, np.float32(2.3))
    np.testing.assert_allclose(changed, ends, atol=1e-6)
    same = compute(gamma.apply_gamma, VALUES, np.float32(1))
    np.testing.assert_allclose(same, VALUES, rtol=1e-6)


def test_powers_are_drawn_as_stated(draw):
    logarithms = np.log(draw(lambda seed: gamma.sample_gamma(seed, 0.4)))
    assert stats.kstest(logarithms, stats.uniform(-0.4, 0.8).cdf).pvalue > 1e-3
