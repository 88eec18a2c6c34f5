"""Decays against closed forms and against spins followed pulse by pulse."""

import numpy as np
import pytest

from deepresolve.quantification.relaxation.decay import fit_decay

TIMES = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0)


def cpmg(t2_ms, refocusing_degrees, t1_ms=1200.0, spacing_ms=10.0, num=7):
    """Echoes of a train of imperfect refocusing pulses: extended phase graphs.

    States F+(k), F-(k) and Z(k) (Hennig 1991; Weigel, JMRI 2015;41:266).
    """
    angle, size = np.radians(refocusing_degrees), 2 * num + 2
    half, cosine = np.cos(angle / 2) ** 2, np.cos(angle)
    # About the axis that the magnetisation was put on.
    mixing = np.array(
        [
            [half, 1 - half, -1j * np.sin(angle)],
            [1 - half, half, 1j * np.sin(angle)],
            [-0.5j * np.sin(angle), 0.5j * np.sin(angle), cosine],
        ]
    )
    e1, e2 = np.exp(-spacing_ms / 2 / t1_ms), np.exp(-spacing_ms / 2 / t2_ms)
    plus, minus, along = np.zeros((3, size), complex)
    plus[0] = minus[0] = 1
    echoes = []

    def dephased(plus, minus, along):
        plus, minus, along = plus * e2, minus * e2, along * e1
        up = np.concatenate([[np.conj(minus[1])], plus[:-1]])
        down = np.concatenate([minus[1:], [0]])
        down[0] = np.conj(up[0])
        return up, down, along

    for _ in range(num):
        plus, minus, along = dephased(plus, minus, along)
        plus, minus, along = mixing @ np.stack([plus, minus, along])
        plus, minus, along = dephased(plus, minus, along)
        echoes.append(abs(plus[0]))
    return np.array(echoes)


@pytest.mark.parametrize("t2_ms", [8.0, 35.0, 120.0])
def test_a_decay_without_noise_is_found(t2_ms):
    echoes = 900 * np.exp(-np.array(TIMES) / t2_ms)
    found = fit_decay(np.tile(echoes[:, None, None], (1, 2, 3)), TIMES)
    np.testing.assert_allclose(found.time_ms, np.full((2, 3), t2_ms), rtol=1e-4)
    np.testing.assert_allclose(found.amplitude, 900, rtol=1e-6)
    np.testing.assert_allclose(found.r2, 1, atol=1e-9)
    np.testing.assert_allclose(found.error_ms, 0, atol=1e-5)


def test_spin_locks_of_any_length():
    times = (0.0, 10.0, 40.0, 80.0)
    found = fit_decay(500 * np.exp(-np.array(times)[:, None] / 45), times)
    assert found.time_ms == pytest.approx(45, rel=1e-4)


@pytest.mark.parametrize("method", ["log_linear", "nonlinear"])
@pytest.mark.parametrize(
    ("degrees", "plain", "weighted", "without_first"),
    [
        (180, 30.0, 30.0, 30.0),
        (160, 29.9, 30.8, 29.8),
        (140, 31.7, 33.6, 29.4),
        (120, 35.1, 39.0, 30.0),
    ],
)
def test_imperfect_pulses_bias_as_spins_say(
    degrees, plain, weighted, without_first, method
):
    """Stimulated echoes make a train longer, but for its first echo.

    `plain` is a line through all logarithms, of which another simulation says the same.
    """
    echoes = cpmg(30.0, degrees)
    line = np.polyfit(TIMES, np.log(echoes), 1)[0]
    assert -1 / line == pytest.approx(plain, abs=0.3)
    found = fit_decay(echoes[:, None], TIMES, method=method).time_ms[0]
    assert found == pytest.approx(weighted, abs=0.5)
    found = fit_decay(echoes[1:, None], TIMES[1:], method=method).time_ms[0]
    assert found == pytest.approx(without_first, abs=0.5)


def test_weights_make_it_as_precise_as_a_fit_can_be():
    """SNR 50 at the first echo, T2 25 ms: 0.83 ms; without weights 1.67."""
    random = np.random.default_rng(0)
    clean = 50 * np.exp(-(np.array(TIMES) - 10) / 25)[:, None]
    shape = (len(TIMES), 20_000)
    noisy = np.abs(clean + random.normal(size=shape) + 1j * random.normal(size=shape))
    found = fit_decay(noisy, TIMES)
    assert np.nanstd(found.time_ms) == pytest.approx(0.83, abs=0.1)
    told = fit_decay(noisy, TIMES, noise=1.0)
    assert np.nanmedian(told.error_ms) == pytest.approx(
        np.nanstd(found.time_ms), rel=0.2
    )
    plain = [-1 / np.polyfit(TIMES, np.log(noisy[:, n]), 1)[0] for n in range(2000)]
    assert np.std(plain) > 1.5 * np.nanstd(found.time_ms)


@pytest.mark.parametrize("t2_ms", [25.0, 35.0, 45.0])
def test_noise_makes_times_hardly_longer(t2_ms):
    """SNR 50 at 10 ms, six echoes from 20 ms on: weights must not follow the noise.

    Weights of the measured signals squared make it 0.36 to 0.54 ms longer.
    """
    random, times = np.random.default_rng(2), np.array(TIMES[1:])
    clean = 50 * np.exp(-(times - 10) / t2_ms)[:, None]
    channels = random.normal(size=(2, len(times), 40_000))
    found = fit_decay(np.abs(clean + channels[0] + 1j * channels[1]), times, floor=3.0)
    assert 0 < np.nanmean(found.time_ms) - t2_ms < 0.2


def test_two_echoes_tell_a_time_and_no_more():
    echoes = 100 * np.exp(-np.array([[20.0], [60.0]]) / 40)
    found = fit_decay(echoes, (20, 60))
    assert found.time_ms == pytest.approx(40)
    assert np.isnan(found.r2).all() and np.isnan(found.error_ms).all()
    known = fit_decay(echoes, (20, 60), noise=2.0)
    # Errors of both logarithms, over the 40 ms between them.
    expected = 40**2 * 2 * np.hypot(1 / echoes[0], 1 / echoes[1]) / 40
    np.testing.assert_allclose(known.error_ms, expected, rtol=1e-6)


def test_voxels_that_do_not_decay_have_no_time():
    echoes = np.array([[1.0, 5, 3, 0, np.nan], [2.0, 5, 2.999, 0, 4]])
    found = fit_decay(echoes, (10, 20), most_ms=500)
    assert np.isnan(found.time_ms).all() and np.isnan(found.amplitude).all()


def test_echoes_below_the_floor_are_left_out():
    times = np.array(TIMES)
    echoes = 100 * np.exp(-times / 12)
    magnitudes = np.sqrt(echoes**2 + 4.0)[:, None]  # as noise keeps them up
    assert fit_decay(magnitudes, TIMES).time_ms[0] > 12.2
    found = fit_decay(magnitudes, TIMES, floor=10.0)
    assert found.time_ms[0] == pytest.approx(12, abs=0.2)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ((10.0, 30.0, 20.0), "must grow"),
        ((10.0, 10.0, 20.0), "must grow"),
        ((10.0, np.nan, 20.0), "must grow"),
        ((-5.0, 10.0, 20.0), "must grow, from 0 on"),
        ((10.0, 20.0), "3 echoes and 2 times"),
    ],
)
def test_times_that_cannot_be_are_refused(times, message):
    with pytest.raises(ValueError, match=message):
        fit_decay(np.ones((3, 4)), times)
    with pytest.raises(ValueError, match="two echoes or more"):
        fit_decay(np.ones((1, 4)), (10.0,))


def test_methods_and_bounds_that_cannot_be_are_refused():
    echoes = np.ones((3, 4))
    with pytest.raises(ValueError, match="expected log_linear or nonlinear; got 'log'"):
        fit_decay(echoes, (10, 20, 30), method="log")
    for wrong in ({"noise": -1.0}, {"most_ms": 0.0}, {"least_r2": 1.0}):
        with pytest.raises(ValueError, match="noise and floor are 0 or more"):
            fit_decay(echoes, (10, 20, 30), **wrong)


def test_what_fits_worse_than_asked_is_no_decay():
    random = np.random.default_rng(5)
    clean = 100 * np.exp(-np.array(TIMES) / 30)[:, None]
    noisy = np.abs(clean + random.normal(0, 12, (7, 4000)))
    every = fit_decay(noisy, TIMES)
    kept = fit_decay(noisy, TIMES, least_r2=0.9)
    good = every.r2 >= 0.9
    assert 0.1 < good.mean() < 0.9
    np.testing.assert_array_equal(np.isfinite(kept.time_ms), good)
    np.testing.assert_array_equal(kept.time_ms[good], every.time_ms[good])
    two = fit_decay(noisy[:2], TIMES[:2], least_r2=0.9)  # nothing tells of two
    assert np.isfinite(two.time_ms).any()


def test_a_train_ends_where_it_sinks_into_noise():
    """What rises above the floor later is chance, and would make it longer."""
    echoes = np.array([[60.0], [20.0], [6.0], [14.0]])
    found = fit_decay(echoes, (10, 20, 30, 40), floor=10.0)
    assert found.time_ms[0] == pytest.approx(10 / np.log(3))


def test_long_series_are_fitted_in_parts(monkeypatch):
    random = np.random.default_rng(1)
    echoes = np.abs(random.normal(50, 10, (3, 7, 11))).astype(np.uint16)
    whole = fit_decay(echoes, (10, 20, 30))
    monkeypatch.setattr("deepresolve.quantification.relaxation.decay._VOXELS", 10)
    for one, other in zip(whole, fit_decay(echoes, (10, 20, 30)), strict=True):
        assert one.shape == (7, 11)
        np.testing.assert_array_equal(one, other)
