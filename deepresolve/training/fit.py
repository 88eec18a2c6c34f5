"""Trains one network and keeps its workdir; resumes where a killed run stopped."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from deepresolve import interruption, networks
from deepresolve.config import Config
from deepresolve.interruption import Interrupted
from deepresolve.networks import cost
from deepresolve.pipeline.dataset import count_steps_per_epoch, training_dataset
from deepresolve.training import callbacks as training_callbacks
from deepresolve.training import random_state, replicas, workers
from deepresolve.training.callbacks.volume_validation import validation_blocks
from deepresolve.training.data import TrainingData, check_data
from deepresolve.training.devices import build_strategy, resolve_precision
from deepresolve.training.messages import say_interrupted, say_size, say_where
from deepresolve.training.optimizers import build_optimizer, create_variables
from deepresolve.training.progress import Progress
from deepresolve.training.provenance import check_same_records, provenance
from deepresolve.training.resuming import finish_epoch
from deepresolve.training.validation import VALIDATIONS, Block, Metrics
from deepresolve.workdir import Workdir

_logger = logging.getLogger(__name__)


def fit(
    config: Config,
    data: TrainingData,
    workdir: Workdir,
    metrics: Metrics,
    verbose: int = 1,
) -> keras.Model:
    """Trains the network that `config` describes, from the workdir's last checkpoint.

    Args:
      config: the run; must be the one the workdir was started with.
      data: training volumes and validation scans.
      workdir: where checkpoints, weights and curves go.
      metrics: measured on validation blocks, by name: of images for super-resolution,
        where "psnr" picks the best weights, of masks for segmentation, where the mean
        "dsc" of the classes does.
      verbose: as in keras.Model.fit: 0 silent, 1 progress bar, 2 a line an epoch.

    Returns:
      The network with the weights of the last step.

    Raises:
      ValueError: the data cannot be trained or validated on as `config` asks, the
        workdir holds a run with another config or on other records, or the training
        diverged.
      OSError: the workdir cannot be written, and its last checkpoint stays; or other
        workers do not come.
      Interrupted: SIGTERM or SIGINT came while it trained; the step was finished, and
        what is done is saved.
    """
    # Workers must join before TensorFlow does anything else.
    worker = workers.this_worker(config)
    strategy = build_strategy(config)
    agree = workers.agreement(strategy, worker)
    # Everything that can be refused is refused before anything is written.
    check_data(config, data)
    check_same_records(workdir, data)
    blocks = _checked_blocks(config, data, metrics)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    # Never 0, which Dataset.shuffle cannot compare with a seed that is a tensor.
    keras.utils.set_random_seed(config.seed + 1)
    precision = resolve_precision(config)
    replicas.check_precision(precision, strategy)
    with strategy.scope():
        model = _compiled_model(config, precision)
    with workers.own_workdir(workdir, worker) as own:
        run = _restored_run(config, data, workdir, own, model, agree)
        workers.require_same_run(
            agree, worker, config, data.sha256, int(run.progress.step)
        )
        if run.is_complete:
            _say_complete(own, model, agree)
            return model
        say_size(model, config, run.throughput.flop_per_voxel)
        say_where(workdir, config, run.progress, run.steps_per_epoch)
        own.add_provenance(provenance(config, data, precision, strategy))
        with interruption.held_back() as stop:
            check = functools.partial(stop.check, agree)
            ends = [
                *_validation_callbacks(blocks, metrics, config, own, check),
                *(run.checkpoint, _tensorboard(own)),
            ]
            try:
                finish_epoch(model, run.progress, run.steps_per_epoch, ends)
                steps = _step_callbacks(config, model, run, check)
                verbose = verbose if worker.is_chief else 0
                _train(config, data, model, run, [*steps, *ends], verbose, worker)
            except Interrupted as interrupted:
                run.checkpoint.save_interrupted()
                say_interrupted(workdir, run.progress, interrupted)
                agree(0.0)
                raise
        agree(0.0)  # No worker leaves while another still needs it to save.
    _logger.info("%s", run.throughput.summary())
    return model


class _Run(NamedTuple):
    """Where a run stands, and what keeps count of it."""

    progress: Progress
    steps_per_epoch: int
    spans: Sequence[tuple[range, int]]
    clock: training_callbacks.Clock
    throughput: training_callbacks.Throughput
    checkpoint: training_callbacks.Checkpoint

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to train or to validate."""
        trained = self.clock.out_of_time or not self.spans
        return trained and not bool(self.progress.awaits_validation)


def _restored_run(
    config: Config,
    data: TrainingData,
    workdir: Workdir,
    own: Workdir,
    model: keras.Model,
    agree: workers.Agreement,
) -> _Run:
    """Claims the workdir and fills `model` from its last checkpoint, if it has one."""
    own.start(config)
    progress = Progress()
    steps_per_epoch = count_steps_per_epoch(data.shapes.values(), config)
    checkpoint = training_callbacks.Checkpoint(
        own,
        model,
        progress,
        steps_per_epoch,
        config.checkpoint_minutes,
        monitor=f"val_{VALIDATIONS[config.task].monitor}",
        agree=agree,
    )
    checkpoint.restore(workdir)
    clock = training_callbacks.Clock(progress, config.max_minutes, agree)
    flop_per_voxel = cost.flop_per_voxel(model, config.patch_shape)
    throughput = training_callbacks.Throughput(progress, config, flop_per_voxel)
    spans = _spans(int(progress.step), steps_per_epoch, config.num_epochs)
    return _Run(progress, steps_per_epoch, spans, clock, throughput, checkpoint)


def _train(
    config: Config,
    data: TrainingData,
    model: keras.Model,
    run: _Run,
    callbacks: Sequence[keras.callbacks.Callback],
    verbose: int,
    worker: workers.Worker,
) -> None:
    """Trains from where the run stands to its end."""
    for epochs, steps in run.spans:
        if run.clock.out_of_time:
            break
        batches = training_dataset(
            data.volumes,
            config,
            label_names=data.label_names,
            steps_per_epoch=run.steps_per_epoch,
            first_step=int(run.progress.step),
            part=worker,
        )
        model.fit(
            workers.share(batches, model.distribute_strategy, worker),
            initial_epoch=epochs.start,
            epochs=epochs.stop,
            steps_per_epoch=steps,
            shuffle=False,
            callbacks=callbacks,
            verbose=verbose,
        )


def _step_callbacks(
    config: Config, model: keras.Model, run: _Run, check: Callable[[], None]
) -> list[keras.callbacks.Callback]:
    """What goes with each step; comes before what an epoch ends with.

    So logs are checked and filled before they are saved, and a step that is interrupted
    is saved once, by `fit`.
    """
    total_steps = run.steps_per_epoch * config.num_epochs
    callbacks = [
        _schedule(config, run.progress, total_steps),
        *(run.clock, run.throughput, training_callbacks.Divergence(run.progress)),
    ]
    if isinstance(model.optimizer, keras.mixed_precision.LossScaleOptimizer):
        callbacks.append(training_callbacks.LossScale(run.progress))
    return [
        *callbacks,
        keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: check()),
    ]


def _compiled_model(config: Config, precision: str) -> keras.Model:
    with random_state.kept_in_variables():
        model = networks.build_model(config, precision)
    strategy = tf.distribute.get_strategy()
    optimizer = build_optimizer(config, precision)
    replicas.clip_whole_gradient(optimizer, strategy)
    loss = networks.build_loss(config)
    replicas.weigh_patches_alike(loss, strategy, config)
    # XLA's convolutions are several times slower on CPUs.
    model.compile(optimizer, loss, jit_compile=False)
    create_variables(model.optimizer, model.trainable_variables)
    replicas.mend_fit(model, strategy, config)
    return model


def _schedule(
    config: Config, progress: Progress, total_steps: int
) -> keras.callbacks.Callback:
    if config.schedule == "step":
        return training_callbacks.StepDecay(
            config.learning_rate, config.drop, config.epochs_per_drop
        )
    return training_callbacks.Schedule(config, progress, total_steps)


def _say_complete(
    workdir: Workdir, model: keras.Model, agree: workers.Agreement
) -> None:
    """Says so, and writes the weights that someone has removed."""
    _logger.info("The run in %s is complete.", workdir.path)
    for name in ("last", "best"):
        if not agree(workdir.has_model(name)):
            _logger.warning("%s.keras is missing: writing the last weights.", name)
            workdir.save_model(model, name)


def _spans(
    step: int, steps_per_epoch: int, num_epochs: int
) -> Sequence[tuple[range, int]]:
    """Epochs still to do and steps in each: first what is left of a broken one."""
    epoch, done = divmod(step, steps_per_epoch)
    spans = []
    if done and epoch < num_epochs:
        spans.append((range(epoch, epoch + 1), steps_per_epoch - done))
        epoch += 1
    if epoch < num_epochs:
        spans.append((range(epoch, num_epochs), steps_per_epoch))
    return spans


def _checked_blocks(
    config: Config, data: TrainingData, metrics: Metrics
) -> list[Block]:
    """Validation blocks that can be measured."""
    blocks = validation_blocks(data.validation, config, data.label_names)
    if blocks:
        task = VALIDATIONS[config.task]
        _logger.info("%s", task.describe(blocks, metrics, config))
    elif config.validation_volumes:
        _logger.warning("No validation volumes: the last weights count as the best.")
    return blocks


def _validation_callbacks(
    blocks: Sequence[Block],
    metrics: Metrics,
    config: Config,
    workdir: Workdir,
    check: Callable[[], None],
) -> list[keras.callbacks.Callback]:
    if not blocks:
        return []
    images = workdir.join("tensorboard", "images")
    return [training_callbacks.VolumeValidation(blocks, metrics, config, images, check)]


def _tensorboard(workdir: Workdir) -> keras.callbacks.TensorBoard:
    return keras.callbacks.TensorBoard(workdir.tensorboard, write_graph=False)
