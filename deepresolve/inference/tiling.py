"""A network over a whole volume in overlapping windows, blended without seams.

Two halves: where the windows lie (`window_starts`), and how much each of them says of a
voxel (`blending_weights`). The windows form a regular grid, so both are worked out one
axis at a time, and a window's weight at a voxel is the product of three numbers.

Along an axis the weights are a Gaussian about the window's centre (Isensee et al.,
nnU-Net, Nature Methods 2021: sigma is 1/8 of the window), divided by their sum over all
windows that hold the voxel. They therefore add up to one everywhere, and the sum of the
weighted windows already is the result: nothing has to be divided at the end. At a
window's edge the Gaussian is still exp(-8), so every voxel has weight.

Memory beside the volume and what the network takes for one window: the result, 4 C
bytes a voxel for C channels, and twice the network's output for one window.

Served models have their own, `graphs.blending`, for a graph changes no
array in place; `test_blending` holds both to literals and to SciPy.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from deepresolve.system import progress_bar

DEFAULT_OVERLAP = 0.25
SIGMA_PER_WINDOW = 1 / 8


def tiled(
    network: Callable[[np.ndarray], Any],
    volume: np.ndarray,
    window_shape: Sequence[int],
    *,
    overlap: float | Sequence[float] = DEFAULT_OVERLAP,
    num_outputs: int,
    progress: bool = False,
) -> np.ndarray:
    """The network's output for a volume, from windows of one shape.

    Args:
      network: takes (1, i, j, k, 1) float32 to (1, i, j, k, C); an array, or what
        NumPy can take for one.
      volume: (I, J, K).
      window_shape: voxels of a window; an axis longer than the volume's shrinks to it.
      overlap: share of a window that it shares at least with the next one, 0 or more
        and below 1; one number, or one for each axis.
      num_outputs: C, the channels of the network's output.
      progress: show a progress bar.

    Returns:
      (I, J, K, C) float32.

    Raises:
      ValueError: a window or an overlap out of range, or an output of another shape.
    """
    check_window_shape(window_shape)
    window = tuple(min(w, n) for w, n in zip(window_shape, volume.shape, strict=True))
    overlaps = np.broadcast_to(overlap, 3)
    starts = [
        window_starts(*of_axis)
        for of_axis in zip(volume.shape, window, overlaps, strict=True)
    ]
    weights = [blending_weights(s, w) for s, w in zip(starts, window, strict=True)]

    result = np.zeros((*volume.shape, num_outputs), np.float32)
    numbers = itertools.product(*(range(len(s)) for s in starts))
    total = math.prod(len(s) for s in starts)
    for i, j, k in progress_bar.each(
        numbers, "segmentation", total, "window", hidden=not progress
    ):
        corner = (starts[0][i], starts[1][j], starts[2][k])
        region = tuple(slice(c, c + w) for c, w in zip(corner, window, strict=True))
        output = _apply(network, volume[region], num_outputs)
        # (i, j, k, 1): the outer product of the three axes' weights
        weight = np.einsum("i,j,k->ijk", weights[0][i], weights[1][j], weights[2][k])
        result[region] += weight[..., np.newaxis] * output
    return result


def window_starts(size: int, window: int, overlap: float) -> tuple[int, ...]:
    """First voxels of the windows along one axis.

    As few windows as the overlap allows, evenly spread: the first begins at voxel 0,
    the last ends with the volume.

    Args:
      size: voxels of the volume.
      window: voxels of a window, at most `size`.
      overlap: share of a window that it shares at least with the next one.

    Raises:
      ValueError: an overlap that is not in [0, 1).
    """
    if not 0 <= overlap < 1:
        raise ValueError(
            f"The overlap of windows is 0 or more and below 1; got {overlap}."
        )
    slack = size - window
    if slack == 0:
        return (0,)
    longest_step = max(1, math.floor(window * (1 - overlap)))
    num_steps = math.ceil(slack / longest_step)
    return tuple(slack * n // num_steps for n in range(num_steps + 1))


def blending_weights(starts: Sequence[int], window: int) -> np.ndarray:
    """What share each window has in each of its voxels, along one axis.

    Args:
      starts: as from `window_starts`: together the windows leave no gap.
      window: voxels of a window.

    Returns:
      (windows, window) float32 above 0; those that meet at a voxel add up to 1.
    """
    offsets = np.arange(window) - (window - 1) / 2
    gaussian = np.exp(-0.5 * (offsets / (SIGMA_PER_WINDOW * window)) ** 2)
    total = np.zeros(starts[-1] + window)
    for start in starts:
        total[start : start + window] += gaussian
    shares = [gaussian / total[start : start + window] for start in starts]
    return np.array(shares, np.float32)


def check_window_shape(window_shape: Sequence[int]) -> None:
    """ValueError unless it is three whole numbers of at least 1."""
    whole = all(isinstance(n, (int, np.integer)) and n >= 1 for n in window_shape)
    if len(window_shape) != 3 or not whole:
        raise ValueError(
            "A window is three whole numbers of at least 1: rows, columns and slices; "
            f"got {tuple(window_shape)}."
        )


def _apply(network, voxels: np.ndarray, num_outputs: int) -> np.ndarray:
    """(i, j, k) -> (i, j, k, C), with the axes that networks have around them."""
    inputs = np.asarray(voxels[np.newaxis, ..., np.newaxis], np.float32)
    outputs = np.asarray(network(inputs))
    expected = (1, *voxels.shape, num_outputs)
    if outputs.shape != expected:
        raise ValueError(
            f"The network's output for a window of {voxels.shape} has shape "
            f"{outputs.shape}; expected {expected}."
        )
    return outputs[0]
