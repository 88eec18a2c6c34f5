"""Relaxation times from echoes that decay: T2, T2* and T1rho.

A decay S(t) = a exp(-t / T) is a straight line in its logarithm. Noise of the same
standard deviation in all echoes is 1/S times as large there, so that echoes are
weighted by S²: in closed form, for a whole volume at once, and as precise as a
non-linear fit, which `least_squares` makes of it where it is asked for. A second line
has the weights of the first one: measured signals that noise raised would weigh more,
the late ones by most, and make times longer (0.4 ms of 35 at SNR 50). The first echo
of a multi-echo spin echo lies too low, for it holds no stimulated echoes as all others
do (Milford, PLoS ONE 2015;10:e0145255): leave it out. No fit has an offset: of such
trains it takes away more than stimulated echoes added (24 ms of 30 at 140 degrees,
where two parameters without the first echo find 29).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from deepresolve.quantification.relaxation import least_squares

METHODS = ("log_linear", "nonlinear")
# Fitted at once, so that a long series needs little memory.
_VOXELS = 500_000


class Decay(NamedTuple):
    """A fit in each voxel; NaN where there is none.

    Attributes:
      time_ms: T2, T2* or T1rho.
      amplitude: signal at time 0, in the units of the echoes.
      r2: share of the echoes' variance that the fit explains; NaN of two echoes, which
        every line fits.
      error_ms: standard error of the time, from the noise where it is known, else from
        what the fit leaves over; NaN of two echoes of unknown noise.
      num_echoes: of how many, from the first on, the fit is.
    """

    time_ms: np.ndarray
    amplitude: np.ndarray
    r2: np.ndarray
    error_ms: np.ndarray
    num_echoes: np.ndarray


def fit_decay(
    echoes: np.ndarray,
    times_ms: Sequence[float],
    *,
    method: str = "log_linear",
    noise: float = 0.0,
    floor: float = 0.0,
    most_ms: float = 500.0,
    least_r2: float = 0.0,
) -> Decay:
    """The time with which echoes decay.

    Args:
      echoes: (echoes, ...) signals, in the order of the times.
      times_ms: of each echo (TE, or TSL of a spin lock), growing.
      method: "log_linear", a line through the logarithms, weighted by the signals
        squared; or "nonlinear", least squares of the signals, from there on.
      noise: standard deviation of the signals; 0: not known.
      floor: a voxel's fit ends before the first echo that is not above it, such as
        three times the noise: magnitudes never fall to 0, which makes a decay longer.
      most_ms: a longer time is taken for none.
      least_r2: what fits worse is taken for no decay, 0 to 1; of two echoes nothing is.

    Raises:
      ValueError: fewer than two echoes, as many times as there are not, times that do
        not grow or are not finite, bounds that cannot be, or an unknown method.
    """
    signals = np.asarray(echoes)
    times = np.asarray(times_ms, np.float64)
    _check_times(signals, times)
    if method not in METHODS:
        raise ValueError(f"method: expected {' or '.join(METHODS)}; got {method!r}.")
    if noise < 0 or floor < 0 or most_ms <= 0 or not 0 <= least_r2 < 1:
        raise ValueError(
            "noise and floor are 0 or more, most_ms above 0, least_r2 from 0 to below "
            f"1; got {noise}, {floor}, {most_ms} and {least_r2}."
        )
    shape = signals.shape[1:]
    flat = signals.reshape(len(signals), -1)
    parts = []
    for start in range(0, max(1, flat.shape[1]), _VOXELS):
        found = _fitted(flat[:, start : start + _VOXELS], times, method, noise, floor)
        with np.errstate(invalid="ignore"):
            held = (found.time_ms > 0) & (found.time_ms <= most_ms)
            held &= ~(found.r2 < least_r2)
        parts.append([np.where(held, values, np.nan) for values in found])
    return Decay(
        *(np.concatenate(found).reshape(shape) for found in zip(*parts, strict=True))
    )


def _check_times(signals: np.ndarray, times: np.ndarray) -> None:
    if signals.ndim < 2 or len(signals) != len(times) or len(times) < 2:
        raise ValueError(
            f"Expected two echoes or more and a time for each; got {len(signals)} "
            f"echoes and {times.size} times."
        )
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any() or times[0] < 0:
        raise ValueError(
            f"Echo times must grow, from 0 on; got {times.tolist()} ms. Sort the "
            "echoes by their times."
        )


def _fitted(
    echoes: np.ndarray, times: np.ndarray, method: str, noise: float, floor: float
) -> Decay:
    """Of (echoes, voxels); NaN of fewer than two echoes."""
    signals = echoes.astype(np.float64)
    used = np.isfinite(signals) & (signals > floor)
    used = np.logical_and.accumulate(used, axis=0)
    count = used.sum(axis=0)
    held = np.where(used, signals, 0.0)
    along = times[:, np.newaxis]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        amplitude, rate, _ = _log_linear(held, used, along, held)
        lines = np.where(used, amplitude * np.exp(-along * rate), 0.0)
        amplitude, rate, spread = _log_linear(held, used, along, lines)
        if method == "nonlinear":
            start = np.where(count > 1, amplitude, np.nan), rate
            amplitude, rate, spread = least_squares.refined(held, used, along, *start)
        left = np.where(used, held - amplitude * np.exp(-along * rate), 0.0)
        residual = (left**2).sum(axis=0)
        variance = np.where(used, (held - held.sum(axis=0) / count) ** 2, 0.0)
        r2 = np.where(count > 2, 1 - residual / variance.sum(axis=0), np.nan)
        of_fit = np.where(count > 2, np.sqrt(residual / (count - 2)), np.nan)
        time = np.where(count > 1, 1 / rate, np.nan)
        error = time**2 * (noise if noise else of_fit) / np.sqrt(spread)
    return Decay(time, amplitude, r2, error, count)


def _log_linear(
    held: np.ndarray, used: np.ndarray, along: np.ndarray, signals: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amplitude, rate, and the inverse of the rate's variance in units of the noise.

    Args:
      held: (echoes, voxels), 0 where an echo is not used.
      used: of that shape, bool.
      along: (echoes, 1) times.
      signals: of the voxels' shape, 0 where an echo is not used; squared, its weight.
    """
    logarithms = np.log(np.where(used, held, 1.0))
    weights = signals**2
    total = weights.sum(axis=0)
    middle = (weights * along).sum(axis=0) / total
    level = (weights * logarithms).sum(axis=0) / total
    # Of the weights S² / noise²: their spread is the inverse of the variance.
    spread = (weights * (along - middle) ** 2).sum(axis=0)
    rate = -(weights * (along - middle) * logarithms).sum(axis=0) / spread
    return np.exp(level + rate * middle), rate, spread
