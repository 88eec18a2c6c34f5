"""Validation of super-resolution: how near it comes to the ground truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.volume import Volume
from deepresolve.metrics.table import METRICS, Metric
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.training.data import ValidationScan
from deepresolve.training.validation import Validation, drawing
from deepresolve.training.validation.blocks import central_region, mean, measure

_METRICS: Mapping[str, Metric] = {name: METRICS[name] for name in ("ssim", "psnr")}


class InterpolatedBlock(NamedTuple):
    """A piece of a validation scan, canonical, intensities scaled to 0..1.

    Attributes:
      subject: name of the scan in messages.
      input: TCI, which the network sees, float32.
      target: the scan, on the same grid.
      fourier: Fourier interpolation, of that shape.
    """

    subject: str
    input: Volume
    target: Volume
    fourier: np.ndarray


class SuperResolutionValidation(Validation):
    """Image quality in the middle of scans, beside that of interpolations.

    Args:
      config: uses validation_shape, downsample_factors and the usual slice profile.
      label_names: of the scans; not asked for.
      metrics: what to measure of two images; "psnr" is one of them.
    """

    monitor = "psnr"
    legend = "Ground truth, super-resolved and TCI, side by side, through the centre."

    def __init__(
        self,
        config: SuperResolutionConfig,
        label_names: Mapping[int, str],
        metrics: Mapping[str, Metric] = _METRICS,
    ):
        super().__init__(config, label_names)
        self._shape = config.validation_shape
        self._factors = config.downsample_factors
        self._profile = config.usual_profile
        self._metrics = metrics

    def cut(self, scan: ValidationScan) -> list[InterpolatedBlock]:
        """The middle of a scan and of its TCI, once for each downsample factor.

        Made thick by the first of the run's slice profiles, in the middle of its range
        of thickness: a score is to mean the same at each epoch.
        """
        return [
            central_block(scan, factor, self._shape, *self._profile)
            for factor in self._factors
        ]

    def describe(self, blocks: Sequence[InterpolatedBlock]) -> str:
        """How interpolations score, which are to be surpassed.

        Raises:
          ValueError: a block cannot be measured; the message names its scan.
        """
        texts = []
        for title, measured in self._interpolations(blocks, self._metrics).items():
            told = ", ".join(f"{name} {score:.4f}" for name, score in measured.items())
            texts.append(f"{title} {told}")
        return f"To surpass on the validation blocks: {'; '.join(texts)}."

    def verdict(self, best: float, blocks: Sequence[InterpolatedBlock]) -> str:
        """The best weights' pSNR beside that of interpolations, on the same blocks."""
        psnr = {"psnr": self._metrics["psnr"]}
        others = {
            title: measured["psnr"]
            for title, measured in self._interpolations(blocks, psnr).items()
        }
        told = ", ".join(f"{title} {score:.2f}" for title, score in others.items())
        return (
            f"best validation pSNR {best:.2f} dB ({told}): "
            f"{best - max(others.values()):+.2f} dB against the best interpolation"
        )

    def _interpolations(
        self, blocks: Sequence[InterpolatedBlock], metrics: Mapping[str, Metric]
    ) -> dict[str, dict[str, float]]:
        """Scores of each interpolation by its title."""
        interpolated = {
            "TCI": [block.input.array for block in blocks],
            "Fourier": [block.fourier for block in blocks],
        }
        return {
            title: _mean_scores(blocks, arrays, metrics)
            for title, arrays in interpolated.items()
        }

    def estimate(self, output: np.ndarray) -> np.ndarray:
        """The super-resolved block, (rows, columns, slices)."""
        return output[..., 0]

    def scores(
        self, blocks: Sequence[InterpolatedBlock], estimates: Sequence[np.ndarray]
    ) -> dict[str, float]:
        """Mean over all blocks of every metric.

        Args:
          blocks: the references.
          estimates: one array a block, of its shape.

        Raises:
          ValueError: a block cannot be measured; the message names its scan.
        """
        return _mean_scores(blocks, estimates, self._metrics)

    def draw(
        self, block: InterpolatedBlock, estimate: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Ground truth | SR | TCI through the centre, in the planes across the slices.

        Args:
          block: the scan and its TCI, (rows, columns, slices).
          estimate: the super-resolved block, same shape.

        Returns:
          Images (1, height, width, 1) in 0..1 by tag, with square pixels, black at 0
          and white at the 99th percentile of the scan.
        """
        trio = (block.target, block.target.with_array(estimate), block.input)
        white = drawing.white_level(block.target)
        images = {}
        for axis in (0, 1):
            views = [drawing.across(volume, axis) for volume in trio]
            middle = views[0].num_slices // 2
            row = [
                drawing.square_pixels(
                    view.array[..., middle], view.spacing_mm[:2], order=1
                )
                for view in views
            ]
            image = np.clip(np.concatenate(row, axis=1) / white, 0, 1)
            tag = f"ground_truth_sr_tci/{views[0].plane}"
            images[tag] = image[np.newaxis, ..., np.newaxis]
        return images


def central_block(
    scan: ValidationScan,
    factor: int,
    shape: Sequence[int],
    profile: str = "fir",
    thickness: float = 1.0,
) -> InterpolatedBlock:
    """The middle of a scan and of its interpolations, degraded whole before it is cut.

    Slices past the last acquired one are never part of it.

    Args:
      scan: a canonical scan, in scan units, with its scale.
      factor: downsample factor of the TCI.
      shape: voxels of the block, at most, (rows, columns, slices).
      profile: of thick slices, as for `degradation.thicken`.
      thickness: of the profile, in thick slice spacings.
    """
    target = scan.image.with_array(scan.scale.apply(scan.image.array))
    thick = thicken(target, factor, profile, thickness)
    tci = interpolate(thick, factor)
    # Starts at an acquired slice, as a folded network needs it.
    region = central_region(tci.shape, shape, alignment=factor)
    fourier = interpolate(thick, factor, method="fourier").array[region].copy()
    return InterpolatedBlock(
        scan.subject, tci.crop(region), target.crop(region), fourier
    )


def _mean_scores(
    blocks: Sequence[InterpolatedBlock],
    estimates: Sequence[np.ndarray],
    metrics: Mapping[str, Metric],
) -> dict[str, float]:
    pairs = list(zip(blocks, estimates, strict=True))
    return {
        name: mean([measure(metric, b, b.target.array, e) for b, e in pairs])
        for name, metric in metrics.items()
    }
