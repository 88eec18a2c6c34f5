"""Validation of super-resolution: how near it comes to the ground truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepresolve.config import Config
from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.training.data import ValidationScan
from deepresolve.training.validation import drawing
from deepresolve.training.validation.blocks import (
    Block,
    Metrics,
    central_region,
    mean,
    measure,
)

LEGEND = "Ground truth, super-resolved and TCI, side by side, through the centre."


def cut(
    scan: ValidationScan, config: Config, label_names: Mapping[int, str]
) -> list[Block]:
    """The middle of a scan and of its TCI, once for each downsample factor."""
    del label_names
    return [
        central_block(scan, factor, config.validation_shape)
        for factor in config.downsample_factors
    ]


def central_block(scan: ValidationScan, factor: int, shape: Sequence[int]) -> Block:
    """The middle of a scan and of its interpolations, degraded whole before it is cut.

    Slices past the last acquired one are never part of it.

    Args:
      scan: a canonical scan, in scan units, with its scale.
      factor: downsample factor of the TCI.
      shape: voxels of the block, at most, (rows, columns, slices).
    """
    target = scan.image.with_array(scan.scale.apply(scan.image.array))
    thick = thicken(target, factor)
    tci = interpolate(thick, factor)
    # Starts at an acquired slice, as a folded network needs it.
    region = central_region(tci.shape, shape, alignment=factor)
    fourier = interpolate(thick, factor, method="fourier").array[region].copy()
    return Block(scan.subject, tci.crop(region), target.crop(region), fourier)


def describe(blocks: Sequence[Block], metrics: Metrics, config: Config) -> str:
    """How interpolations score, which are to be surpassed.

    Raises:
      ValueError: a block cannot be measured; the message names its scan.
    """
    texts = []
    for title, measured in _interpolations(blocks, metrics, config).items():
        told = ", ".join(f"{name} {score:.4f}" for name, score in measured.items())
        texts.append(f"{title} {told}")
    return f"To surpass on the validation blocks: {'; '.join(texts)}."


def verdict(
    best: float, blocks: Sequence[Block], metrics: Metrics, config: Config
) -> str:
    """The best weights' pSNR beside that of interpolations, on the same blocks."""
    psnr = {"psnr": metrics["psnr"]}
    others = {
        title: measured["psnr"]
        for title, measured in _interpolations(blocks, psnr, config).items()
    }
    told = ", ".join(f"{title} {score:.2f}" for title, score in others.items())
    return (
        f"best validation pSNR {best:.2f} dB ({told}): "
        f"{best - max(others.values()):+.2f} dB against the best interpolation"
    )


def _interpolations(
    blocks: Sequence[Block], metrics: Metrics, config: Config
) -> dict[str, dict[str, float]]:
    """Scores of each interpolation by its title."""
    interpolated = {
        "TCI": [block.input.array for block in blocks],
        "Fourier": [block.fourier for block in blocks],
    }
    return {
        title: scores(blocks, arrays, metrics, config)
        for title, arrays in interpolated.items()
    }


def estimate(output: np.ndarray) -> np.ndarray:
    """The super-resolved block, (rows, columns, slices)."""
    return output[..., 0]


def scores(
    blocks: Sequence[Block],
    estimates: Sequence[np.ndarray],
    metrics: Metrics,
    config: Config,
) -> dict[str, float]:
    """Mean over all blocks of every metric.

    Args:
      blocks: the references.
      estimates: one array a block, of its shape.
      metrics: what to measure.
      config: not used.

    Raises:
      ValueError: a block cannot be measured; the message names its scan.
    """
    del config
    pairs = list(zip(blocks, estimates, strict=True))
    return {
        name: mean([measure(metric, b, b.target.array, e) for b, e in pairs])
        for name, metric in metrics.items()
    }


def draw(block: Block, enhanced: np.ndarray) -> dict[str, np.ndarray]:
    """Ground truth | SR | TCI through the centre, in the planes across the slices.

    Args:
      block: the scan and its TCI, (rows, columns, slices).
      enhanced: the super-resolved block, same shape.

    Returns:
      Images (1, height, width, 1) in 0..1 by tag, with square pixels, black at 0 and
      white at the 99th percentile of the scan.
    """
    trio = (block.target, block.target.with_array(enhanced), block.input)
    white = drawing.white_level(block.target)
    images = {}
    for axis in (0, 1):
        views = [drawing.across(volume, axis) for volume in trio]
        middle = views[0].num_slices // 2
        row = [
            drawing.square_pixels(view.array[..., middle], view.spacing_mm[:2], order=1)
            for view in views
        ]
        image = np.clip(np.concatenate(row, axis=1) / white, 0, 1)
        images[f"ground_truth_sr_tci/{views[0].plane}"] = image[np.newaxis, ..., None]
    return images
