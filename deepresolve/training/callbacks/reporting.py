"""What a training shows of itself while it runs.

In the place of Keras's bar, which ends at 200 of 200 steps though time ended the epoch
after 106, and fills a log with backspaces where there is no terminal.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import keras

from deepresolve.system import progress_bar
from deepresolve.training.progress import Progress

_logger = logging.getLogger(__name__)


class StepBar(keras.callbacks.Callback):
    """Counts the steps of each epoch; says where time ended one before its last step.

    It comes before what an epoch ends with, and is closed whatever ends a training:

        with contextlib.closing(StepBar(...)) as bar:
            model.fit(..., callbacks=[bar, ...])

    Args:
      progress: the run's counters.
      steps_per_epoch: batches of a whole epoch.
      num_epochs: of the run.
      hidden: show and say nothing.
    """

    def __init__(
        self, progress: Progress, steps_per_epoch: int, num_epochs: int, hidden: bool
    ):
        super().__init__()
        self._progress = progress
        self._steps = steps_per_epoch
        self._num_epochs = num_epochs
        self._hidden = hidden
        self._shown = contextlib.ExitStack()
        self._bar = progress_bar.Bar()

    def close(self) -> None:
        """Shows no more."""
        self._shown.close()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begins to count, after the steps that an earlier start did."""
        self._bar = self._shown.enter_context(
            progress_bar.shown(
                f"epoch {epoch + 1} of {self._num_epochs}",
                self._steps,
                "step",
                done=int(self._progress.step) % self._steps,
                hidden=self._hidden,
            )
        )

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Counts a step."""
        loss = (logs or {}).get("loss")
        self._bar.update(1, "" if loss is None else f"loss {loss:.4g}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Ends the count."""
        self.close()
        if self._bar.done < self._steps and not self._hidden:
            _logger.info(
                "Epoch %d stopped after %d of %d steps: --max_minutes is over.",
                epoch + 1,
                self._bar.done,
                self._steps,
            )


class EpochLine(keras.callbacks.Callback):
    """A line on each epoch: its loss and scores. Comes after what measures them.

    Args:
      num_epochs: of the run.
    """

    def __init__(self, num_epochs: int):
        super().__init__()
        self._num_epochs = num_epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Says it."""
        told = ", ".join(
            f"{name} {value:.4g}"
            for name, value in (logs or {}).items()
            if name == "loss" or name.startswith("val_")
        )
        _logger.info("Epoch %d of %d: %s.", epoch + 1, self._num_epochs, told)
