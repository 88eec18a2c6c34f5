"""Measures whole blocks of validation volumes after each epoch, and draws them."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deepresolve.system import progress_bar, storage
from deepresolve.training.data import ValidationScan
from deepresolve.training.validation import Block, Validation

_logger = logging.getLogger(__name__)


def validation_blocks(
    scans: Iterable[ValidationScan], validation: Validation
) -> list[Block]:
    """The blocks of each of the first `validation_volumes` scans.

    Raises:
      ValueError: a scan lacks what the task needs.
    """
    first = itertools.islice(scans, validation.config.validation_volumes)
    return [block for scan in first for block in validation.cut(scan)]


class VolumeValidation(keras.callbacks.Callback):
    """Adds val_loss and the scores of the task, val_NAME, to the epoch's logs.

    Also writes images of the first block to TensorBoard. What is measured and drawn is
    the task's own: its `Validation`.

    Memory: a block goes through the network in one pass, which frees each feature map
    after its last use. The published Seg-CNN takes 600 bytes a voxel in float32, about
    five maps of its first level (measured): 3 GiB at 288x288x64 voxels. The 2D SegNet
    takes as much. `validation_shape` bounds it.

    Args:
      blocks: what to measure; the first one is drawn.
      validation: of the run.
      tensorboard: folder for the images.
      check: called before each block; what it raises ends the validation.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        validation: Validation,
        tensorboard: str,
        check: Callable[[], None] = lambda: None,
    ):
        super().__init__()
        self._blocks = list(blocks)
        self._validation = validation
        self._tensorboard = tensorboard
        self._check = check
        self._writer = tf.summary.create_file_writer(tensorboard)
        self._network: Any = None

    def set_model(self, model: keras.Model) -> None:
        """Makes the function that runs the network."""
        super().set_model(model)

        # A graph, for Keras 3, called eagerly, keeps every feature map to the end.
        @tf.function(reduce_retracing=True)
        def network(batch: tf.Tensor) -> tf.Tensor:
            return model(batch, training=False)

        self._network = network

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures every block and draws the first."""
        number = len(self._blocks)
        _logger.info("Validating epoch %d on %d blocks.", epoch + 1, number)
        losses, estimates = [], []
        # One part a block, and one to measure them all.
        with progress_bar.shown("validation", number + 1, "part") as bar:
            for block in self._blocks:
                self._check()
                network_input, target = self._validation.batch(block)
                output = self._network(tf.constant(network_input))
                losses.append(self._loss(target, output))
                estimates.append(self._validation.estimate(output[0].numpy()))
                bar.update()
            if logs is not None:
                logs["val_loss"] = float(np.mean(losses))
                logs.update(self._scores(estimates))
        self._draw(estimates[0], epoch)

    def _scores(self, estimates: Sequence[np.ndarray]) -> dict[str, float]:
        scores = self._validation.scores(self._blocks, estimates)
        return {f"val_{name}": score for name, score in scores.items()}

    def _loss(self, target: np.ndarray, output: tf.Tensor) -> float:
        # Per example, for Keras 2.15 refuses to reduce within a strategy's scope.
        loss = self.model.loss.call(tf.constant(target), output)
        return float(tf.reduce_mean(loss))

    def _draw(self, estimate: np.ndarray, epoch: int) -> None:
        images = self._validation.draw(self._blocks[0], estimate)
        with storage.writing(self._tensorboard):
            with self._writer.as_default():
                for tag, image in images.items():
                    tf.summary.image(
                        tag, image, step=epoch, description=self._validation.legend
                    )
            self._writer.flush()
