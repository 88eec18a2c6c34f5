"""Voxels on another spacing of the same field of view, and the way back.

Each axis is resampled by itself, by a small matrix. What becomes coarser is averaged,
so that nothing aliases. What becomes finer is a cubic spline where it is an image, and
runs straight from voxel to voxel where it is probabilities, which no spline may take
below 0 or above 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from deepresolve.imaging.degradation import along_slices, cubic_matrix
from deepresolve.imaging.slice_profile import SliceProfile

# Decides between equal shares of a voxel, and between no others.
_TIE = np.float32(1e-4)


def num_voxels(num: int, spacing_mm: float, wanted_mm: float) -> int:
    """How many voxels of about another spacing fill the same field of view."""
    return max(1, round(num * spacing_mm / wanted_mm))


def resample_image(array: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """An image of the same field of view in other voxels: float32 of `shape`.

    Args:
      array: (I, J, K); what lies past its outermost voxels is like them.
      shape: the new numbers of voxels.
    """
    return _resampled(array, shape, cubic_matrix)


def resample_probabilities(array: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Probabilities of the same field of view in other voxels: float32 of `shape`.

    Args:
      array: (I, J, K), each voxel's share of one class.
      shape: the new numbers of voxels.
    """
    return _resampled(array, shape, _linear_matrix)


def resample_labels(labels: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """A label map of the same field of view in other voxels: uint8 of `shape`.

    Args:
      labels: (I, J, K) whole numbers up to 255.
      shape: the new numbers of voxels; each gets the value that most of it has, and of
        two that have as much of it the one of the nearest voxel.
    """
    result = np.zeros(shape, np.uint8)
    most = np.full(shape, -1, np.float32)
    nearest = labels[np.ix_(*map(_nearest, labels.shape, shape))]
    for value in np.unique(labels):
        share = resample_probabilities(labels == value, shape)
        share += _TIE * (nearest == value)
        more = share > most
        result[more], most[more] = value, share[more]
    return result


def _nearest(old: int, new: int) -> np.ndarray:
    """(new,) int: the voxel that each new one's centre lies in."""
    return ((np.arange(new) + 0.5) * old / new).astype(int)


def _resampled(
    array: np.ndarray,
    shape: Sequence[int],
    finer: Callable[[int, np.ndarray], np.ndarray],
) -> np.ndarray:
    result = np.asarray(array, np.float32)
    # What becomes fewer comes first: less is left to do.
    for axis in np.argsort(np.divide(shape, array.shape)):
        old, new = array.shape[axis], shape[axis]
        if new != old:
            result = along_slices(_matrix(old, new, finer), result, axis)
    return result


def _matrix(
    old: int, new: int, finer: Callable[[int, np.ndarray], np.ndarray]
) -> np.ndarray:
    """(new, old) float64, between voxels whose outer faces are the same."""
    step = old / new
    centres = (np.arange(new) + 0.5) * step - 0.5
    if step > 1:
        return SliceProfile("rect", step).matrix(centres, old, 1.0)
    return finer(old, centres)


def _linear_matrix(num: int, positions: np.ndarray) -> np.ndarray:
    """Straight from voxel to voxel; past the outermost ones their values are held."""
    voxels = np.arange(num)
    of_voxels = [np.interp(positions, voxels, row) for row in np.eye(num)]
    return np.stack(of_voxels, axis=1)
