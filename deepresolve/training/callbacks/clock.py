"""Counts steps and seconds, ends a run that is out of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras

from deepresolve.training.progress import Progress


class Clock(keras.callbacks.Callback):
    """Keeps a `Progress` up to date while the model trains.

    Time between epochs (validation, checkpoints) does not count.

    Args:
      progress: counters to advance, perhaps restored from a checkpoint.
      max_minutes: stop after this much training time; 0 for no limit.
      agree: gives all workers the time of one, so that they do the same at each step.
    """

    def __init__(
        self,
        progress: Progress,
        max_minutes: float = 0,
        agree: Callable[[float], float] = float,
    ):
        super().__init__()
        self._agree = agree
        self._progress = progress
        self._max_minutes = max_minutes
        self._last = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts to count."""
        self._last = time.perf_counter()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Counts the step."""
        now = time.perf_counter()
        self._progress.step.assign_add(1)
        spent = float(self._progress.seconds) + now - self._last
        self._progress.seconds.assign(self._agree(spent))
        self._last = now
        if out_of_time(self._progress, self._max_minutes):
            self.model.stop_training = True


def out_of_time(progress: Progress, max_minutes: float) -> bool:
    """Whether a run has trained for `max_minutes`; never where they are 0."""
    return 0 < 60 * max_minutes <= float(progress.seconds)
