"""Saves all that a killed run needs to go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from deepresolve.runs.workdir import Workdir
from deepresolve.training.callbacks.watch import check_weights
from deepresolve.training.progress import Progress
from deepresolve.training.resuming.random_state import random_state
from deepresolve.training.resuming.saved_states import SavedStates


class Checkpoint(keras.callbacks.Callback):
    """Saves weights, optimizer, what dropout draws next, and progress; restores them.

    Keras's BackupAndRestore keeps neither our counters nor dropout's state nor, in
    Keras 3, the step within an epoch. A kill at any moment leaves a checkpoint that is
    whole (`saved_states`).

    Saves at the end of each epoch, and within an epoch every `minutes`. At the end of
    an epoch it first writes last.keras, and best.keras when the score rose, so that a
    checkpoint of a complete run never lacks them.

    Args:
      workdir: where to.
      model: made inside `random_state.kept_in_variables` and compiled, its optimizer's
        variables created: a checkpoint fills none that is not there.
      progress: the run's counters.
      steps_per_epoch: batches of a whole epoch.
      minutes: longest training time between two checkpoints.
      monitor: name of the score in the logs, higher is better; without it in the logs,
        the last weights count as best.
      agree: gives all workers the score of one, so that they save the same.
    """

    def __init__(
        self,
        workdir: Workdir,
        model: keras.Model,
        progress: Progress,
        steps_per_epoch: int,
        minutes: float,
        monitor: str,
        agree: Callable[[float], float] = float,
    ):
        super().__init__()
        self._workdir = workdir
        self._progress = progress
        self._steps_per_epoch = steps_per_epoch
        self._seconds = 60 * minutes
        self._monitor = monitor
        self._agree = agree
        self._saved_at = 0.0
        self._states = SavedStates(
            tf.train.Checkpoint(
                model=model,
                optimizer=model.optimizer,
                progress=progress,
                random_state=random_state(model),
            )
        )

    def restore(self, workdir: Workdir) -> bool:
        """Fills all that is saved in `workdir`; False if there is nothing to restore.

        It is the folder that is written to, but for workers other than the chief.

        Raises:
          ValueError: there are checkpoints of which none can be restored, or trained
            weights without any.
          OSError: a checkpoint cannot be read.
        """
        if not self._states.restore(workdir.checkpoints):
            workdir.check_untrained()
            return False
        self._saved_at = float(self._progress.seconds)
        return True

    def save_interrupted(self) -> None:
        """Saves where a run stands that is to end at once.

        Raises:
          ValueError: it has diverged.
          OSError: the checkpoint cannot be written; the one before stays.
        """
        check_weights(self.model, self._progress)
        if self._epoch_is_trained:
            self._progress.awaits_validation.assign(True)
        self._save()

    @property
    def _epoch_is_trained(self) -> bool:
        """Whether no step of the epoch is left to do."""
        is_last = int(self._progress.step) % self._steps_per_epoch == 0
        return is_last or self.model.stop_training

    def _save(self) -> None:
        self._workdir.check_claim()
        self._states.save(self._workdir.checkpoints)
        self._saved_at = float(self._progress.seconds)

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Saves when the last checkpoint is `minutes` old, but for the last step.

        The epoch is not done before it is validated; `on_epoch_end` saves it then.
        """
        if self._epoch_is_trained:
            return
        if float(self._progress.seconds) - self._saved_at >= self._seconds:
            check_weights(self.model, self._progress)
            self._save()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves the state, the last weights and, where they are, the best."""
        self._workdir.check_claim()
        if not self._states.has_any:
            # Of weights without a checkpoint nobody could tell which run they end.
            self._progress.awaits_validation.assign(True)
            self._save()
        score = (logs or {}).get(self._monitor)
        if score is not None:
            score = self._agree(score)
        if score is None or score > float(self._progress.best):
            self._progress.best.assign(score if score is not None else -float("inf"))
            self._workdir.save_model(self.model, "best")
        self._workdir.save_model(self.model, "last")
        self._progress.awaits_validation.assign(False)
        self._save()
