"""Anatomical planes of a volume, and where in them to look."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from deepresolve.imaging.volume import Volume


def fullest_slice(weights: Volume, plane: str, *, middle_only: bool = False) -> int:
    """The slice of a plane with the largest sum of weights.

    Args:
      weights: 0 or above.
      plane: anatomical plane of the slices.
      middle_only: look at the plane's middle quarter alone, on which the scan was
        centred.

    Returns:
      Its index; the middle slice where all weights looked at are 0.
    """
    sums = _slice_sums(weights, plane)
    margin = 3 * sums.size // 8 if middle_only else 0
    looked_at = sums[margin : sums.size - margin]
    return margin + int(np.argmax(looked_at)) if looked_at.any() else sums.size // 2


def central_slice(weights: Volume, plane: str) -> int:
    """The slice of a plane through the weights' centre of mass; the middle if all 0."""
    sums = _slice_sums(weights, plane)
    if not sums.any():
        return sums.size // 2
    return round(float(np.average(np.arange(sums.size), weights=sums)))


def _slice_sums(weights: Volume, plane: str) -> np.ndarray:
    return weights.in_plane(plane).array.sum(axis=(0, 1), dtype=np.float64)


def fullest_window(weights: np.ndarray, shape: tuple[int, int]) -> tuple[slice, slice]:
    """The window of a slice with the largest sum of weights.

    Many windows may hold the same few weights: the one that is found is moved so that
    what it holds is in its middle, as far as the slice goes.

    Args:
      weights: (rows, columns), 0 or above.
      shape: rows and columns of the window; cut to those of the slice.

    Returns:
      Its (rows, columns).
    """
    sizes = np.minimum(shape, weights.shape)
    # uniform_filter centres its window on a pixel: first = pixel - size // 2.
    sums = ndimage.uniform_filter(weights.astype(np.float64), sizes, mode="constant")
    middle = np.array(np.unravel_index(np.argmax(sums), sums.shape))
    window = _window(middle - sizes // 2, sizes, weights.shape)
    held = np.argwhere(weights[window])
    if held.size:
        middle = np.array([w.start for w in window]) + held.min(0) + np.ptp(held, 0) / 2
        window = _window(np.rint(middle - (sizes - 1) / 2), sizes, weights.shape)
    return window


def _window(
    first: np.ndarray, sizes: np.ndarray, shape: tuple[int, ...]
) -> tuple[slice, slice]:
    """So many pixels from `first` on, moved to lie within the slice."""
    starts = np.clip(first, 0, np.subtract(shape, sizes)).astype(int)
    rows, columns = (
        slice(int(start), int(start + size))
        for start, size in zip(starts, sizes, strict=True)
    )
    return rows, columns


def box_around(
    weights: np.ndarray, pixel_mm: tuple[float, float], margin_mm: float
) -> tuple[slice, slice]:
    """The (rows, columns) that hold all weights and a margin; all where there are none.

    Args:
      weights: (rows, columns), 0 or above.
      pixel_mm: distance between rows and between columns.
      margin_mm: how much more to show on each side.
    """
    box = []
    for axis, (size, mm) in enumerate(zip(weights.shape, pixel_mm, strict=True)):
        occupied = np.flatnonzero(weights.any(axis=1 - axis))
        if occupied.size == 0:
            return slice(0, weights.shape[0]), slice(0, weights.shape[1])
        margin = round(margin_mm / mm)
        first = max(int(occupied[0]) - margin, 0)
        box.append(slice(first, min(int(occupied[-1]) + margin + 1, size)))
    rows, columns = box
    return rows, columns
