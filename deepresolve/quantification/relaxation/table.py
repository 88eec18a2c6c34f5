"""Milliseconds of plates, regions and layers, and how sure their means are.

The mean of a region is surer than its voxels, the more so the less their errors have in
common. That is not known beforehand: scanners interpolate, so that neighbours share
their noise, and where a decay is not one exponential all voxels err alike. What the
fits leave over of the echoes tells it, for each echo has noise of its own: errors that
all voxels have for themselves leave a region's mean misfit near 0, errors that they
share leave it as large as a voxel's (as the design effect of samples in clusters: Kish,
Survey Sampling, 1965). The interval then is Student's, with as many degrees of freedom
as echoes are above two. It tells of noise and of what else leaves a misfit, not of the
label map's border, of T1 or of stimulated echoes, which a decay can follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import stats

from deepresolve.quantification.relaxation.layers import Layers, places
from deepresolve.quantification.relaxation.maps import RelaxationMap

# What a table has a column for, and of which type.
QUANTITIES: dict[str, type[int] | type[float]] = {
    **dict.fromkeys(("mean", "mean_low", "mean_high"), float),
    **dict.fromkeys(("sd", "median", "voxel_error"), float),
    **dict.fromkeys(("num_voxels", "num_left_out"), int),
}
# Of an interval around a mean.
COVERAGE = 0.95


class _Voxels(NamedTuple):
    """Voxels of a place; `misfits` has no echoes where there was no fit to judge."""

    times_ms: np.ndarray
    errors_ms: np.ndarray
    misfits: np.ndarray
    num_spare: np.ndarray  # Echoes of the fit above two.

    @classmethod
    def of_map(cls, found: RelaxationMap, voxels: np.ndarray) -> _Voxels:
        nothing = np.full(len(voxels), np.nan)
        misfits, num_spare = np.zeros((0, len(voxels))), np.zeros(len(voxels))
        if found.fitted is not None:
            misfits = found.fitted.misfits(voxels)
            num_spare = found.fitted.decay.num_echoes.reshape(-1)[voxels] - 2.0
        times_ms, errors_ms = (
            nothing if of is None else of.array.reshape(-1)[voxels].astype(np.float64)
            for of in (found.time_ms, found.error_ms)
        )
        return cls(times_ms, errors_ms, misfits, num_spare)

    def where(self, mask: np.ndarray) -> _Voxels:
        return _Voxels(*(values[..., mask] for values in self))


def rows(layers: Layers, found: RelaxationMap) -> Iterator[dict[str, str | float]]:
    """Rows of a table: each plate and region, whole and by layer.

    Args:
      layers: of the map's grid.
      found: the map.

    Yields:
      place, layer; mean, mean_low and mean_high, between which the mean lies with a
      probability of 95% as far as noise tells; sd (of the voxels), median, voxel_error
      (mean of the voxels' standard errors), all in ms, NaN where nothing tells them;
      num_voxels that have a time and num_left_out that have none.
    """
    of_plates = {
        name: _Voxels.of_map(found, voxels) for name, voxels in layers.plates.items()
    }
    for place, layer, plate, mask in places(layers):
        of_place = of_plates[plate].where(mask)
        held = of_place.where(np.isfinite(of_place.times_ms))
        numbers = _numbers(held, found.noise > 0)
        numbers["num_left_out"] = len(of_place.times_ms) - len(held.times_ms)
        yield {"place": place, "layer": layer, **numbers}


def _numbers(held: _Voxels, is_known: bool) -> dict[str, float]:
    """Of voxels that have a time; `is_known` is the noise."""
    numbers: dict[str, float] = dict.fromkeys(QUANTITIES, np.nan)
    numbers["num_voxels"] = len(held.times_ms)
    if not len(held.times_ms):
        return numbers
    mean = float(held.times_ms.mean())
    numbers |= {"mean": mean, "sd": float(held.times_ms.std())}
    numbers["median"] = float(np.median(held.times_ms))
    told = held.where(np.isfinite(held.errors_ms))
    if len(told.times_ms):
        numbers["voxel_error"] = float(told.errors_ms.mean())
        num_spare = int(np.median(told.num_spare))
        half_ms = half_width_ms(told.errors_ms, told.misfits, num_spare, is_known)
        numbers |= {"mean_low": mean - half_ms, "mean_high": mean + half_ms}
    return numbers


def half_width_ms(
    errors_ms: np.ndarray, misfits: np.ndarray, num_spare: int, is_known: bool
) -> float:
    """How far the mean of voxels may be off to either side, with `COVERAGE`.

    Args:
      errors_ms: (voxels,) standard errors of their times.
      misfits: (echoes, voxels) what the fits leave over; no echoes where that is not
        known: all errors are then taken for one.
      num_spare: echoes above two of the fits, the degrees of freedom.
      is_known: whether errors are those of known noise; the interval is then never
        wider than if they all were one.

    Returns:
      NaN where neither misfits nor known noise tell it.
    """
    root_mean_square_ms = float(np.sqrt((errors_ms**2).mean()))
    quantile = (1 + COVERAGE) / 2
    widest_ms = np.nan
    if is_known:
        widest_ms = float(stats.norm.ppf(quantile)) * root_mean_square_ms
    if num_spare < 1 or not len(misfits):
        return widest_ms
    # Each voxel's misfit moves the mean as much as noise moves its time.
    moved = errors_ms * misfits
    apart = len(errors_ms) * (moved**2).sum()
    # 1 where all voxels err alike, 1 / voxels where each errs for itself.
    agreement = (moved.sum(axis=1) ** 2).sum() / apart if apart else 1.0
    standard_error_ms = root_mean_square_ms * np.sqrt(agreement)
    half_ms = stats.t.ppf(quantile, num_spare) * standard_error_ms
    return float(np.fmin(half_ms, widest_ms))
