"""Learning rate as a function of how much of the run is done."""

from __future__ import annotations

import math
from typing import Any

import keras

from deepresolve.config import Config
from deepresolve.training.progress import Progress


def learning_rate_at(config: Config, step: int, share_done: float) -> float:
    """The learning rate of one step.

    Args:
      config: uses learning_rate, schedule and warmup_steps.
      step: number of the step, from 0.
      share_done: how much of the run lies behind it, 0 to 1.

    Returns:
      `learning_rate`, times a linear rise over the first `warmup_steps` steps, times
      (1 + cos(pi share_done)) / 2 with the cosine schedule (Loshchilov, ICLR 2017).
    """
    rate = config.learning_rate
    if config.schedule == "cosine":
        rate *= (1 + math.cos(math.pi * min(share_done, 1.0))) / 2
    return rate * min(1.0, (step + 1) / max(1, config.warmup_steps))


class Schedule(keras.callbacks.Callback):
    """Sets the learning rate before each step and adds it to the epoch's logs.

    The share of the run that is done is counted in steps, or in training time where
    `config.max_minutes` limits the run: whichever is further.

    Args:
      config: the run.
      progress: counters that say where the run is.
      total_steps: steps of the whole run.
    """

    def __init__(self, config: Config, progress: Progress, total_steps: int):
        super().__init__()
        self._config = config
        self._progress = progress
        self._total_steps = total_steps
        self._rate = config.learning_rate

    def _share_done(self) -> float:
        share = int(self._progress.step) / self._total_steps
        if self._config.max_minutes:
            minutes = float(self._progress.seconds) / 60
            share = max(share, minutes / self._config.max_minutes)
        return share

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Sets the rate of the coming step."""
        step = int(self._progress.step)
        self._rate = learning_rate_at(self._config, step, self._share_done())
        self.model.optimizer.learning_rate = self._rate

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the rate of the last step to the logs."""
        if logs is not None:
            logs["learning_rate"] = self._rate
