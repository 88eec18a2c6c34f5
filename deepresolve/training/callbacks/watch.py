"""What stops a run that has diverged."""

from __future__ import annotations

import keras
import tensorflow as tf

from deepresolve.training.progress import Progress


class Watch(keras.callbacks.Callback):
    """A callback that may find the run diverged; abstract.

    Args:
      progress: the run's counters, already advanced to the step that is checked.
    """

    def __init__(self, progress: Progress):
        super().__init__()
        self._progress = progress


def diverged(progress: Progress, what: str, cure: str) -> ValueError:
    """The error that says so.

    Args:
      progress: tells the step.
      what: is not finite, as the end of a sentence about the training: "its ...".
      cure: what to start again with.
    """
    return ValueError(
        f"Training diverged at step {int(progress.step)}: its {what}. Start again in "
        f"another --workdir with {cure}; the last checkpoint is from before."
    )


def check_weights(model: keras.Model, progress: Progress) -> None:
    """ValueError unless all weights are finite, running statistics among them."""
    if not all(
        bool(tf.reduce_all(tf.math.is_finite(variable))) for variable in model.weights
    ):
        raise not_finite(progress)


def not_finite(progress: Progress) -> ValueError:
    """The error of a loss or of weights that are not finite."""
    return diverged(
        progress,
        "loss or weights are not finite",
        "a lower --learning_rate, or --precision=float32",
    )
