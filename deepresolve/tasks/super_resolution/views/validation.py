"""Validation of a network of views: how well it restores what was made thick in plane.

Scans of thick slices hold no truth across them, and those of thin ones are rare. So
what is measured is what is learned: an in-plane axis of a scan that no training saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from deepresolve.imaging.degradation import cubic_matrix
from deepresolve.imaging.volume import Volume
from deepresolve.metrics.table import METRICS
from deepresolve.networks.sr_views import NUM_INPUTS, NUM_PARTS
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.views.kinds import SliceKinds, facts
from deepresolve.tasks.super_resolution.views.slicing import (
    example_matrices,
    part_centres,
)
from deepresolve.training.data import ValidationScan
from deepresolve.training.validation import Validation, drawing
from deepresolve.training.validation.blocks import mean, measure

# Views of one scan that are measured together, side by side in one image.
_NUM_VIEWS = 8
_PSNR = METRICS["psnr"]


class ViewsBlock(NamedTuple):
    """Slices of a scan whose columns were made thick.

    Attributes:
      subject: name of the scan in messages.
      views: (slices * rows, thick, NUM_INPUTS) float32, what the network sees.
      target: truth of the parts, (slices * rows, thick * NUM_PARTS, 1).
      interpolated: of that shape, cubic.
    """

    subject: str
    views: np.ndarray
    target: Volume
    interpolated: np.ndarray


class ViewsValidation(Validation):
    """Image quality of restored views, beside that of interpolation.

    Args:
      config: uses spacing_range_mm, thickness_range and slice_profiles: the middle of
        the ranges, and the first profile.
      label_names: of the scans; not asked for.
    """

    monitor = "psnr"
    legend = "Ground truth, restored and interpolated, side by side."
    config: SuperResolutionConfig

    def __init__(self, config: SuperResolutionConfig, label_names: Mapping[int, str]):
        super().__init__(config, label_names)
        self._kinds = SliceKinds.of(config)

    def cut(self, scan: ValidationScan) -> list[ViewsBlock]:
        """Some slices, evenly spaced, of a canonical scan."""
        image = scan.scale.apply(scan.image.array)
        step = max(1, image.shape[2] // _NUM_VIEWS)
        chosen = image[: image.shape[0] // 2 * 2, :, step // 2 :: step]
        row_mm, column_mm, _ = scan.image.spacing_mm
        num_pixels = image.shape[1]
        _, _, num_thick = self.config.patch_shape
        middle = np.array([0.0, 0.5, 0.5])
        spacing_mm, profile = self._kinds.draw(
            middle, num_pixels * column_mm / num_thick
        )
        thicken, take = example_matrices(
            num_pixels, spacing_mm / column_mm, profile.scaled(1 / column_mm), 0.5
        )
        # (rows, columns, slices) -> (slices * rows, columns): views side by side.
        beside = np.moveaxis(chosen, 2, 0).reshape(-1, num_pixels)
        thick = beside @ thicken.T
        views = np.empty((*thick.shape, NUM_INPUTS), np.float32)
        views[..., 0] = thick
        views[..., 1:] = facts(profile, spacing_mm, row_mm)
        made = thick.shape[1]
        cubic = thick @ cubic_matrix(made, part_centres(made)).T.astype(np.float32)
        truth = cubic + beside @ take.T
        affine = np.diag([row_mm, spacing_mm / NUM_PARTS, 1.0, 1.0])
        target = Volume(truth[..., np.newaxis], affine)
        return [ViewsBlock(scan.subject, views, target, cubic[..., np.newaxis])]

    def batch(self, block: ViewsBlock) -> tuple[np.ndarray, np.ndarray]:
        """One image, and what is to be added in each part."""
        added = block.target.array - block.interpolated
        shape = (*block.views.shape[:2], NUM_PARTS)
        return block.views[np.newaxis], added.reshape(shape)[np.newaxis]

    def describe(self, blocks: Sequence[ViewsBlock]) -> str:
        """How interpolation scores, which is to be surpassed."""
        score = self._interpolation(blocks)
        return (
            f"To surpass on the validation views: cubic interpolation psnr {score:.4f}."
        )

    def verdict(self, best: float, blocks: Sequence[ViewsBlock]) -> str:
        """The best weights' pSNR beside that of interpolation, on the same views."""
        score = self._interpolation(blocks)
        return (
            f"best validation pSNR {best:.2f} dB (cubic interpolation {score:.2f}): "
            f"{best - score:+.2f} dB"
        )

    def estimate(self, output: np.ndarray) -> np.ndarray:
        """What is added, (slices * rows, thick * NUM_PARTS, 1)."""
        return output.reshape(output.shape[0], -1, 1)

    def scores(
        self, blocks: Sequence[ViewsBlock], estimates: Sequence[np.ndarray]
    ) -> dict[str, float]:
        """Mean pSNR over all blocks.

        Raises:
          ValueError: a block cannot be measured; the message names its scan.
        """
        pairs = zip(blocks, estimates, strict=True)
        found = [
            self._psnr(block, block.interpolated + added) for block, added in pairs
        ]
        return {"psnr": mean(found)}

    def draw(self, block: ViewsBlock, estimate: np.ndarray) -> dict[str, np.ndarray]:
        """Ground truth | restored | cubic of the first rows, in 0..1."""
        trio = (
            block.target.array,
            block.interpolated + estimate,
            block.interpolated,
        )
        rows = len(block.views) // _NUM_VIEWS
        views = [
            drawing.square_pixels(
                array[:rows, :, 0], block.target.spacing_mm[:2], order=1
            )
            for array in trio
        ]
        white = drawing.white_level(block.target)
        image = np.clip(np.concatenate(views, axis=1) / white, 0, 1)
        return {"ground_truth_restored_cubic": image[np.newaxis, ..., np.newaxis]}

    def _interpolation(self, blocks: Sequence[ViewsBlock]) -> float:
        return mean([self._psnr(block, block.interpolated) for block in blocks])

    def _psnr(self, block: ViewsBlock, estimate: np.ndarray) -> float:
        return measure(_PSNR, block, block.target.array, estimate)
