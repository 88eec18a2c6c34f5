"""How a classification is validated: areas under ROC curves of whole scans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from deepresolve.metrics.table import METRICS, measure
from deepresolve.tasks.classification.framing import framed
from deepresolve.tasks.classification.settings import ClassificationConfig
from deepresolve.tasks.classification.truth import targets
from deepresolve.training.data import ValidationScan
from deepresolve.training.validation import Validation

_SMALLEST = 1e-7  # of a probability, as in training
# What the loss may take of an area: less than any difference of areas that matters.
_TIE = 1e-6


class GradedScan(NamedTuple):
    """A validation scan.

    Attributes:
      subject: its name.
      image: (rows, columns, slices) float32, framed, all its slices.
      truth: (outputs,) float32: 1, 0, or NaN where nobody knows.
    """

    subject: str
    image: np.ndarray
    truth: np.ndarray


class ClassificationValidation(Validation):
    """Mean area under the ROC curve of all outputs; where none has one, the loss.

    The scores are `score`, by which the best weights are picked, and of each output
    that is true of some scans and false of others `auc_NAME`. An output without both is
    left out. Of two epochs with the same areas, which are often 1 where there are few
    scans, the one with the lower cross-entropy has the higher `score`: by 1e-6 at the
    most. Where all outputs are left out, `score` is minus the cross-entropy.
    """

    monitor = "score"
    legend = ""
    config: ClassificationConfig

    def cut(self, scan: ValidationScan) -> list[GradedScan]:
        """The whole scan; nothing where none of its grades is known.

        Raises:
          ValueError: a grade is no whole number, or out of range.
        """
        try:
            truth = targets(self.config, scan.scalars)
        except ValueError as error:
            raise ValueError(f"Validation scan {scan.subject!r}: {error}") from error
        if np.isnan(truth).all():
            return []
        image = scan.scale.apply(scan.image.array)
        frame = framed(image, self.config.patch_shape[:2]).numpy()
        return [GradedScan(scan.subject, frame, truth)]

    def batch(self, block: GradedScan) -> tuple[np.ndarray, np.ndarray]:
        """The scan, (1, rows, columns, slices, 1), and its targets, unweighted."""
        is_known = ~np.isnan(block.truth)
        target = np.stack([np.where(is_known, block.truth, 0), is_known], axis=-1)
        return block.image[np.newaxis, ..., np.newaxis], target[np.newaxis]

    def describe(self, blocks: Sequence[GradedScan]) -> str:
        """How many scans each output is true of, and what picks the best weights."""
        truth = _truth(blocks)
        told = ", ".join(
            f"{name} of {np.nansum(of):.0f} of {np.count_nonzero(~np.isnan(of))}"
            for name, of in zip(self.config.outputs, truth.T, strict=True)
        )
        text = f"{len(blocks)} validation scans; {told}."
        without = [
            name
            for name, of in zip(self.config.outputs, truth.T, strict=True)
            if not _has_both(of)
        ]
        if without:
            text += f" No ROC AUC of {', '.join(without)}: all are alike."
        if len(without) == len(self.config.outputs):
            text += " The best weights are those of the lowest validation loss instead."
        return text

    def verdict(self, best: float, blocks: Sequence[GradedScan]) -> str:
        """The best score; chance is 0.5 of an AUC."""
        if any(_has_both(of) for of in _truth(blocks).T):
            return f"best validation ROC AUC {best:.3f} (chance 0.500)"
        return f"best validation loss {-best:.4g}"

    def estimate(self, output: np.ndarray) -> np.ndarray:
        """(outputs,) probabilities."""
        return output

    def scores(
        self, blocks: Sequence[GradedScan], estimates: Sequence[np.ndarray]
    ) -> dict[str, float]:
        """`score`, and the area under the ROC curve of each output that has one.

        Raises:
          ValueError: a probability is NaN.
        """
        truth, found = _truth(blocks), np.array(estimates, np.float64)
        areas = {
            f"auc_{name.replace('>', '_above_')}": _area(of, probabilities)
            for name, of, probabilities in zip(
                self.config.outputs, truth.T, found.T, strict=True
            )
            if _has_both(of)
        }
        loss = _loss(truth, found)
        if not areas:
            return {self.monitor: -loss}
        tie = _TIE * loss / (1 + loss)
        return {self.monitor: float(np.mean([*areas.values()])) - tie, **areas}

    def draw(self, block: GradedScan, estimate: np.ndarray) -> dict[str, np.ndarray]:
        """Nothing: an answer is a number."""
        return {}


def _truth(blocks: Sequence[GradedScan]) -> np.ndarray:
    """(scans, outputs): 1, 0 or NaN."""
    return np.array([block.truth for block in blocks])


def _has_both(truth: np.ndarray) -> bool:
    return {0, 1} <= set(truth[~np.isnan(truth)])


def _area(truth: np.ndarray, probabilities: np.ndarray) -> float:
    is_known = ~np.isnan(truth)
    return measure(METRICS["roc_auc"], truth[is_known] == 1, probabilities[is_known])


def _loss(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Cross-entropy over all that is known."""
    is_known = ~np.isnan(truth)
    p = np.where(truth == 1, probabilities, 1 - probabilities)[is_known]
    return float(-np.mean(np.log(np.maximum(p, _SMALLEST))))
