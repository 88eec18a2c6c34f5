"""What a run does between its last checkpoint and its next step."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import keras

from deepresolve.training.progress import Progress

_logger = logging.getLogger(__name__)


def finish_epoch(
    model: keras.Model,
    progress: Progress,
    steps_per_epoch: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Makes up for the end of an epoch that a signal cut off.

    The loss and the speed of its steps are lost; its scores and weights are not.

    Args:
      model: with the weights after the last step of the epoch.
      progress: of the run.
      steps_per_epoch: batches of a whole epoch.
      callbacks: what an epoch ends with: they validate, save and show.
    """
    if not bool(progress.awaits_validation):
        return
    epoch = (int(progress.step) - 1) // steps_per_epoch
    _logger.info("Epoch %d is trained: validating it.", epoch + 1)
    end = keras.callbacks.CallbackList(callbacks, model=model)
    end.on_train_begin()
    end.on_epoch_end(epoch, {})
    end.on_train_end()
