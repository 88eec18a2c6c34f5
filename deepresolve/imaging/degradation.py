"""Thick slices made out of thin ones, and interpolated back.

Chaudhari et al. low-pass filter a scan along its slice axis, keep every D-th slice, and
interpolate back to the thin positions (tricubic interpolation, TCI: the in-plane grid
does not change, so along the slice axis it is a 1-D cubic). Each step is linear and
acts on one axis alone, so each is a small matrix, and so is their product:

    degraded = degradation_matrix(n, D) @ thin        n x n, along the slice axis

A scanner's slices need not touch, nor have that low-pass for a profile: `SliceProfile`
takes its place where a shape or a thickness is given. `acquire` knows millimetres.

A thick slice depends on thin ones up to 24 slices away: degrade volumes, then cut
patches out of them.

Served models interpolate by a spline of their own, `inference.graphs.interpolation`,
for a graph runs no SciPy; `test_interpolation` holds both to B-splines.
"""

from __future__ import annotations

import functools
import math
from typing import Literal

import numpy as np
import scipy  # its parts are loaded where they are first used

from deepresolve.imaging.factor import check_factor
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.imaging.volume import Volume

FIR_ORDER = 48  # MRSR; window and cut-off are ours: Hamming, 1/D of Nyquist

# Shape and thickness, in thick slice spacings, that stand for that filter itself.
PUBLISHED = ("fir", 1.0)

# A scan of n slices holds this much less than a slice more, for spacings are rounded.
_ROUNDING = 1e-6

Interpolation = Literal["cubic", "fourier"]


def filter_matrix(num_slices: int, factor: int) -> np.ndarray:
    """The anti-aliasing low-pass: (n, n) float64, edges replicated.

    A finite impulse response filter of order 48 (MRSR); ours: Hamming window, cut-off
    at 1/factor of Nyquist, unit gain for a constant.
    """
    taps = scipy.signal.firwin(
        FIR_ORDER + 1, 1 / check_factor(factor), window="hamming"
    )
    row = np.arange(num_slices)[:, None]
    source = np.clip(row + np.arange(taps.size) - FIR_ORDER // 2, 0, num_slices - 1)
    matrix = np.zeros((num_slices, num_slices))
    np.add.at(matrix, (row, source), taps)
    return matrix


def decimation_matrix(num_slices: int, factor: int) -> np.ndarray:
    """Keeps slices 0, D, 2D, ...: (ceil(n / D), n) float64 of zeros and ones."""
    return np.eye(num_slices)[:: check_factor(factor)]


def interpolation_matrix(
    num_thick: int, factor: int, num_thin: int, method: Interpolation = "cubic"
) -> np.ndarray:
    """From thick slices to thin ones: (num_thin, num_thick) float64.

    Thin slice n lies n / factor thick slices from the first; positions past the last
    thick slice hold its value.

    Args:
      num_thick: number of thick slices.
      factor: thin slices per thick slice spacing.
      num_thin: number of thin slices wanted.
      method: "cubic", a not-a-knot cubic spline through the slices (TCI), or "fourier",
        zero-filling in k-space of the symmetrically extended slices.

    Raises:
      ValueError: the factor or the method is not one of the known.
    """
    positions = np.minimum(np.arange(num_thin) / check_factor(factor), num_thick - 1)
    if num_thick == 1:
        return np.ones((num_thin, 1))
    if method == "cubic":
        return cubic_matrix(num_thick, positions)
    if method == "fourier":
        return fourier_matrix(num_thick, positions)
    raise ValueError(f"Unknown interpolation {method!r}; known: 'cubic', 'fourier'.")


def thickening_matrix(
    num_slices: int, factor: int, shape: str = "fir", thickness: float = 1.0
) -> np.ndarray:
    """Thin slices to thick ones around slices 0, D, 2D, ...: (ceil(n / D), n) float64.

    Args:
      num_slices: n thin slices, which are taken to touch.
      factor: D, thin slices per thick slice spacing.
      shape: of the slice profile: "rect", "gaussian" or "fir".
      thickness: of the profile, in thick slice spacings. "fir" of 1 is `filter_matrix`,
        whose reach is 24 thin slices; of another thickness its reach grows along.

    Raises:
      ValueError: the factor or the profile is not one of the known.
    """
    if (shape, thickness) == PUBLISHED:
        return decimation_matrix(num_slices, factor) @ filter_matrix(num_slices, factor)
    centres = np.arange(0, num_slices, check_factor(factor))
    # In thin slices, where the profile says millimetres.
    return SliceProfile(shape, thickness * factor).matrix(centres, num_slices, 1.0)


def cubic_matrix(num_thick: int, positions: np.ndarray) -> np.ndarray:
    """A not-a-knot cubic spline through thick slices, which may be taken anywhere.

    Args:
      num_thick: number n of thick slices.
      positions: in thick slices; past the first and the last one its value is held.

    Returns:
      (positions, num_thick) float64.
    """
    if num_thick == 1:
        return np.ones((len(positions), 1))
    spline = scipy.interpolate.CubicSpline(np.arange(num_thick), np.eye(num_thick))
    return spline(np.clip(positions, 0, num_thick - 1))


def fourier_matrix(num_thick: int, positions: np.ndarray) -> np.ndarray:
    """Zero-filling in k-space of the symmetrically extended slices.

    Whole-sample symmetric, 0 1 .. n-1 n-2 .. 1, so that nothing wraps around: a sum of
    cosines, which may be taken anywhere.

    Args:
      num_thick: number n of thick slices, at least 2.
      positions: in thick slices; past the first and the last one its value is held.

    Returns:
      (positions, num_thick) float64.
    """
    last = num_thick - 1
    places = np.clip(positions, 0, last)
    orders = np.arange(num_thick)
    # The discrete cosine transform of type I and its inverse, with halved ends.
    halved = np.where((orders == 0) | (orders == last), 0.5, 1.0)
    waves = np.cos(np.pi * np.outer(orders, orders) / last) * halved
    fine = np.cos(np.pi * np.outer(places, orders) / last) * halved
    return (2 / last) * fine @ waves


@functools.lru_cache(maxsize=64)
def degradation_matrix(
    num_slices: int, factor: int, shape: str = "fir", thickness: float = 1.0
) -> np.ndarray:
    """Thin slices to their TCI: filter, decimate, interpolate in one (n, n) float32.

    Args:
      num_slices: n thin slices.
      factor: D, thin slices per thick slice spacing.
      shape: of the slice profile, as for `thickening_matrix`.
      thickness: of the profile, in thick slice spacings.
    """
    thicken_by = thickening_matrix(num_slices, factor, shape, thickness)
    back = interpolation_matrix(len(thicken_by), factor, num_slices)
    matrix = (back @ thicken_by).astype(np.float32)
    matrix.setflags(write=False)  # the cache hands out one array to everybody
    return matrix


def along_slices(matrix: np.ndarray, array: np.ndarray, axis: int) -> np.ndarray:
    """Applies (new, old) `matrix` along one axis of `array`; float32."""
    moved = np.moveaxis(np.asarray(array, dtype=np.float32), axis, -1)
    result = moved @ matrix.T.astype(np.float32)
    return np.moveaxis(result, -1, axis)


def thicken(
    volume: Volume, factor: int, shape: str = "fir", thickness: float = 1.0
) -> Volume:
    """The thick-slice scan of the same patient: ceil(n / D) slices, D times as far.

    Args:
      volume: n thin slices.
      factor: D, thin slices for each thick one: 2 to 8.
      shape: of the slice profile, as for `thickening_matrix`.
      thickness: of the profile, in thick slice spacings; 1: slices that touch, if the
        thin ones do.

    Returns:
      A float32 Volume whose first slice lies where the first thin one did. The filter
      is made for thin slices that touch, s mm thick and apart, and gives W = thickness
      D s; of others, known to be t mm thick, come slices of sqrt(W^2 + t^2 - s^2), for
      variances add where one profile follows another, and never thinner ones than t.

    Raises:
      ValueError: the factor or the profile is not one of the known.
    """
    matrix = thickening_matrix(volume.num_slices, factor, shape, thickness)
    return volume.resliced(
        along_slices(matrix, volume.array, volume.slice_axis),
        step=factor,
        slice_thickness_mm=_thickened_mm(volume, thickness * factor),
    )


def _thickened_mm(volume: Volume, times: float) -> float:
    """Thickness of slices that are `times` as thick as thin ones that touch."""
    spacing_mm, thin_mm = volume.slice_spacing_mm, volume.slice_thickness_mm
    if thin_mm is None:
        return spacing_mm * times
    squared = (spacing_mm * times) ** 2 + (thin_mm**2 - spacing_mm**2)
    return math.sqrt(max(squared, thin_mm**2))


def acquire(volume: Volume, spacing_mm: float, profile: SliceProfile) -> Volume:
    """A scan as a scanner would have acquired it with other, thicker slices.

    Args:
      volume: n slices, finely spaced, that stand for the tissue itself.
      spacing_mm: from slice to slice of the new scan, not below the spacing of
        `volume`, which it need not be a multiple of.
      profile: of a new slice. Thicker than `spacing_mm`, slices overlap; thinner, they
        leave gaps.

    Returns:
      A float32 Volume of as many slices as fit into the field of view, in its middle:
      where they fill it, its outer faces stay where they were. Slices are as thick as
      the profile.

    Raises:
      ValueError: a spacing below that of `volume`, or above its field of view.
    """
    fine_mm, n = volume.slice_spacing_mm, volume.num_slices
    field_mm = n * fine_mm
    if not fine_mm * (1 - _ROUNDING) <= spacing_mm <= field_mm * (1 + _ROUNDING):
        raise ValueError(
            f"Slices {spacing_mm:.6g} mm apart cannot be made of {n} slices that are "
            f"{fine_mm:.6g} mm apart: expected {fine_mm:.6g} to {field_mm:.6g} mm."
        )
    step = spacing_mm / fine_mm
    count = int(n / step + _ROUNDING)
    first = ((n - 1) - (count - 1) * step) / 2
    centres_mm = (first + step * np.arange(count)) * fine_mm
    matrix = profile.matrix(centres_mm, n, fine_mm)
    return volume.resliced(
        along_slices(matrix, volume.array, volume.slice_axis),
        step=step,
        first=first,
        slice_thickness_mm=profile.thickness_mm,
    )


def interpolate(
    volume: Volume,
    factor: int,
    *,
    method: Interpolation = "cubic",
) -> Volume:
    """The scan on a grid `factor` times finer along its slice axis, float32.

    Args:
      volume: n thick slices.
      factor: thin slices per thick slice spacing.
      method: "cubic", a not-a-knot cubic spline through the slices (TCI), or "fourier",
        zero-filling in k-space of the symmetrically extended slices.

    Returns:
      (n - 1) * factor + 1 thin slices, from the first acquired slice to the last.

    Raises:
      ValueError: the factor or the method is not one of the known.
    """
    n = volume.num_slices
    matrix = interpolation_matrix(n, factor, (n - 1) * factor + 1, method)
    return volume.resliced(
        along_slices(matrix, volume.array, volume.slice_axis),
        step=1 / factor,
        slice_thickness_mm=volume.slice_spacing_mm / factor,
    )
