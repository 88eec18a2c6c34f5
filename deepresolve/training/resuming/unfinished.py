"""What a run does between its last checkpoint and its next step."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import keras

from deepresolve.training.progress import Progress
from deepresolve.training.run import Run

_logger = logging.getLogger(__name__)


def replace_lost_weights(run: Run) -> None:
    """Sees that best.keras and last.keras come back where someone has removed them.

    Those that are damaged, too. last.keras is what the last checkpoint holds, where an
    epoch has ended there. Of the best weights there is no other copy: those that the
    run goes on from are validated, and count as the best until better ones come.

    Raises:
      OSError: they cannot be written.
    """
    step = int(run.progress.step)
    is_end = run.is_complete or (step > 0 and step % run.steps_per_epoch == 0)
    awaited = bool(run.progress.awaits_validation) and step <= run.steps_per_epoch
    if awaited or (step < run.steps_per_epoch and not is_end):
        return  # The first epoch writes them.
    best, last = (
        bool(run.agreement.chiefs(run.own.has_whole_model(name)))
        for name in ("best", "last")
    )
    if not last and is_end:
        _logger.warning("last.keras is missing or damaged: it is written again.")
        run.own.save_model(run.model, "last")
    if not best:
        _logger.warning(
            "best.keras is missing or damaged, and there is no other copy: the best "
            "weights from step %d on take its place.",
            step,
        )
        run.progress.best.assign(-float("inf"))
        if is_end:
            run.progress.awaits_validation.assign(True)


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
