"""How large the noise of a scan is, from where nothing else is in it.

Air gives no signal, and a magnitude image shows its noise there: Rayleigh distributed,
with a mean of 1.25 standard deviations of a channel (Gudbjartsson, MRM 1995;34:910).
Which voxels are air several images of one place tell (PIESNO: Koay, J. Magn. Reson.
2009;199:94): their mean square follows a gamma distribution, whose scale is the noise.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

# Of noise-only voxels, how many the bounds on their mean square leave out at each end.
_TAIL = 0.025
_MOST_ROUNDS = 50
# Where the search begins: quantiles of what the image holds.
_STARTS = np.linspace(0.02, 0.98, 13)
# Fewer voxels are no air.
_FEWEST_SHARE, _FEWEST = 0.005, 200
# Of each image, enough for a standard deviation to half a percent.
_LOOKED_AT = 40_000
# A distribution function that is further off is another distribution's.
_MOST_OFF = 0.06


def noise(images: np.ndarray) -> float | None:
    """Standard deviation of the noise of magnitude images of one place.

    The air is searched for all over the images, not in their corners: those voxels
    whose squares, summed over the images, are what noise alone would make them. Voxels
    that are 0 in any image are left out, for scanners blank air. It holds for one
    coil, or for coils that were combined with their phases (SENSE, adaptive); a sum of
    squares makes air brighter, and the noise seems larger than it is by up to the root
    of the number of coils. Filters and a correction of the coils' shading make
    noise differ from place to place: it is then that of the air alone.

    Args:
      images: (n, ...), such as echoes, without negative values, two at least.

    Returns:
      In units of the images; None where no air is found: it was blanked, or tissue
      fills the field of view.

    Raises:
      ValueError: fewer than two images, or negative values.
    """
    flat = np.asarray(images).reshape(len(images), -1)
    if len(flat) < 2:
        raise ValueError(
            "Noise is told from two images of one place or more; there is one."
        )
    if flat.min() < 0:
        raise ValueError(
            f"Noise is told from magnitudes; there are values down to {flat.min():g}. "
            "Are these the real or the phase images? Give noise."
        )
    flat = flat[:, :: max(1, flat.shape[1] // _LOOKED_AT)].astype(np.float64)
    flat = flat[:, (flat > 0).all(axis=0)]
    if not flat.size:
        return None
    power = (flat**2).mean(axis=0) / 2
    found = {_settled(flat, power, start) for start in np.quantile(power, _STARTS)}
    for num_voxels, deviation in sorted(found, reverse=True):
        if num_voxels < max(_FEWEST, _FEWEST_SHARE * flat.shape[1]):
            return None
        air = power[_is_air(power, deviation**2, len(flat))] / deviation**2
        expected = stats.gamma(len(flat), scale=1 / len(flat)).cdf
        if stats.kstest(air, expected).statistic < _MOST_OFF:
            return float(deviation)
    return None


def _settled(
    images: np.ndarray, power: np.ndarray, variance: float
) -> tuple[int, float]:
    """How many voxels are air, and by which noise, where both agree."""
    is_air = _is_air(power, variance, len(images))
    for _ in range(_MOST_ROUNDS):
        if not is_air.any():
            return 0, float(np.sqrt(variance))
        # A Rayleigh distribution's mean; its median depends more on rounded voxels.
        variance = float(images[:, is_air].mean()) ** 2 * 2 / np.pi
        before, is_air = is_air, _is_air(power, variance, len(images))
        if np.array_equal(before, is_air):
            break
    return int(is_air.sum()), float(np.sqrt(variance))


def _is_air(power: np.ndarray, variance: float, num_images: int) -> np.ndarray:
    """Whose mean square is within what noise of a variance gives."""
    low, high = stats.gamma.ppf([_TAIL, 1 - _TAIL], num_images, scale=1 / num_images)
    return (power >= low * variance) & (power <= high * variance)
