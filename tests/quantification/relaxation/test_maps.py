"""What is done with echoes by default, and what is told of it."""

import numpy as np
import pytest

from deepresolve.imaging.echoes import DoubleEcho, Echoes
from deepresolve.imaging.volume import Volume
from deepresolve.quantification.relaxation import maps
from deepresolve.quantification.relaxation.decay import fit_decay
from deepresolve.quantification.relaxation.maps import Fit

AFFINE = np.diag([0.6, 0.6, 3.0, 1.0])
TIMES = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0)
TISSUE = (slice(16, 48), slice(16, 48))
T2_MS, NOISE = 35.0, 4.0


def train(times, num=None, counted_from="TE"):
    """A block of tissue of one time in air, with the noise of one coil."""
    random = np.random.default_rng(11)
    shape = (64, 64, 6)
    volumes = []
    for time in times[:num]:
        clean = np.zeros(shape)
        clean[TISSUE] = 400 * np.exp(-time / T2_MS)
        noise = random.normal(0, NOISE, (2, *shape))
        volumes.append(Volume(np.abs(clean + noise[0] + 1j * noise[1]), AFFINE))
    return Echoes.by_time(
        volumes, times[:num], counted_from, ("TE as the headers tell.",)
    )


def told(found):
    return " ".join(found.notes)


@pytest.mark.parametrize("method", ["log_linear", "nonlinear"])
def test_a_train_becomes_maps_in_ms(method):
    found = maps.of_echoes(train(TIMES), fit=Fit(method=method))
    for volume in (found.time_ms, found.error_ms, found.r2):
        assert volume.array.dtype == np.float32
        np.testing.assert_array_equal(volume.affine, AFFINE)
    own = found.time_ms.array[TISSUE]
    assert np.nanmean(own) == pytest.approx(T2_MS, rel=0.01)
    # The noise is found in the air, and errors are those that it makes.
    assert np.nanmedian(found.error_ms.array[TISSUE]) == pytest.approx(
        np.nanstd(own), rel=0.1
    )
    assert "from the air around" in told(found)
    outside = np.ones(found.time_ms.shape, bool)
    outside[TISSUE] = False
    assert np.isnan(found.time_ms.array[outside]).mean() > 0.98
    assert found.summary.startswith("T2 of ") and "median 35" in found.summary


def test_the_first_of_a_train_is_left_out_unless_told_otherwise():
    echoes = train(TIMES)
    found, kept = (maps.of_echoes(echoes, fit=Fit(skip_first=s)) for s in (None, False))
    expected = fit_decay(echoes.array[1:], TIMES[1:], floor=12.0, least_r2=0.7)
    given = maps.of_echoes(echoes, fit=Fit(noise=4.0))
    np.testing.assert_allclose(
        given.time_ms.array[TISSUE], expected.time_ms[TISSUE], rtol=1e-5
    )
    assert "The first echo, 10 ms, is left out" in told(found)
    assert "The first echo is not left out" in told(kept)
    assert not np.array_equal(found.time_ms.array[TISSUE], kept.time_ms.array[TISSUE])


@pytest.mark.parametrize("kind", ["t2star", "t1rho"])
def test_other_decays_keep_all_echoes(kind):
    times = maps.KINDS[kind].times
    found = maps.of_echoes(train((0.0, 10.0, 40.0, 80.0), counted_from=times), kind)
    assert "first echo" not in told(found)
    assert np.nanmean(found.time_ms.array[TISSUE]) == pytest.approx(T2_MS, rel=0.02)
    other = "TSL" if times == "TE" else "TE"
    with pytest.raises(ValueError, match=f"have {other}. Read them with kind='{kind}'"):
        maps.of_echoes(train(TIMES, counted_from=other), kind)
    with pytest.raises(ValueError, match="Expected one of t2"):
        maps.of_echoes(train(TIMES), "dess")


def test_two_echoes_have_an_error_where_the_noise_is_known():
    echoes = train(TIMES, num=2)
    found = maps.of_echoes(echoes)
    assert found.r2 is None and found.error_ms is not None
    assert "Two echoes tell a time" in told(found)
    blank = maps.of_echoes(echoes, fit=Fit(noise=0))
    assert blank.error_ms is None and "Noise not known" in told(blank)


def test_air_that_was_blanked_tells_no_noise():
    echoes = train(TIMES)
    volumes = [v.with_array(v.array * (v.array > 40)) for v in echoes.volumes]
    found = maps.of_echoes(Echoes(tuple(volumes), TIMES))
    assert "No noise was found in the air" in told(found)


def test_longer_times_are_none():
    found = maps.of_echoes(train(TIMES), fit=Fit(most_ms=T2_MS))
    assert np.nanmax(found.time_ms.array) <= T2_MS
    assert np.isnan(found.time_ms.array[TISSUE]).mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("spoiler", [(0, 0), (2.0, 1.5)])
def test_a_double_echo_becomes_a_map(spoiler):
    """Ratio 0.4082: T2 30.26 ms by another program's table, without diffusion."""
    random = np.random.default_rng(3)
    shape = (64, 64, 6)
    volumes = []
    for level in (500.0, 500 * 0.4082):
        clean = np.zeros(shape)
        clean[TISSUE] = level
        noise = random.normal(0, 2.0, (2, *shape))
        volumes.append(Volume(np.abs(clean + noise[0] + 1j * noise[1]), AFFINE))
    found = maps.of_double_echo(DoubleEcho(*volumes, 16.3, 4.7, 25.0, *spoiler))
    own = found.time_ms.array[TISSUE]
    # Sveinsson's formula by hand: gamma G Tg = 8026 rad/m, and T2 of 30.78 ms.
    longer = 1.017 if any(spoiler) else 1.0
    assert np.median(own) == pytest.approx(30.26 * longer, abs=0.1)
    assert np.median(found.error_ms.array[TISSUE]) == pytest.approx(
        np.std(own), rel=0.1
    )
    assert found.r2 is None and "T1 is taken to be 1200 ms" in told(found)
    assert np.isnan(found.time_ms.array[:10]).mean() > 0.99
    assert np.isfinite(maps.without_nan(found.time_ms).array).all()
