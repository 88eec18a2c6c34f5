"""A learning rate that falls in steps between epochs."""

from __future__ import annotations

from typing import Any

import keras


class StepDecay(keras.callbacks.Callback):
    """Takes a share of the learning rate away after every few completed epochs.

    rate = initial_rate * (1 - drop) ** (completed epochs // epochs_per_drop)

    The rate is a function of the epoch's number alone, so a run that is resumed, also
    in the middle of an epoch, goes on with the very rates it would have had. Each
    epoch's rate is added to its logs as "learning_rate".

    Example, the schedule of the abstract: 0.001 in the epochs 0 to 4, 0.0004 in the
    epochs 5 to 9, 0.00016 in the epochs 10 to 14, ...

        model.fit(..., epochs=50, callbacks=[StepDecay(0.001, 0.6, 5)])

    Args:
      initial_rate: learning rate of the first epochs.
      drop: share of the rate that each step takes away, 0 to 1. "60% drop" is 0.6: the
        rate is multiplied by 0.4.
      epochs_per_drop: epochs between two steps.

    Raises:
      ValueError: an argument is out of range.
    """

    def __init__(self, initial_rate: float, drop: float, epochs_per_drop: int):
        super().__init__()
        if initial_rate < 0 or not 0 <= drop <= 1 or epochs_per_drop < 1:
            raise ValueError(
                "StepDecay needs initial_rate of at least 0, drop from 0 to 1 and "
                f"epochs_per_drop of at least 1; got {initial_rate}, {drop} and "
                f"{epochs_per_drop}."
            )
        self._initial_rate = initial_rate
        self._drop = drop
        self._epochs_per_drop = epochs_per_drop

    def rate_at(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        return self._initial_rate * (1 - self._drop) ** (epoch // self._epochs_per_drop)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Sets the rate of the epoch."""
        self.model.optimizer.learning_rate = self.rate_at(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the rate to the logs."""
        if logs is not None:
            logs["learning_rate"] = self.rate_at(epoch)
