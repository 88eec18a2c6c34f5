"""Trains one network and keeps its workdir; resumes where a killed run stopped."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Sequence

import keras
import numpy as np

from deepresolve.config import Config
from deepresolve.pipeline.dataset import training_dataset
from deepresolve.runs import training_set
from deepresolve.runs.workdir import Workdir
from deepresolve.system import interruption, progress_bar
from deepresolve.system.interruption import Interrupted
from deepresolve.training import callbacks as training_callbacks
from deepresolve.training import initial, workers
from deepresolve.training.callbacks.volume_validation import validation_blocks
from deepresolve.training.compiling import compiled_model
from deepresolve.training.data import TrainingData
from deepresolve.training.devices import (
    build_strategy,
    compute_deterministically,
    resolve_precision,
)
from deepresolve.training.messages import (
    say_interrupted,
    say_size,
    say_trained,
    say_where,
)
from deepresolve.training.progress import Progress
from deepresolve.training.provenance import check_same_records, provenance
from deepresolve.training.resuming import saved_states
from deepresolve.training.resuming.unfinished import finish_epoch, replace_lost_weights
from deepresolve.training.run import Run, restored_run
from deepresolve.training.stopping import Stopping
from deepresolve.training.trainable import Trainable
from deepresolve.training.validation import Block, Validation

_logger = logging.getLogger(__name__)


def fit(
    task: Trainable,
    config: Config,
    data: TrainingData,
    workdir: Workdir,
    verbose: int = 1,
    start: Sequence[np.ndarray] | None = None,
) -> keras.Model:
    """Trains the network that `config` describes, from the workdir's last checkpoint.

    Args:
      task: what the network learns; its validation picks the best weights.
      config: the run; must be the one the workdir was started with.
      data: training volumes and validation scans.
      workdir: where checkpoints, weights and curves go.
      verbose: 0 silent, 1 also a bar in a terminal, or lines in
        a log, 2 a line an epoch.
      start: weights of a run's first step; None: fresh ones.

    Returns:
      The network with the weights of the last step.

    Raises:
      ValueError: the data cannot be trained or validated on as `config` asks, the
        workdir holds a run with another config, on other records or without a
        checkpoint that can be restored, or the training diverged.
      OSError: the workdir cannot be written, and its last checkpoint stays; another
        training writes it (locking.InUseError); or other workers do not come.
      Interrupted: SIGTERM or SIGINT came while it trained; the step was finished, and
        what is done is saved.
    """
    # Before TensorFlow does anything else; then workers must join.
    if config.deterministic:
        compute_deterministically()
    worker = workers.this_worker(config)
    strategy = build_strategy(config)
    agreement = workers.Agreement(strategy, worker)
    with workers.own_workdir(workdir, worker) as own:
        pairs = task.checked_pairs(config, data)
        check_same_records(workdir, data)
        validation = task.validation(config, data.label_names)
        blocks = _checked_blocks(validation, data)
        # Never 0, which Dataset.shuffle cannot compare with a seed that is a tensor.
        keras.utils.set_random_seed(config.seed + 1)
        precision = resolve_precision(config)
        model = compiled_model(pairs, precision, strategy)
        if start is not None:
            model.set_weights(start)
        elif config.init and not saved_states.are_in(workdir.checkpoints):
            initial.take_over(model, config)
        run = restored_run(
            pairs, validation, data, model, workdir, own, worker, agreement
        )
        step = int(run.progress.step)
        workers.require_same_run(agreement, worker, config, data.sha256, step)
        if worker.is_chief:
            _record_training_set(task, config, data, workdir)
        replace_lost_weights(run)
        if run.is_complete:
            _logger.info("The run in %s is complete.", run.own.path)
            say_trained(run, blocks)
            return model
        say_size(model, config, run.throughput.flop_per_voxel)
        say_where(workdir, config, run.progress, run.steps_per_epoch)
        own.add_provenance(provenance(task, config, data, precision, strategy))
        _train_to_the_end(run, blocks, verbose)
    _logger.info("%s", run.throughput.summary())
    say_trained(run, blocks)
    return model


def _record_training_set(
    task: Trainable, config: Config, data: TrainingData, workdir: Workdir
) -> None:
    """What the scans are like, for reports on what is predicted."""
    scans = progress_bar.each(data.scans, "training set", None, "scan")
    seen = functools.partial(task.seen, config)
    training_set.record(workdir, seen, scans, len(data.shapes), data.sha256)


def _train_to_the_end(run: Run, blocks: Sequence[Block], verbose: int) -> None:
    """Does what is left of a run; where a signal ends it before, saves it first."""
    with interruption.held_back() as signals:
        stopping = Stopping(run.agreement, signals)
        ends = _end_callbacks(run, blocks, stopping)
        shows = verbose if run.worker.is_chief else 0
        bar = training_callbacks.StepBar(
            *(run.progress, run.steps_per_epoch, run.config.num_epochs),
            hidden=shows != 1,
        )
        if shows:
            ends.append(training_callbacks.EpochLine(run.config.num_epochs))
        try:
            finish_epoch(run.model, run.progress, run.steps_per_epoch, ends)
            with contextlib.closing(bar):
                _train(run, [bar, *_step_callbacks(run, stopping), *ends])
        except Interrupted as interrupted:
            run.checkpoint.save_interrupted()
            say_interrupted(run.workdir, run.progress, interrupted)
            run.agreement.wait()
            raise
    run.agreement.wait()  # No worker leaves while another still needs it to save.


def _train(run: Run, callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Trains from where the run stands to its last step."""
    for epochs, steps in run.spans:
        if run.is_out_of_time:
            break
        batches = training_dataset(
            run.data.volumes,
            run.pairs,
            steps_per_epoch=run.steps_per_epoch,
            first_step=int(run.progress.step),
            part=run.worker,
        )
        run.model.fit(
            workers.share(batches, run.model.distribute_strategy, run.worker),
            initial_epoch=epochs.start,
            epochs=epochs.stop,
            steps_per_epoch=steps,
            shuffle=False,
            callbacks=callbacks,
            verbose=0,
        )


def _step_callbacks(run: Run, stopping: Stopping) -> list[keras.callbacks.Callback]:
    """What goes with each step; comes before what an epoch ends with.

    So logs are checked and filled before they are saved, and a step that is interrupted
    is saved once, by `_train_to_the_end`.
    """
    callbacks = [
        _schedule(run.config, run.progress, run.steps_per_epoch),
        training_callbacks.Clock(run.progress, run.config.max_minutes, stopping.agree),
        run.throughput,
        training_callbacks.Divergence(run.progress),
    ]
    if isinstance(run.model.optimizer, keras.mixed_precision.LossScaleOptimizer):
        callbacks.append(training_callbacks.LossScale(run.progress))
    stop = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: stopping.check()
    )
    return [*callbacks, stop]


def _schedule(
    config: Config, progress: Progress, steps_per_epoch: int
) -> keras.callbacks.Callback:
    if config.schedule == "step":
        return training_callbacks.StepDecay(
            config.learning_rate, config.drop, config.epochs_per_drop
        )
    total_steps = steps_per_epoch * config.num_epochs
    return training_callbacks.Schedule(config, progress, total_steps)


def _end_callbacks(
    run: Run, blocks: Sequence[Block], stopping: Stopping
) -> list[keras.callbacks.Callback]:
    """What an epoch ends with: validated where there are blocks, saved and shown."""
    callbacks = [
        run.checkpoint,
        keras.callbacks.TensorBoard(run.own.tensorboard, write_graph=False),
    ]
    if not blocks:
        return callbacks
    images = run.own.join("tensorboard", "images")
    validation = training_callbacks.VolumeValidation(
        blocks, run.validation, images, stopping.agree_and_check
    )
    return [validation, *callbacks]


def _checked_blocks(validation: Validation, data: TrainingData) -> list[Block]:
    """Validation blocks that can be measured.

    Everything that can be refused is refused before anything is written.
    """
    scans = progress_bar.each(data.validation, "validation set", None, "scan")
    blocks = validation_blocks(scans, validation)
    if blocks:
        _logger.info("%s", validation.describe(blocks))
    elif validation.config.validation_volumes:
        _logger.warning("No validation volumes: the last weights count as the best.")
    return blocks
