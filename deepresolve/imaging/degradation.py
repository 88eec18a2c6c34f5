"""Thick slices made out of thin ones, and interpolated back.

Chaudhari et al. low-pass filter a scan along its slice axis, keep every D-th slice, and
interpolate back to the thin positions (tricubic interpolation, TCI: the in-plane grid
does not change, so along the slice axis it is a 1-D cubic). Each step is linear and
acts on one axis alone, so each is a small matrix, and so is their product:

    degraded = degradation_matrix(n, D) @ thin        n x n, along the slice axis

A thick slice depends on thin ones up to 24 slices away: degrade volumes, then cut
patches out of them.

Served models interpolate by a spline of their own, `inference.graphs.interpolation`,
for a graph runs no SciPy; `test_interpolation` holds both to B-splines.
"""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np
from scipy import interpolate as scipy_interpolate
from scipy import signal

from deepresolve.imaging.factor import check_factor
from deepresolve.imaging.volume import Volume

FIR_ORDER = 48  # MRSR; window and cut-off are ours: Hamming, 1/D of Nyquist

Interpolation = Literal["cubic", "fourier"]


def filter_matrix(num_slices: int, factor: int) -> np.ndarray:
    """The anti-aliasing low-pass: (n, n) float64, edges replicated.

    A finite impulse response filter of order 48 (MRSR); ours: Hamming window, cut-off
    at 1/factor of Nyquist, unit gain for a constant.
    """
    taps = signal.firwin(FIR_ORDER + 1, 1 / check_factor(factor), window="hamming")
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
    identity = np.eye(num_thick)
    if method == "cubic":
        spline = scipy_interpolate.CubicSpline(np.arange(num_thick), identity)
        return spline(positions)
    if method == "fourier":
        # Whole-sample symmetric: 0 1 .. n-1 n-2 .. 1, so that nothing wraps around.
        extended = np.concatenate([identity, identity[-2:0:-1]])
        fine = signal.resample(extended, len(extended) * factor, axis=0)
        return fine[np.rint(positions * factor).astype(int)]
    raise ValueError(f"Unknown interpolation {method!r}; known: 'cubic', 'fourier'.")


@functools.lru_cache(maxsize=64)
def degradation_matrix(num_slices: int, factor: int) -> np.ndarray:
    """Thin slices to their TCI: filter, decimate, interpolate in one (n, n) float32."""
    thicken_by = decimation_matrix(num_slices, factor) @ filter_matrix(
        num_slices, factor
    )
    back = interpolation_matrix(len(thicken_by), factor, num_slices)
    matrix = (back @ thicken_by).astype(np.float32)
    matrix.setflags(write=False)  # the cache hands out one array to everybody
    return matrix


def along_slices(matrix: np.ndarray, array: np.ndarray, axis: int) -> np.ndarray:
    """Applies (new, old) `matrix` along one axis of `array`; float32."""
    moved = np.moveaxis(np.asarray(array, dtype=np.float32), axis, -1)
    result = moved @ matrix.T.astype(np.float32)
    return np.moveaxis(result, -1, axis)


def thicken(volume: Volume, factor: int) -> Volume:
    """The thick-slice scan of the same patient: ceil(n / D) slices, D times as far.

    Args:
      volume: n thin slices.
      factor: D, thin slices for each thick one: 2 to 8.

    Returns:
      A float32 Volume whose first slice lies where the first thin one did, and whose
      slices are as thick as they are apart.
    """
    n = volume.num_slices
    matrix = decimation_matrix(n, factor) @ filter_matrix(n, factor)
    return volume.resliced(
        along_slices(matrix, volume.array, volume.slice_axis),
        step=factor,
        slice_thickness_mm=volume.slice_spacing_mm * factor,
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
