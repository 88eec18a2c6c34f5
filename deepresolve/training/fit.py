"""Trains one network and keeps its workdir; resumes where a killed run stopped."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import deepresolve
from deepresolve import networks
from deepresolve.config import Config
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.pipeline import patches
from deepresolve.pipeline.dataset import (
    VolumeSource,
    count_steps_per_epoch,
    holds_tissue,
    training_dataset,
)
from deepresolve.training import callbacks as training_callbacks
from deepresolve.training.callbacks.volume_validation import central_block
from deepresolve.training.devices import build_strategy, resolve_precision
from deepresolve.training.optimizers import build_optimizer
from deepresolve.training.progress import Progress
from deepresolve.workdir import Workdir

_logger = logging.getLogger(__name__)

ValidationVolume = tuple[Volume, IntensityScale]


class TrainingData(NamedTuple):
    """What a run learns from and is watched on.

    Attributes:
      volumes: function from a seed to a dataset; see `pipeline.dataset`.
      shapes: (rows, columns, slices) of each volume by subject.
      validation: canonical scans with their scales.
      records: where they are kept.
      sha256: hash of their manifest, which tells this data from any other.
    """

    volumes: VolumeSource
    shapes: Mapping[str, tuple[int, int, int]]
    validation: Iterable[ValidationVolume]
    records: str
    sha256: str


def fit(
    config: Config,
    data: TrainingData,
    workdir: Workdir,
    metrics: Mapping[str, Callable[..., float]],
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
      ValueError: a volume is smaller than a patch, all patches are air, or the workdir
        holds a run with another config or on other records.
    """
    _check_data(config, data)
    # Never 0, which Dataset.shuffle cannot compare with a seed that is a tensor.
    keras.utils.set_random_seed(config.seed + 1)
    strategy = build_strategy(config)
    precision = resolve_precision(config)
    with strategy.scope():
        model = _compiled_model(config, precision)
        progress = Progress()
    workdir.start(config)
    _check_same_records(workdir, data)
    workdir.add_provenance(_provenance(config, data, precision, strategy))
    with strategy.scope():
        checkpoint = training_callbacks.Checkpoint(
            workdir, model, progress, config.checkpoint_minutes
        )
        resumed = checkpoint.restore()
    steps_per_epoch = count_steps_per_epoch(data.shapes.values(), config)
    clock = training_callbacks.Clock(progress, config.batch_size, config.max_minutes)
    schedule = training_callbacks.Schedule(
        config, progress, steps_per_epoch * config.num_epochs
    )
    spans = _spans(int(progress.step), steps_per_epoch, config.num_epochs)
    if clock.out_of_time or not spans:
        _logger.info("The run in %s is complete.", workdir.path)
        return model
    if resumed:
        _say_where(workdir, config, int(progress.step), steps_per_epoch)
    watchers = _validation_callbacks(config, data, metrics, workdir)
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
            # Order matters: logs are filled before they are saved and drawn.
            callbacks=[schedule, clock, *watchers, checkpoint, _tensorboard(workdir)],
            verbose=verbose,
        )
    return model


def _compiled_model(config: Config, precision: str) -> keras.Model:
    model = networks.build_model(config, precision)
    # XLA's convolutions are several times slower on CPUs.
    model.compile(
        build_optimizer(config), networks.build_loss(config), jit_compile=False
    )
    return model


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


def _check_data(config: Config, data: TrainingData) -> None:
    for subject, shape in data.shapes.items():
        patches.check_patch_fits(shape, config.patch_shape, subject)
    if config.min_tissue and not holds_tissue(data.volumes, config):
        raise ValueError(
            f"No training patch has a share of {config.min_tissue} of its voxels above "
            f"the scaled intensity {config.air_threshold}: all would be skipped as "
            "air. Lower --min_tissue or --air_threshold."
        )


def _check_same_records(workdir: Workdir, data: TrainingData) -> None:
    for entry in workdir.load_provenance():
        if entry["records_sha256"] != data.sha256:
            raise ValueError(
                f"{workdir.path} holds a run on other records ({entry['records']}, "
                f"manifest {entry['records_sha256'][:12]}); {data.records} has the "
                f"manifest {data.sha256[:12]}. Choose another --workdir."
            )


def _validation_callbacks(config, data, metrics, workdir) -> list:
    if not config.validation_volumes:
        return []
    factor = config.downsample_factors[0]
    blocks = [
        central_block(volume, scale, factor, config.validation_shape)
        for _, (volume, scale) in zip(
            range(config.validation_volumes), data.validation, strict=False
        )
    ]
    if not blocks:
        _logger.warning("No validation volumes: the last weights count as the best.")
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
