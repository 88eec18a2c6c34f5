"""Trains one network and keeps its workdir; resumes where a killed run stopped."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import deepresolve
from deepresolve import networks
from deepresolve.config import Config
from deepresolve.pipeline.dataset import count_steps_per_epoch, training_dataset
from deepresolve.training import callbacks as training_callbacks
from deepresolve.training.callbacks.volume_validation import (
    Block,
    mean_scores,
    validation_blocks,
)
from deepresolve.training.data import TrainingData, check_data
from deepresolve.training.devices import build_strategy, resolve_precision
from deepresolve.training.optimizers import build_optimizer
from deepresolve.training.progress import Progress
from deepresolve.workdir import Workdir

_logger = logging.getLogger(__name__)

Metrics = Mapping[str, Callable[..., float]]


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
      metrics: measured on validation blocks, by name; "psnr" picks the best weights.
      verbose: as in keras.Model.fit: 0 silent, 1 progress bar, 2 a line an epoch.

    Returns:
      The network with the weights of the last step.

    Raises:
      ValueError: the data cannot be trained or validated on as `config` asks, the
        workdir holds a run with another config or on other records, or the training
        diverged.
      OSError: the workdir cannot be written; its last checkpoint stays.
    """
    # Everything that can be refused is refused before anything is written.
    check_data(config, data)
    _check_same_records(workdir, data)
    blocks = _checked_blocks(config, data, metrics)
    # Never 0, which Dataset.shuffle cannot compare with a seed that is a tensor.
    keras.utils.set_random_seed(config.seed + 1)
    strategy = build_strategy(config)
    precision = resolve_precision(config)
    with strategy.scope():
        model = _compiled_model(config, precision)
        run = _restored_run(config, data, workdir, model)
    if run.clock.out_of_time or not run.spans:
        _say_complete(workdir, model)
        return model
    workdir.add_provenance(_provenance(config, data, precision, strategy))
    watchers = _validation_callbacks(blocks, metrics, workdir)
    _train(config, data, workdir, model, run, watchers, verbose)
    return model


class _Run(NamedTuple):
    """Where a run stands, and what keeps count of it."""

    progress: Progress
    steps_per_epoch: int
    spans: Sequence[tuple[range, int]]
    clock: training_callbacks.Clock
    checkpoint: training_callbacks.Checkpoint


def _restored_run(
    config: Config, data: TrainingData, workdir: Workdir, model: keras.Model
) -> _Run:
    """Claims the workdir and fills `model` from its last checkpoint, if it has one."""
    workdir.start(config)
    progress = Progress()
    steps_per_epoch = count_steps_per_epoch(data.shapes.values(), config)
    checkpoint = training_callbacks.Checkpoint(
        workdir, model, progress, steps_per_epoch, config.checkpoint_minutes
    )
    checkpoint.restore()
    clock = training_callbacks.Clock(progress, config.batch_size, config.max_minutes)
    spans = _spans(int(progress.step), steps_per_epoch, config.num_epochs)
    return _Run(progress, steps_per_epoch, spans, clock, checkpoint)


def _train(
    config: Config,
    data: TrainingData,
    workdir: Workdir,
    model: keras.Model,
    run: _Run,
    watchers: Sequence[keras.callbacks.Callback],
    verbose: int,
) -> None:
    """Trains from where the run stands to its end."""
    progress, steps_per_epoch, spans, clock, checkpoint = run
    if int(progress.step):
        _say_where(workdir, config, int(progress.step), steps_per_epoch)
    schedule = training_callbacks.Schedule(
        config, progress, steps_per_epoch * config.num_epochs
    )
    divergence = training_callbacks.Divergence(progress)
    for epochs, steps in spans:
        if clock.out_of_time:
            break
        model.fit(
            training_dataset(
                data.volumes,
                config,
                steps_per_epoch=steps_per_epoch,
                first_step=int(progress.step),
            ),
            initial_epoch=epochs.start,
            epochs=epochs.stop,
            steps_per_epoch=steps,
            shuffle=False,
            # Order matters: logs are checked and filled before they are saved.
            callbacks=[
                *(schedule, clock, divergence, *watchers, checkpoint),
                _tensorboard(workdir),
            ],
            verbose=verbose,
        )


def _compiled_model(config: Config, precision: str) -> keras.Model:
    model = networks.build_model(config, precision)
    # XLA's convolutions are several times slower on CPUs.
    model.compile(
        build_optimizer(config), networks.build_loss(config), jit_compile=False
    )
    return model


def _say_complete(workdir: Workdir, model: keras.Model) -> None:
    """Says so, and writes the weights that someone has removed."""
    _logger.info("The run in %s is complete.", workdir.path)
    for name in ("last", "best"):
        if not workdir.has_model(name):
            _logger.warning("%s.keras is missing: writing the last weights.", name)
            workdir.save_model(model, name)


def _say_where(workdir: Workdir, config: Config, step: int, steps_per_epoch: int):
    _logger.info(
        "Resuming %s at step %d (epoch %d of %d, step %d of %d).",
        workdir.path,
        step,
        step // steps_per_epoch + 1,
        config.num_epochs,
        step % steps_per_epoch,
        steps_per_epoch,
    )


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


def _check_same_records(workdir: Workdir, data: TrainingData) -> None:
    for entry in workdir.load_provenance():
        if entry["records_sha256"] != data.sha256:
            raise ValueError(
                f"{workdir.path} holds a run on other records ({entry['records']}, "
                f"manifest {entry['records_sha256'][:12]}); {data.records} has the "
                f"manifest {data.sha256[:12]}. Choose another --workdir."
            )


def _checked_blocks(
    config: Config, data: TrainingData, metrics: Metrics
) -> list[Block]:
    """Validation blocks; that TCI can be measured on them shows that they will do."""
    blocks = validation_blocks(data.validation, config)
    if blocks:
        interpolated = [block.interpolated.array for block in blocks]
        scores = mean_scores(blocks, interpolated, metrics)
        texts = (f"{name} {score:.4f}" for name, score in scores.items())
        _logger.info("TCI on the validation blocks: %s.", ", ".join(texts))
    elif config.validation_volumes:
        _logger.warning("No validation volumes: the last weights count as the best.")
    return blocks


def _validation_callbacks(
    blocks: Sequence[Block], metrics: Metrics, workdir: Workdir
) -> list[keras.callbacks.Callback]:
    if not blocks:
        return []
    images = workdir.join("tensorboard", "images")
    return [training_callbacks.VolumeValidation(blocks, metrics, images)]


def _tensorboard(workdir: Workdir) -> keras.callbacks.TensorBoard:
    return keras.callbacks.TensorBoard(workdir.tensorboard, write_graph=False)


def _provenance(config, data, precision, strategy) -> dict[str, Any]:
    return {
        "versions": {
            "deepresolve": deepresolve.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "seed": config.seed,
        "precision": precision,
        "replicas": strategy.num_replicas_in_sync,
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "records": data.records,
        "records_sha256": data.sha256,
    }
