"""Numbers of regions against SciPy's, and how often their intervals hold the truth."""

import numpy as np
import pytest
from scipy import stats

from deepresolve.imaging.echoes import DoubleEcho, Echoes
from deepresolve.imaging.volume import Volume
from deepresolve.quantification.relaxation import maps, table
from deepresolve.quantification.relaxation.layers import Layers

TIMES = tuple(np.arange(1, 8) * 10.0)
SNR, SIZE = 50.0, 12


def layers_of(shape):
    """Each slice (k) is a plate, its first half of rows deep."""
    voxels = np.arange(np.prod(shape)).reshape(shape)
    depth = np.broadcast_to(np.linspace(0, 0.99, shape[0])[:, None], shape[:2])
    names = [f"{k}" for k in range(shape[2])]
    return Layers(
        {name: voxels[:, :, k].ravel() for k, name in enumerate(names)},
        dict.fromkeys(names, depth.ravel()),
        {},
    )


def noise(random, num, shape, share):
    """Complex noise of SD 1 a channel, interpolated from a share of its k-space."""
    white = random.normal(size=(2, num, *shape))
    k_space = np.fft.fftn(white[0] + 1j * white[1], axes=(1, 2))
    kept = [np.abs(np.fft.fftfreq(n)) < share / 2 for n in shape[:2]]
    k_space *= np.outer(*kept)[:, :, np.newaxis]
    made = np.fft.ifftn(k_space, axes=(1, 2))
    return made / made.real.std()


def train(share=1.0, times=TIMES, second=0.0, seed=0, num=200):
    """Slices of cartilage whose T2 grows from 30 ms at the bone to 45, and the truth.

    Args:
      share: of k-space that was measured, along rows and columns.
      times: of the echoes, ms.
      second: share of the signal that decays with 8 ms.
      seed: of the noise.
      num: of slices.
    """
    random = np.random.default_rng(seed)
    shape = (SIZE, SIZE, num)
    t2_ms = np.linspace(30, 45, SIZE)[:, np.newaxis, np.newaxis] * np.ones(shape)
    signals = [
        SNR * ((1 - second) * np.exp((10 - t) / t2_ms) + second * np.exp((10 - t) / 8))
        for t in times
    ]
    magnitudes = np.abs(np.stack(signals) + noise(random, len(times), shape, share))
    volumes = tuple(Volume(m.astype(np.float32), np.eye(4)) for m in magnitudes)
    return Echoes(volumes, times), t2_ms


def told(echoes, **fit):
    found = maps.of_echoes(echoes, fit=maps.Fit(**{"noise": 1.0, **fit}))
    return found, list(table.rows(layers_of(echoes.grid.shape), found))


def test_numbers_are_those_of_scipy():
    echoes, _ = train(num=3)
    found, rows = told(echoes, most_ms=40.0)
    (row,) = (r for r in rows if (r["place"], r["layer"]) == ("1", "superficial"))
    assert list(row) == ["place", "layer", *table.QUANTITIES]
    own = found.time_ms.array[SIZE // 2 :, :, 1]
    held = np.isfinite(own)
    expected = stats.describe(own[held].astype(float), ddof=0)
    assert row["num_voxels"] == expected.nobs
    assert row["num_left_out"] == np.count_nonzero(~held) > 0
    assert row["mean"] == pytest.approx(expected.mean)
    assert row["sd"] == pytest.approx(np.sqrt(expected.variance))
    assert row["median"] == pytest.approx(stats.scoreatpercentile(own[held], 50))
    errors = found.error_ms.array[SIZE // 2 :, :, 1][held]
    assert row["voxel_error"] == pytest.approx(errors.mean())
    assert row["mean_low"] < row["mean"] < row["mean_high"]


@pytest.mark.parametrize("given", [1.0, 0.0])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_nineteen_of_twenty_intervals_hold_the_mean(share, given):
    """Also of interpolated slices, where four voxels have the noise of one."""
    echoes, t2_ms = train(share)
    found, rows = told(echoes, noise=given)
    rows = [row for row in rows if row["layer"] == "all"]
    truth = t2_ms[..., 0].mean()
    held = np.mean([row["mean_low"] <= truth <= row["mean_high"] for row in rows])
    # 95% of 200 are within 91 and 98% in 99 of 100 drawings (binomial).
    assert 0.91 <= held <= 0.985
    # As though voxels had nothing in common, which many of them have not.
    alone = found.error_ms.array
    alone = 1.96 * np.sqrt((alone**2).mean(axis=(0, 1))) / SIZE
    naive = np.mean(np.abs([row["mean"] for row in rows] - truth) <= alone)
    assert naive < 0.75 if share < 1 else naive < 0.97


def test_what_is_not_one_exponential_makes_all_voxels_err_alike():
    plain, mixed = (
        told(train(second=second, num=40)[0], skip_first=False)[1]
        for second in (0.0, 0.2)
    )
    widths = [
        np.median([r["mean_high"] - r["mean_low"] for r in rows if r["layer"] == "all"])
        for rows in (plain, mixed)
    ]
    assert widths[1] > 5 * widths[0]


def test_two_echoes_are_as_sure_as_if_all_voxels_had_one_error():
    echoes, _ = train(times=TIMES[:2], num=2)
    found, rows = told(echoes)
    half_ms = 1.96 * np.sqrt(np.nanmean(found.error_ms.array[..., 0] ** 2))
    assert rows[0]["mean_high"] - rows[0]["mean"] == pytest.approx(half_ms, rel=1e-4)
    # As tables write them.
    types = {
        type(rows[0][name]) for name, of in table.QUANTITIES.items() if of is float
    }
    assert types == {float}
    _, rows = told(echoes, noise=0.0)
    assert np.isnan([rows[0][name] for name in ("mean_low", "voxel_error")]).all()


@pytest.mark.parametrize(
    ("misfits", "share"),
    [
        ([[1.0, 1.0], [-1.0, -1.0], [1.0, 1.0]], 1.0),  # All voxels one.
        ([[1.0, -1.0], [1.0, 1.0], [0.0, 0.0]], 0.5),  # Each for itself.
        ([[1.0, -1.0], [-1.0, 1.0], [2.0, -2.0]], 0.0),  # Each undone by the other.
    ],
)
def test_an_interval_is_students_and_known_noise_bounds_it(misfits, share):
    """Three echoes: one degree of freedom, 12.706 standard errors (Student's table)."""
    errors_ms = np.array([1.5, 1.5])
    given = errors_ms, np.array(misfits), 1
    half_ms = table.half_width_ms(*given, is_known=False)
    assert half_ms == pytest.approx(12.706 * 1.5 * np.sqrt(share), rel=1e-4)
    bounded_ms = table.half_width_ms(*given, is_known=True)
    assert bounded_ms == pytest.approx(min(half_ms, 1.95996 * 1.5), rel=1e-4)


def test_a_double_echo_has_the_interval_of_its_noise():
    volumes = [
        Volume(np.full((4, 4, 1), level), np.eye(4)) for level in (100.0, 100 * 0.4082)
    ]
    double = DoubleEcho(*volumes, 16.3, 4.7, 25.0)
    found = maps.of_double_echo(double, maps.Fit(noise=1.0))
    row = next(iter(table.rows(layers_of((4, 4, 1)), found)))
    # All voxels alike: the error of one.
    assert row["mean"] == pytest.approx(30.26, abs=0.05)
    half = 1.96 * found.error_ms.array[0, 0, 0]
    assert row["mean_high"] - row["mean"] == pytest.approx(half, rel=1e-3)


def test_a_place_without_values_has_no_mean():
    echoes, _ = train(num=1)
    _, rows = told(echoes, most_ms=5.0)
    for quantity in ("mean", "mean_low", "mean_high", "sd", "median", "voxel_error"):
        assert np.isnan(rows[0][quantity])
    assert (rows[0]["num_voxels"], rows[0]["num_left_out"]) == (0, SIZE**2)
