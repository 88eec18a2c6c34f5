"""How finely the scanner really measured within slices, whatever the pixels say.

Scanners fill k-space up with zeros before they make the image: 208 phase-encoding steps
become 256 rows. Pixels then are smaller than what was resolved, and the power spectrum
drops at the last frequency that was measured. It does not fall to nothing: the image is
a magnitude, which leaks across the edge, and the pixels are whole numbers. A drop is
told from tissue, which fades smoothly, by its sharpness: the spectrum is steep there,
and not so before and after. Partial echoes and partial Fourier have an edge on one side
of k-space alone: half of the amplitude is left beyond, which is 6 dB and no filling up.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

from deepresolve.imaging.volume import Volume

# Slices that are looked at, evenly spaced, and the fewest pixels along an axis; ours.
_NUM_SLICES = 16
_FEWEST_PIXELS = 64
# Half of the stretch of spectrum that a drop is looked for in, as a share of the pixels
# along the axis, and in frequencies at least; ours. Wider, a blurred image that ends in
# rounding noise seems to drop; narrower, the scatter of single frequencies does.
_STRETCH = 1 / 40
_SHORTEST_STRETCH = 4
# How much deeper a drop is than the spectrum falls before and after, in dB; ours.
# Simulated knees that nothing was filled up of, blurred and filtered ones among them:
# up to 1.5; filled up, masked ones in noise among them: 3.8 and more, but for a Hamming
# filter in noise.
_LEAST_DROP_DB = 2.5
# How much lower the spectrum then stays, in dB; ours. Simulated: edges on one side up
# to 7.4, filled up 7.8 and more, but for one masked scan (7.2), masked ones without
# noise (3 to 9) and the Hamming filter. Real scans with an edge at 0.6 and 0.8 of the
# pixels (a DESS; a spin echo of acquisition matrix 256 in 256 pixels): 4.9; 5.3 to 5.7,
# that is, on one side.
_LEAST_DEPTH_DB = 7.5
# Scans are filled up threefold at most.
_LOWEST_SHARE = 0.3
# At the edge of what was measured half of the power is left.
_HALF_DB = 10 * np.log10(2)
# A region of exact zeros is a mask if this square fits in, in pixels. Over this share
# of the field of view voxels fade towards it, for its sharp edge fills the spectrum.
_MASK_PIXELS = 5
_FADING = 1 / 8
# Of the strongest frequency's power, in float32.
_NOTHING = 1e-13


def in_plane_resolution_mm(volume: Volume) -> tuple[float, float]:
    """What the scanner resolved along the canonical rows axis and columns axis.

    Not every edge can be seen, and one that half of the amplitude passes is none. A
    Hamming filter, which fades to nearly nothing there, hides it in a noisy image; of a
    Fermi filter the half power is taken. Where less than a tenth are zeros the edge may
    lie too close to the end of the spectrum, and along an axis of fewer than 64 pixels
    nothing is looked for.

    Args:
      volume: a magnitude image, in any axes.

    Returns:
      mm along axis 0 and along axis 1 of `volume.canonical()`: the pixel spacing, times
      pixels over acquired ones where the spectrum drops.
    """
    canonical = volume.canonical()
    step = -(-canonical.num_slices // _NUM_SLICES)
    slices = np.asarray(canonical.array[:, :, ::step], np.float32)
    faded = slices * _fading(slices)
    rows_mm, columns_mm, _ = canonical.spacing_mm
    return rows_mm / _acquired_share(faded, 0), columns_mm / _acquired_share(faded, 1)


def _acquired_share(slices: np.ndarray, axis: int) -> float:
    """Acquired frequencies along an axis as a share of the pixels; 1 of no drop."""
    num_pixels = slices.shape[axis]
    if num_pixels < _FEWEST_PIXELS:
        return 1.0
    power = _power_db(slices, axis)
    stretch = max(_SHORTEST_STRETCH, round(_STRETCH * num_pixels))
    falls = _falls(power, stretch)
    lowest = max(round(_LOWEST_SHARE * num_pixels / 2), 3 * stretch)
    places = np.arange(lowest, len(power) - stretch)
    beyond = np.minimum(places + 2 * stretch, len(power) - stretch - 1)
    trend = np.maximum(falls[places - 2 * stretch], falls[beyond])
    drops = falls[places] - np.maximum(trend, 0)
    if not drops.size or drops.max() < _LEAST_DROP_DB:
        return 1.0
    best = int(np.argmax(drops))
    place = int(places[best])
    if _depth_db(power, place, stretch, falls[[place - 2 * stretch, beyond[best]]]) < (
        _LEAST_DEPTH_DB
    ):
        return 1.0
    edge = _half_power(power, place, stretch, falls)
    return min(1.0, 2 * edge / num_pixels)


def _fading(slices: np.ndarray) -> np.ndarray:
    """Weights, 0 where a slice was masked and 1 far from there."""
    reach = _FADING * min(slices.shape[:2])
    square = np.ones((_MASK_PIXELS, _MASK_PIXELS), bool)
    weights = np.ones(slices.shape, np.float32)
    for index in range(slices.shape[2]):
        masked = ndimage.binary_opening(slices[:, :, index] == 0, square)
        if masked.any():
            far = ndimage.distance_transform_edt(~masked) / reach
            weights[:, :, index] = np.sin(np.pi / 2 * np.minimum(far, 1)) ** 2
    return weights


def _power_db(slices: np.ndarray, axis: int) -> np.ndarray:
    """Mean power of the frequencies 0 to Nyquist's along an axis, in dB."""
    lines = np.moveaxis(slices, axis, -1)
    # An image does not go on at its other side.
    window = np.hanning(lines.shape[-1] + 2)[1:-1].astype(np.float32)
    spectrum = fft.rfft((lines - lines.mean(dtype=np.float64)) * window, axis=-1)
    power = np.mean(np.abs(spectrum) ** 2, axis=(0, 1), dtype=np.float64)
    floor = _NOTHING * power.max()
    return 10 * np.log10(power + (floor or 1.0))


def _falls(power: np.ndarray, stretch: int) -> np.ndarray:
    """By how much the spectrum is lower after each frequency than before, in dB.

    Means over `stretch` frequencies; 0 at both ends, where there are not as many.
    """
    sums = np.cumsum([0.0, *power])
    means = (sums[stretch:] - sums[:-stretch]) / stretch
    falls = np.zeros(len(power))
    falls[stretch:-stretch] = means[: -stretch - 1] - means[stretch + 1 :]
    return falls


def _depth_db(power: np.ndarray, place: int, stretch: int, trends: np.ndarray) -> float:
    """How much lower the spectrum is well after a drop than it would have come to.

    Going on as it fell on the average of before and after, `trends`.
    """
    level = power[place - 2 * stretch : place - stretch].mean()
    slope = np.maximum(trends, 0).mean() / (stretch + 1)
    first = min(place + stretch, len(power) - stretch)
    after = np.arange(first, min(place + 2 * stretch, len(power)))
    expected = level - slope * (after - (place - 1.5 * stretch))
    return float(np.mean(expected - power[after]))


def _half_power(
    power: np.ndarray, place: int, stretch: int, falls: np.ndarray
) -> float:
    """The frequency about a drop at which half of the power is left.

    Of what the spectrum before it would come to, going on as it fell.
    """
    middle = place - 1.5 * stretch
    level = power[place - 2 * stretch : place - stretch].mean()
    slope = max(falls[place - 2 * stretch], 0.0) / (stretch + 1)
    around = np.arange(place - stretch, place + stretch + 1)
    missing = level - slope * (around - middle) - power[around] - _HALF_DB
    if not (missing > 0).any():
        return float(place)
    first = int(np.argmax(missing > 0))
    if first == 0:
        return float(around[0])
    before, after = missing[first - 1 : first + 1]
    return float(around[first] - after / (after - before))
