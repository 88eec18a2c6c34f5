"""Counts steps and seconds, ends a run that is out of time."""

from __future__ import annotations

import time

import keras

from deepresolve.training.progress import Progress
from deepresolve.training.workers import Agreement


class Clock(keras.callbacks.Callback):
    """Keeps a `Progress` up to date while the model trains.

    Time between epochs (validation, checkpoints) does not count.

    Args:
      progress: counters to advance, perhaps restored from a checkpoint.
      max_minutes: stop after this much training time; 0 for no limit.
      agree: gives all workers the time of one, so that they do the same at each step.
    """

    def __init__(
        self, progress: Progress, max_minutes: float = 0, agree: Agreement = float
    ):
        super().__init__()
        self._agree = agree
        self._progress = progress
        self._max_seconds = 60 * max_minutes
        self._last = 0.0

    @property
    def out_of_time(self) -> bool:
        """Whether the run has trained for `max_minutes`."""
        spent = float(self._progress.seconds)
        return 0 < self._max_seconds <= spent

    def on_epoch_begin(self, epoch, logs=None):
        """Starts to count."""
        self._last = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """Counts the step."""
        now = time.perf_counter()
        self._progress.step.assign_add(1)
        spent = float(self._progress.seconds) + now - self._last
        self._progress.seconds.assign(self._agree(spent))
        self._last = now
        if self.out_of_time:
            self.model.stop_training = True
