"""Blocks of validation scans, and what all tasks do alike with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from deepresolve.imaging.volume import Volume

# `fn(reference, estimate, *, spacing_mm, data_range) -> float` by name.
Metrics = Mapping[str, Callable[..., float]]


class Block(NamedTuple):
    """A piece of a validation scan, canonical.

    Attributes:
      subject: name of the scan in messages.
      input: what the network sees, float32, scaled to 0..1.
      target: what it should answer, on the same grid: float32 intensities in 0..1, or
        uint8 numbers of classes.
      fourier: of a super-resolution, Fourier interpolation in the place of `input`'s
        tricubic one; None of a segmentation.
    """

    subject: str
    input: Volume
    target: Volume
    fourier: np.ndarray | None = None


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
    metric: Callable[..., float],
    block: Block,
    reference: np.ndarray,
    estimate: np.ndarray,
) -> float:
    """One score of one block.

    Raises:
      ValueError: it cannot be measured; the message names the scan.
    """
    try:
        return metric(
            reference, estimate, spacing_mm=block.target.spacing_mm, data_range=1.0
        )
    except ValueError as error:
        raise ValueError(f"Validation scan {block.subject!r}: {error}") from error


def mean(scores: Sequence[float]) -> float:
    """Mean of the scores that are defined; NaN where none is."""
    defined = [score for score in scores if not math.isnan(score)]
    return float(np.mean(defined)) if defined else math.nan
