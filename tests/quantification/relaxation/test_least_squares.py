"""All voxels at once as SciPy fits one after the other."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from deepresolve.quantification.relaxation.decay import fit_decay

TIMES = np.arange(1, 8) * 10.0


def model(time, amplitude, rate):
    return amplitude * np.exp(-time * rate)


def noisy(num, deviation, seed=0):
    random = np.random.default_rng(seed)
    t2_ms = random.uniform(8, 90, num)
    signals = 100 * np.exp(-TIMES[:, None] / t2_ms)
    return signals + random.normal(0, deviation, signals.shape), t2_ms


@pytest.mark.parametrize("deviation", [0.5, 3.0])
def test_every_voxel_is_as_scipy_has_it(deviation):
    signals, _ = noisy(150, deviation)
    signals = np.maximum(signals, 1e-3)
    found = fit_decay(signals, TIMES, method="nonlinear")
    for n in range(signals.shape[1]):
        best, covariance = curve_fit(
            model, TIMES, signals[:, n], (100, 1 / 30), xtol=1e-12, ftol=1e-12
        )
        assert found.time_ms[n] == pytest.approx(1 / best[1], rel=1e-5)
        assert found.amplitude[n] == pytest.approx(best[0], rel=1e-5)
        error = np.sqrt(covariance[1, 1]) / best[1] ** 2
        assert found.error_ms[n] == pytest.approx(error, rel=1e-3)
        left = np.sum((signals[:, n] - model(TIMES, *best)) ** 2)
        r2 = 1 - left / np.sum((signals[:, n] - signals[:, n].mean()) ** 2)
        assert found.r2[n] == pytest.approx(r2, abs=1e-6)


def test_error_is_the_spread_where_the_noise_is_known():
    random = np.random.default_rng(2)
    signals = 100 * np.exp(-TIMES[:, None] / 30) + random.normal(0, 1, (7, 20_000))
    found = fit_decay(signals, TIMES, method="nonlinear", noise=1.0)
    assert np.median(found.error_ms) == pytest.approx(np.std(found.time_ms), rel=0.03)


def test_without_noise_both_methods_agree():
    signals, t2_ms = noisy(50, 0.0)
    for method in ("log_linear", "nonlinear"):
        found = fit_decay(signals, TIMES, method=method)
        np.testing.assert_allclose(found.time_ms, t2_ms, rtol=1e-6)


def test_echoes_below_the_floor_and_voxels_without_decay():
    signals = np.array([[60.0, 1, 5], [20.0, 2, 0], [6.0, 4, 0], [14.0, 8, 0]])
    found = fit_decay(
        signals, (10, 20, 30, 40), method="nonlinear", floor=10.0, most_ms=100
    )
    assert found.time_ms[0] == pytest.approx(10 / np.log(3))
    assert np.isnan(found.time_ms[1:]).all() and np.isnan(found.error_ms).all()
