"""Stops a run whose numbers are no longer finite."""

from __future__ import annotations

import math
from typing import Any

from deepresolve.training.callbacks.watch import Watch, check_weights, not_finite


class Divergence(Watch):
    """Raises ValueError when the loss or, at an epoch's end, a weight is not finite.

    Keras's TerminateOnNaN ends the training as if it were complete.
    """

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Checks the mean loss of the epoch so far."""
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            raise not_finite(self._progress)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Checks the weights, which the last step may have spoiled."""
        check_weights(self.model, self._progress)
