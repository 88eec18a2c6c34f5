"""What is measured and drawn after each epoch: a task says what, in a `Validation`."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from deepresolve.config import Config
from deepresolve.training.data import ValidationScan
from deepresolve.training.validation.blocks import batch_of

# What a task cuts out of a scan; it has a `subject`, which names the scan.
Block = Any


class Validation(abc.ABC):
    """How a run of one task is validated.

    Args:
      config: the run.
      label_names: what each label value of the scans means; empty where nobody said.

    Attributes:
      monitor: name of the score that picks the best weights, higher is better.
      legend: what the images show.
    """

    monitor: ClassVar[str]
    legend: ClassVar[str]

    def __init__(self, config: Config, label_names: Mapping[int, str]):
        self.config = config
        self.label_names = label_names

    @abc.abstractmethod
    def cut(self, scan: ValidationScan) -> list[Block]:
        """A scan's blocks.

        Args:
          scan: canonical, in scan units, with its scale.

        Raises:
          ValueError: it lacks what the task needs.
        """

    def batch(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """What the network sees of a block and what it should answer, batches of one.

        As in training; here those of a `blocks.Block`.
        """
        return batch_of(block)

    @abc.abstractmethod
    def describe(self, blocks: Sequence[Block]) -> str:
        """A line on the blocks to log before the training.

        Raises:
          ValueError: they cannot be measured; the message names the scan.
        """

    @abc.abstractmethod
    def verdict(self, best: float, blocks: Sequence[Block]) -> str:
        """What to say at the end: the best score beside what it is to surpass."""

    @abc.abstractmethod
    def estimate(self, output: np.ndarray) -> np.ndarray:
        """What is measured and drawn, from the network's output for one block."""

    @abc.abstractmethod
    def scores(
        self, blocks: Sequence[Block], estimates: Sequence[np.ndarray]
    ) -> dict[str, float]:
        """Scores of all blocks by name.

        Args:
          blocks: the references.
          estimates: of each block.

        Raises:
          ValueError: a block cannot be measured; the message names its scan.
        """

    @abc.abstractmethod
    def draw(self, block: Block, estimate: np.ndarray) -> dict[str, np.ndarray]:
        """Images (1, height, width, 1 or 3) in 0..1 by TensorBoard's tag, if any."""
