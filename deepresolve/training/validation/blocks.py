"""Blocks of validation scans, and what all tasks do alike with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from deepresolve.imaging.volume import Volume
from deepresolve.metrics import table
from deepresolve.metrics.table import Metric


class Block(NamedTuple):
    """A piece of a validation scan, canonical, where input and target are on one grid.

    Attributes:
      subject: name of the scan in messages.
      input: what the network sees, float32, scaled to 0..1.
      target: what it should answer, on the same grid.
    """

    subject: str
    input: Volume
    target: Volume


def batch_of(block: Any) -> tuple[np.ndarray, np.ndarray]:
    """Input and target of a block, each (1, rows, columns, slices, 1)."""
    pair = (block.input.array, block.target.array)
    x, y = (array[np.newaxis, ..., np.newaxis] for array in pair)
    return x, y


def central_region(
    shape: Sequence[int], wanted: Sequence[int], alignment: int = 1
) -> tuple[slice, ...]:
    """The middle of a volume, of at most `wanted` voxels along each axis.

    Args:
      shape: voxels of the volume.
      wanted: voxels of the region.
      alignment: it starts at a multiple of this along each axis.
    """
    region = []
    for size, length in zip(shape, wanted, strict=True):
        start = max(0, size - length) // 2 // alignment * alignment
        region.append(slice(start, start + min(size, length)))
    return tuple(region)


def measure(
    metric: Metric, block: Any, reference: np.ndarray, estimate: np.ndarray
) -> float:
    """One score of one block, whose intensities are scaled to 0..1.

    Args:
      metric: what to measure.
      block: names the subject, and has the `target` whose voxels are compared.
      reference: (rows, columns, slices) intensities, or a mask.
      estimate: of that shape.

    Raises:
      ValueError: it cannot be measured; the message names the scan.
    """
    try:
        return table.measure(
            metric,
            reference,
            estimate,
            spacing_mm=block.target.spacing_mm,
            data_range=1.0,
        )
    except ValueError as error:
        raise ValueError(f"Validation scan {block.subject!r}: {error}") from error


def mean(scores: Sequence[float]) -> float:
    """Mean of the scores that are defined; NaN where none is."""
    defined = [score for score in scores if not math.isnan(score)]
    return float(np.mean(defined)) if defined else math.nan
