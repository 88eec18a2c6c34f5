"""Stops a run whose numbers are no longer finite."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from deepresolve.training.progress import Progress


class Divergence(keras.callbacks.Callback):
    """Raises ValueError when the loss or, at an epoch's end, a weight is not finite.

    Keras's TerminateOnNaN ends the training as if it were complete.

    Args:
      progress: the run's counters, already advanced to the step that is checked.
    """

    def __init__(self, progress: Progress):
        super().__init__()
        self._progress = progress

    def on_train_batch_end(self, batch, logs=None):
        """Checks the mean loss of the epoch so far."""
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            raise ValueError(_message(self._progress))

    def on_epoch_end(self, epoch, logs=None):
        """Checks the weights, which the last step may have spoiled."""
        check_weights(self.model, self._progress)


def check_weights(model: keras.Model, progress: Progress) -> None:
    """ValueError unless all weights are finite, running statistics among them."""
    if not all(
        bool(tf.reduce_all(tf.math.is_finite(variable))) for variable in model.weights
    ):
        raise ValueError(_message(progress))


def _message(progress: Progress) -> str:
    return (
        f"Training diverged at step {int(progress.step)}: its loss or weights are not "
        "finite. Start again in another --workdir with a lower --learning_rate; the "
        "last checkpoint is from before."
    )
