"""Steps between neighbouring slices that no anatomy makes.

Slices are often acquired in two passes, the odd ones and then the even ones. Each pulse
reaches a little into the neighbours, so that one pass may come out darker (cross-talk);
and who moves between the passes shifts one against the other. Either looks like teeth
along the slices, which a network of thin slices takes for tissue.

What alternates from slice to slice is told from anatomy, which does not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from skimage import registration

from deepresolve.imaging.volume import Volume

# Fewer do not tell what alternates from what happens to.
FEWEST_SLICES = 12

# Slices are looked at with at most so many pixels along an axis, means of pixels.
_MOST_PIXELS = 256
# Parts of a pixel that shifts are found to.
_UPSAMPLING = 20

# Passes +1, -1, +1, ... whole and stops up to cubic courses along the slices. With
# signs alternating it is this window, so that means of neighbouring values depend on
# each other; a mean of n has the variance of n / _DEPENDENCE independent ones.
_WINDOW = np.array([1, 4, 6, 4, 1]) / 16
_ALTERNATION = _WINDOW * [1, -1, 1, -1, 1]
_DEPENDENCE = 1 / np.sum(_WINDOW**2)

# What is beyond chance; ours. Standard errors, and sizes below which nothing is said.
# Real scans as they are: up to 3.1 errors and 1.2% (a spin echo of 24 slices, which may
# be true), simulated knees up to 1.1 errors. Odd slices brighter by 2%: 15 errors and
# more in a real head and knee, 3 to 8 in simulated knees of slices 2 to 3 mm apart, and
# not found where slices are 5 mm apart, for so much does anatomy change.
_BRIGHTNESS_ERRORS = 4.0
_LEAST_BRIGHTNESS = 0.01
# Alternating shifts of real scans and simulated knees: up to 0.1 mm as they are, 0.9
# to 1.1 mm where odd slices were shifted by 1 mm. Of so many slices the shift is that
# of all within a half: noise shifts by many mm, each slice by others.
_LEAST_SHIFT_MM = 0.4
_AGREEING = 0.75
# A single slice that was shifted by 1.5 mm: 1.3 mm in scans where slices follow each
# other by 0.1 mm; where they do by 0.5 mm anatomy alone makes 2.6 mm.
_LEAST_JUMP_MM = 0.75
_JUMP_OF_TYPICAL = 7.0
# Slices with less than this share of the median signal show too little to tell.
_LEAST_SIGNAL = 0.5


class SliceSteps(NamedTuple):
    """Slices against the mean of their two neighbours, in the scan's own order.

    Slices are numbered from 1, as people do.

    Attributes:
      odd_even: by how much the odd slices are brighter than the even ones, as a share
        of the mean signal.
      odd_even_error: standard error of `odd_even`.
      has_odd_even: whether that is beyond chance.
      shifts_mm: (slices, 2) where each slice lies against its neighbours, along the
        volume's two other axes; NaN for the first and the last.
      odd_even_shift_mm: how far the odd slices lie from the even ones, along the same.
      has_odd_even_shift: whether that is beyond chance.
      jumps: numbers of single slices that lie apart from both neighbours.
    """

    odd_even: float
    odd_even_error: float
    has_odd_even: bool
    shifts_mm: np.ndarray
    odd_even_shift_mm: tuple[float, float]
    has_odd_even_shift: bool
    jumps: tuple[int, ...]


def measure(volume: Volume) -> SliceSteps:
    """Measures brightness and place of each slice against its neighbours.

    Anatomy changes from slice to slice, too, and more where slices are far apart: there
    2% of brightness are within chance, and a single slice that moved is found only
    where the others hardly do.

    Args:
      volume: a scan in any axes.

    Raises:
      ValueError: there are fewer than `FEWEST_SLICES` slices.
    """
    if volume.num_slices < FEWEST_SLICES:
        raise ValueError(
            f"Steps between slices need at least {FEWEST_SLICES} of them; got "
            f"{volume.num_slices}."
        )
    slices = np.moveaxis(volume.array, volume.slice_axis, -1)
    spacing_mm = np.delete(volume.spacing_mm, volume.slice_axis)
    coarse, factors = _coarsened(slices)
    means = coarse.mean(axis=(0, 1), dtype=np.float64)
    odd_even, error = _odd_even(means)
    shifts_mm = _shifts(coarse) * factors * spacing_mm
    alternating_mm, is_shifted = _alternating(shifts_mm[1:-1])
    beyond_chance = abs(odd_even) >= max(_BRIGHTNESS_ERRORS * error, _LEAST_BRIGHTNESS)
    return SliceSteps(
        odd_even,
        error,
        bool(beyond_chance),
        shifts_mm,
        alternating_mm,
        is_shifted,
        _jumps(shifts_mm, means),
    )


def _coarsened(slices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of blocks of pixels, (rows, columns, slices), and the blocks' two sizes."""
    rows, columns, num_slices = slices.shape
    down, across = (-(-count // _MOST_PIXELS) for count in (rows, columns))
    whole = slices[: rows // down * down, : columns // across * across]
    # Axes: block and pixel within it, for rows and columns; slice.
    blocks = whole.reshape(rows // down, down, columns // across, across, num_slices)
    return blocks.mean(axis=(1, 3), dtype=np.float32), np.array([down, across])


def _odd_even(means: np.ndarray) -> tuple[float, float]:
    """Odd over even slices as a share of the signal, and its standard error.

    Args:
      means: (slices,) of all pixels.
    """
    around = np.convolve(means, _WINDOW, "valid")
    steps = np.convolve(means, _ALTERNATION, "valid")
    is_signal = around > 0
    signs = _signs(len(steps))  # The first is of slice number 3, an odd one.
    shares = 2 * (signs * steps)[is_signal] / around[is_signal]
    if shares.size < 2:
        return 0.0, 0.0
    error = shares.std(ddof=1) * np.sqrt(_DEPENDENCE / shares.size)
    return float(shares.mean()), float(error)


def _shifts(slices: np.ndarray) -> np.ndarray:
    """(slices, 2) pixels by which each slice lies off the mean of its neighbours."""
    rows, columns, num_slices = slices.shape
    window = np.outer(np.hanning(rows + 2)[1:-1], np.hanning(columns + 2)[1:-1])
    spectra = np.fft.fft2(
        (slices - slices.mean(axis=(0, 1))) * window[:, :, np.newaxis], axes=(0, 1)
    )
    shifts = np.full((num_slices, 2), np.nan)
    for index in range(1, num_slices - 1):
        neighbours = (spectra[:, :, index - 1] + spectra[:, :, index + 1]) / 2
        own = spectra[:, :, index]
        if not (np.any(neighbours) and np.any(own)):
            shifts[index] = 0  # Of what has no structure.
            continue
        # What would take the slice back to its neighbours. Unnormalised: the noise of
        # high frequencies counts little.
        back, _, _ = registration.phase_cross_correlation(
            neighbours,
            own,
            space="fourier",
            upsample_factor=_UPSAMPLING,
            normalization=None,
        )
        shifts[index] = -back
    return shifts


def _alternating(shifts_mm: np.ndarray) -> tuple[tuple[float, float], bool]:
    """How far odd slices lie from even ones, and whether that is beyond chance.

    Args:
      shifts_mm: (slices, 2) from slice number 2 on.
    """
    # Each slice is compared with neighbours that lie the other way.
    signed = -_signs(len(shifts_mm))[:, np.newaxis] * shifts_mm
    median = np.median(signed, axis=0)
    size = float(np.hypot(*median))
    is_shifted = False
    if size >= _LEAST_SHIFT_MM:
        shares = signed @ median / size**2  # 1 of what lies as far, the same way.
        is_shifted = bool(np.mean(np.abs(shares - 1) <= 0.5) >= _AGREEING)
    return (float(median[0]), float(median[1])), is_shifted


def _jumps(shifts_mm: np.ndarray, means: np.ndarray) -> tuple[int, ...]:
    """Numbers of slices from which both neighbours lie apart, the other way.

    A slice that moved by d is off by d, and each neighbour by -d / 2.

    Args:
      shifts_mm: (slices, 2), NaN first and last.
      means: (slices,) of all pixels.
    """
    sizes = np.hypot(*shifts_mm.T)
    least = max(_LEAST_JUMP_MM, _JUMP_OF_TYPICAL * float(np.nanmedian(sizes)))
    apart = np.zeros(len(sizes))
    for index in range(2, len(sizes) - 2):
        if sizes[index] > 0 and means[index] >= _LEAST_SIGNAL * np.median(means):
            around = shifts_mm[[index - 1, index + 1]] @ shifts_mm[index]
            apart[index] = min(sizes[index], *(-2 * around / sizes[index]))
    return tuple(
        index + 1
        for index in range(2, len(sizes) - 2)
        if apart[index] >= max(least, *apart[[index - 1, index + 1]])
    )


def _signs(count: int) -> np.ndarray:
    """+1, -1, +1, ..."""
    return 1.0 - 2.0 * (np.arange(count) % 2)
