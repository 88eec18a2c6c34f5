"""What is measured and drawn after each epoch: the second place where tasks part.

A task's module has the functions that `Validation` names. To add a task, write
its module and add its line to `VALIDATIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from deepresolve.config import Config
from deepresolve.training.data import ValidationScan
from deepresolve.training.validation import segmentation, super_resolution
from deepresolve.training.validation.blocks import Block, Metrics

__all__ = ["VALIDATIONS", "Block", "Metrics", "Validation"]


class Validation(NamedTuple):
    """How one task is validated.

    Attributes:
      monitor: name of the score that picks the best weights, higher is better.
      cut: a scan's blocks, from the scan, the config and the records' label names.
      describe: a line on the blocks to log before the training; raises ValueError
        where they cannot be measured.
      verdict: what to say at the end, from the best score, the blocks, the metrics and
        the config: the score beside what it is to surpass.
      estimate: what is measured and drawn, from the network's output for one block,
        (rows, columns, slices, channels) float32.
      scores: scores by name, from the blocks, their estimates, the metrics and the
        config.
      draw: images (1, height, width, 1 or 3) in 0..1 by TensorBoard's tag, from a
        block and its estimate.
      legend: what the images show.
    """

    monitor: str
    cut: Callable[[ValidationScan, Config, Mapping[int, str]], list[Block]]
    describe: Callable[[Sequence[Block], Metrics, Config], str]
    verdict: Callable[[float, Sequence[Block], Metrics, Config], str]
    estimate: Callable[[np.ndarray], np.ndarray]
    scores: Callable[
        [Sequence[Block], Sequence[np.ndarray], Metrics, Config], dict[str, float]
    ]
    draw: Callable[[Block, np.ndarray], dict[str, np.ndarray]]
    legend: str


VALIDATIONS = {
    "super_resolution": Validation(
        monitor="psnr",
        cut=super_resolution.cut,
        describe=super_resolution.describe,
        verdict=super_resolution.verdict,
        estimate=super_resolution.estimate,
        scores=super_resolution.scores,
        draw=super_resolution.draw,
        legend=super_resolution.LEGEND,
    ),
    "segmentation": Validation(
        monitor="dsc",
        cut=segmentation.cut,
        describe=segmentation.describe,
        verdict=segmentation.verdict,
        estimate=segmentation.estimate,
        scores=segmentation.scores,
        draw=segmentation.draw,
        legend=segmentation.LEGEND,
    ),
}
