"""Watches the loss scale of a training in float16."""

from __future__ import annotations

from typing import Any

from deepresolve.system.keras_stack import loss_scale
from deepresolve.training.callbacks.watch import Watch, diverged


class LossScale(Watch):
    """Adds "loss_scale" to the epoch's logs, and stops a run that only skips steps.

    Steps whose gradients overflow are skipped and halve the scale, which is how a good
    one is found. At a scale of 1 nothing is left to halve: the gradients themselves are
    not finite in float16, and Keras would skip every further step in silence.
    """

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """ValueError where nothing is left to halve."""
        if loss_scale(self.model.optimizer) <= 1:
            raise diverged(
                self._progress,
                "gradients are not finite in float16 even with a loss scale of 1",
                "--precision=mixed_bfloat16 or float32, or a lower --learning_rate",
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the scale to the logs."""
        if logs is not None:
            logs["loss_scale"] = loss_scale(self.model.optimizer)
