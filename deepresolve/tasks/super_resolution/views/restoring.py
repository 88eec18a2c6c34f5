"""A network of views over a whole scan.

Both ways across the slices are averaged, and what comes of it is held to the slices
that were acquired.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from deepresolve.imaging.degradation import (
    Interpolation,
    cubic_matrix,
    fourier_matrix,
)
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.networks.sr_views import NUM_INPUTS, NUM_PARTS, PIXEL_FOLD
from deepresolve.system import progress_bar
from deepresolve.tasks.super_resolution.views import data_consistency
from deepresolve.tasks.super_resolution.views.kinds import facts
from deepresolve.tasks.super_resolution.views.slicing import (
    ThinGrid,
    part_centres,
    parts_to_thin,
)

# Voxels of the scan that go through the network at once.
VOXELS_AT_ONCE = 2**19

# (views, pixels, slices, NUM_INPUTS) float32 to (views, pixels, slices, NUM_PARTS).
Network = Callable[[tf.Tensor], tf.Tensor]


class Restored(NamedTuple):
    """Thin slices, all (rows, columns, thin slices) float32.

    Attributes:
      thin: the mean over both views, held to the acquired slices.
      difference: of the view along the columns from the one along the rows.
    """

    thin: np.ndarray
    difference: np.ndarray


class ThickScan(NamedTuple):
    """A scan as networks of views take it.

    Attributes:
      array: (rows, columns, slices) float32, scaled to 0..1.
      pixels_mm: between rows, between columns.
      spacing_mm: between slices.
      profile: of the slices.
    """

    array: np.ndarray
    pixels_mm: tuple[float, float]
    spacing_mm: float
    profile: SliceProfile


def graph_of(model: keras.Model) -> Network:
    """`mirrored_mean` as a function that is compiled once for all shapes."""
    signature = [tf.TensorSpec((None, None, None, NUM_INPUTS), tf.float32)]
    return tf.function(functools.partial(mirrored_mean, model), signature)


def mirrored_mean(model: keras.Model, views: tf.Tensor) -> tf.Tensor:
    """The mean of what a network adds to views, and to the same views turned round.

    It learned from either; what it does not mean in both is chance.

    Args:
      model: of views.
      views: (views, pixels, slices, NUM_INPUTS) float32.
    """
    turned = model(views[:, ::-1, ::-1], training=False)
    return (model(views, training=False) + turned[:, ::-1, ::-1, ::-1]) / 2


def interpolated(scan: ThickScan, grid: ThinGrid) -> np.ndarray:
    """Cubic interpolation of the parts, averaged to thin slices: what is added to."""
    matrix = _interpolation(scan.array.shape[2], grid)
    return scan.array @ matrix.T


def interpolated_at_centres(
    scan: ThickScan, grid: ThinGrid, method: Interpolation
) -> np.ndarray:
    """Cubic (as TCI is) or Fourier interpolation at the centres of thin slices."""
    make = cubic_matrix if method == "cubic" else fourier_matrix
    matrix = make(scan.array.shape[2], grid.centres).astype(np.float32)
    return scan.array @ matrix.T


def one_way(network: Network, scan: ThickScan, grid: ThinGrid) -> np.ndarray:
    """What the views of each row add to `interpolated`: (rows, columns, thin slices).

    Args:
      network: of views.
      scan: the thick slices; of its pixels only the distance of columns matters.
      grid: where thin slices are wanted.
    """
    with progress_bar.shown("", None, "view", hidden=True) as bar:
        return _added(network, scan, grid, bar)


def restore(
    network: Network, scan: ThickScan, grid: ThinGrid, progress: bool = False
) -> Restored:
    """Thin slices of a scan.

    Memory: three volumes of thin slices, and the parts of `VOXELS_AT_ONCE` voxels.

    Args:
      network: of views.
      scan: the thick slices.
      grid: where the thin ones are wanted.
      progress: show a progress bar.
    """
    rows, columns, _ = scan.array.shape
    with progress_bar.shown(
        "super-resolution", rows + columns, "view", hidden=not progress
    ) as bar:
        # Each row is a view of columns by slices, each column one of rows by slices.
        along_columns = _added(network, scan, grid, bar)
        turned = scan._replace(
            array=np.swapaxes(scan.array, 0, 1), pixels_mm=scan.pixels_mm[::-1]
        )
        along_rows = np.swapaxes(_added(network, turned, grid, bar), 0, 1)
    difference = along_columns - along_rows
    along_columns += along_rows
    along_columns *= 0.5
    add_to_interpolation(along_columns, scan, grid)
    return Restored(along_columns, difference)


def add_to_interpolation(added: np.ndarray, scan: ThickScan, grid: ThinGrid) -> None:
    """Makes what a network adds thin slices, in place, held to what was acquired.

    Args:
      added: (rows, columns, thin slices) float32.
      scan: the thick slices.
      grid: where the thin ones lie.
    """
    added += interpolated(scan, grid)
    profile = scan.profile.scaled(1 / scan.spacing_mm)
    data_consistency.hold(added, scan.array, profile, grid)


def _added(
    network: Network, scan: ThickScan, grid: ThinGrid, bar: progress_bar.Bar
) -> np.ndarray:
    """What is added in thin slices, by the views of each row."""
    rows, columns, num_thick = scan.array.shape
    average = parts_to_thin(num_thick, grid).T.astype(np.float32)
    told = facts(scan.profile, scan.spacing_mm, scan.pixels_mm[1])
    added = np.empty((rows, columns, grid.num_slices), np.float32)
    padded = columns + -columns % PIXEL_FOLD
    step = max(1, VOXELS_AT_ONCE // (padded * num_thick))
    for start in range(0, rows, step):
        block = scan.array[start : start + step]
        views = np.empty((len(block), padded, num_thick, NUM_INPUTS), np.float32)
        views[:, :columns, :, 0] = block
        views[:, columns:, :, 0] = block[:, -1:]
        views[..., 1:] = told
        parts = network(tf.constant(views)).numpy()[:, :columns]
        parts = parts.reshape(len(block), columns, num_thick * NUM_PARTS)
        np.matmul(parts, average, out=added[start : start + step])
        bar.update(len(block))
    return added


def _interpolation(num_thick: int, grid: ThinGrid) -> np.ndarray:
    """(thin slices, thick slices) float32."""
    parts = cubic_matrix(num_thick, part_centres(num_thick))
    return (parts_to_thin(num_thick, grid) @ parts).astype(np.float32)
