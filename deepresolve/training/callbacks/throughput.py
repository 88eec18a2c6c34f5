"""How fast a training is, and how long its steps wait for data."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras

from deepresolve.config import Config
from deepresolve.networks.cost import FORWARD_PASSES_PER_STEP
from deepresolve.system.keras_stack import step_on
from deepresolve.training.progress import Progress


class _Count(NamedTuple):
    """Steps, seconds spent on them, and seconds of these that they waited for data."""

    steps: int = 0
    seconds: float = 0.0
    waited: float = 0.0

    def plus(self, other: _Count) -> _Count:
        return _Count(
            self.steps + other.steps,
            self.seconds + other.seconds,
            self.waited + other.waited,
        )

    def since(self, other: _Count) -> _Count:
        return _Count(
            self.steps - other.steps,
            self.seconds - other.seconds,
            self.waited - other.waited,
        )


class Throughput(keras.callbacks.Callback):
    """Adds speed and waiting to the epoch's logs, and sums them up at the end.

    | in the logs | meaning |
    |---|---|
    | steps_per_second, patches_per_second | steps, and patches of them, of one second |
    | gflop_per_second | 10^9 operations of the convolutions in one second |
    | data_wait_percent | share of the time in which a step had no data to work on |

    A step counts as three forward passes. Time is a `Progress`'s: all between the start
    of an epoch and the end of its last step, checkpoints within included; not what lies
    between epochs.

    Waiting is measured, not estimated. By itself Keras takes a batch from tf.data in
    the compiled step, out of sight; this callback takes it just before and hands it in,
    and a wait is the time from asking tf.data to having the batch, which with several
    devices is then on them. The loss is read after each step, so none is still at work
    meanwhile.

    Args:
      progress: the run's counters, already advanced when a step ends.
      config: uses batch_size and patch_shape.
      flop_per_voxel: operations of one forward pass.

    Attributes:
      flop_per_voxel: as given.
    """

    def __init__(self, progress: Progress, config: Config, flop_per_voxel: float):
        super().__init__()
        self.flop_per_voxel = flop_per_voxel
        self._progress = progress
        self._batch_size = config.batch_size
        voxels = config.batch_size * math.prod(config.patch_shape)
        self._gflop = FORWARD_PASSES_PER_STEP * flop_per_voxel * voxels / 1e9
        self._waited = 0.0
        self._train_function: Any = None
        self._is_first_step = True
        self._epoch_start = self._count()
        self._total = self._start_up = _Count()

    def _count(self) -> _Count:
        progress = self._progress
        return _Count(int(progress.step), float(progress.seconds), self._waited)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Takes the batches out of Keras's step."""
        self._train_function = self.model.train_function
        self._is_first_step = True
        self.model.train_function = self._timed_step

    def _timed_step(self, batches: Iterator[Any]) -> Any:
        start = time.perf_counter()
        batch = next(batches)
        self._waited += time.perf_counter() - start
        return step_on(self._train_function, batch)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Gives Keras its step back."""
        self.model.train_function = self._train_function

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts to count."""
        self._epoch_start = self._count()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Counts the first step by itself: it traces, and waits for the first data."""
        if self._is_first_step:
            self._is_first_step = False
            first = self._count().since(self._epoch_start)
            self._start_up = self._start_up.plus(first)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds speed and waiting to the logs."""
        spent = self._count().since(self._epoch_start)
        self._total = self._total.plus(spent)
        if logs is not None and spent.seconds > 0:
            logs.update(self._rates(spent))

    def _rates(self, spent: _Count) -> dict[str, float]:
        steps_per_second = spent.steps / spent.seconds
        return {
            "steps_per_second": steps_per_second,
            "patches_per_second": steps_per_second * self._batch_size,
            "gflop_per_second": steps_per_second * self._gflop,
            "data_wait_percent": 100 * spent.waited / spent.seconds,
        }

    def summary(self) -> str:
        """One line on all epochs since this callback was made."""
        first, rest = self._start_up, self._total.since(self._start_up)
        text = (
            f"Trained {self._total.steps:,} steps in {self._total.seconds:.1f} s, the "
            f"first after {first.seconds:.1f} s ({first.waited:.1f} s waiting for data)"
        )
        if rest.seconds <= 0:
            return f"{text}."
        rates = self._rates(rest)
        return (
            f"{text}; since then {rates['steps_per_second']:.2f} steps/s, "
            f"{rates['patches_per_second']:.1f} patches/s, "
            f"{rates['gflop_per_second']:,.1f} GFLOP/s (a step is "
            f"{FORWARD_PASSES_PER_STEP} forward passes), "
            f"{rates['data_wait_percent']:.2f}% of the time waiting for data."
        )
