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
    margin: int | Sequence[int] = 0,
    multiple: int | Sequence[int] = 1,
    num_outputs: int,
    progress: str = "",
) -> np.ndarray:
    """The network's output for a volume, from windows of one shape.

    Args:
      network: takes (1, i, j, k, 1) float32 to (1, i, j, k, C); an array, or what
        NumPy can take for one.
      volume: (I, J, K).
      window_shape: voxels of a window; an axis longer than the volume's shrinks to it.
      overlap: share of a window that it shares at least with the next one, 0 or more
        and below 1; one number, or one for each axis.
      margin: voxels at a window's edge, where that lies within the volume, that count
        for nothing; one number, or one for each axis.
      multiple: windows begin at multiples of it, and grow by less than it for that;
        one number, or one for each axis.
      num_outputs: C, the channels of the network's output.
      progress: show a progress bar of this name; "" shows none.

    Returns:
      (I, J, K, C) float32.

    Raises:
      ValueError: a window or an overlap out of range, or an output of another shape.
    """
    check_window_shape(window_shape)
    overlaps, margins, multiples = (
        np.broadcast_to(value, 3).tolist() for value in (overlap, margin, multiple)
    )
    window = tuple(map(aligned_window, volume.shape, window_shape, multiples))
    starts = [*map(window_starts, volume.shape, window, overlaps, margins, multiples)]
    weights = [*map(blending_weights, starts, window, margins)]

    result = np.zeros((*volume.shape, num_outputs), np.float32)
    numbers = itertools.product(*(range(len(s)) for s in starts))
    total = math.prod(len(s) for s in starts)
    for i, j, k in progress_bar.each(
        numbers, progress, total, "window", hidden=not progress
    ):
        corner = (starts[0][i], starts[1][j], starts[2][k])
        region = tuple(slice(c, c + w) for c, w in zip(corner, window, strict=True))
        output = _apply(network, volume[region], num_outputs)
        # (i, j, k, 1): the outer product of the three axes' weights
        weight = np.einsum("i,j,k->ijk", weights[0][i], weights[1][j], weights[2][k])
        result[region] += weight[..., np.newaxis] * output
    return result


def aligned_window(size: int, window: int, multiple: int) -> int:
    """The shortest window that ends with the volume if it begins at a multiple.

    Args:
      size: voxels of the volume.
      window: voxels that a window has at least, where the volume has them.
      multiple: of which voxels a window may begin at.
    """
    slack = max(0, size - window)
    return size - slack // multiple * multiple


def window_starts(
    size: int, window: int, overlap: float, margin: int = 0, multiple: int = 1
) -> tuple[int, ...]:
    """First voxels of the windows along one axis.

    As few windows as overlap and margin allow, evenly spread: the first begins at voxel
    0, the last ends with the volume.

    Args:
      size: voxels of the volume.
      window: voxels of a window, as from `aligned_window`.
      overlap: share of a window that it shares at least with the next one.
      margin: voxels at both ends of a window that another one has to speak for.
      multiple: they begin at multiples of it.

    Raises:
      ValueError: an overlap that is not in [0, 1), or margins that leave nothing.
    """
    if not 0 <= overlap < 1:
        raise ValueError(
            f"The overlap of windows is 0 or more and below 1; got {overlap}."
        )
    slack = (size - window) // multiple
    if slack == 0:
        return (0,)
    if window < 2 * margin + multiple:
        raise ValueError(
            f"A window of {window} voxels is too small: its network looks {margin} "
            f"voxels far. Give it {2 * margin + multiple} or more."
        )
    longest_step = min(math.floor(window * (1 - overlap)), window - 2 * margin)
    num_steps = math.ceil(slack / max(1, longest_step // multiple))
    return tuple(slack * n // num_steps * multiple for n in range(num_steps + 1))


def blending_weights(starts: Sequence[int], window: int, margin: int = 0) -> np.ndarray:
    """What share each window has in each of its voxels, along one axis.

    Args:
      starts: as from `window_starts`: together the windows leave no gap.
      window: voxels of a window.
      margin: voxels at an end of a window that count for nothing, unless the volume
        ends there.

    Returns:
      (windows, window) float32; those that meet at a voxel add up to 1.
    """
    offsets = np.arange(window) - (window - 1) / 2
    gaussian = np.exp(-0.5 * (offsets / (SIGMA_PER_WINDOW * window)) ** 2)
    own = np.tile(gaussian, (len(starts), 1))
    own[1:, :margin] = 0
    own[:-1, window - margin :] = 0
    total = np.zeros(starts[-1] + window)
    for start, weights in zip(starts, own, strict=True):
        total[start : start + window] += weights
    shares = [w / total[s : s + window] for s, w in zip(starts, own, strict=True)]
    return np.array(shares, np.float32)


def check_window_shape(window_shape: Sequence[int]) -> None:
    """ValueError unless it is three whole numbers of at least 1."""
    whole = all(isinstance(n, (int, np.integer)) and n >= 1 for n in window_shape)
    if len(window_shape) != 3 or not whole:
        raise ValueError(
            "A window is three whole numbers of at least 1: rows, columns and slices; "
            f"got {tuple(window_shape)}."
        )


def _apply(
    network: Callable[[np.ndarray], Any], voxels: np.ndarray, num_outputs: int
) -> np.ndarray:
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
