"""What the tests of training share."""

import collections
import contextlib
import logging
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from labelled import (  # noqa: F401 (fixtures)
    ball_and_brick,
    dice,
    labelled_data,
    sagittal,
)

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.metrics.table import METRICS
from deepresolve.runs.workdir import Workdir
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.task import SuperResolution
from deepresolve.tasks.super_resolution.validation import SuperResolutionValidation
from deepresolve.training import callbacks
from deepresolve.training.data import TrainingData, ValidationScan
from deepresolve.training.fit import fit


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, nothing cleans up."""


@pytest.fixture
def killed(monkeypatch):
    """A context in which a training is killed after one of its steps."""

    @contextlib.contextmanager
    def at(step):
        original = callbacks.Clock.on_train_batch_end

        def kill(clock, batch, logs=None):
            original(clock, batch, logs)
            if int(clock._progress.step) == step:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(callbacks.Clock, "on_train_batch_end", kill)
            with pytest.raises(Killed):
                yield

    return at


@pytest.fixture(scope="session")
def config():
    """A super-resolution of three epochs of four steps, each validated."""
    return SuperResolutionConfig(
        num_layers=2,
        num_features=4,
        patch_shape=(12, 12, 12),
        patch_sampling="random",
        patches_per_volume=8,
        min_tissue=0.0,
        batch_size=4,
        steps_per_epoch=4,
        num_epochs=3,
        learning_rate=1e-3,
        schedule="cosine",
        validation_volumes=1,
    )


@pytest.fixture(scope="session")
def edges(smooth_array, volume_source):
    """Sharp edges: what interpolation blurs and a network can learn to mend."""
    arrays = [(smooth_array > level).astype(np.float32) for level in (0.4, 0.6)]
    scan = Volume(smooth_array, np.eye(4))
    return TrainingData(
        volumes=volume_source(arrays),
        shapes={f"knee-{n}": array.shape for n, array in enumerate(arrays)},
        validation=[ValidationScan("knee-2", scan, IntensityScale(0, 1))],
        label_names={},
        num_labelled=0,
        records="shards",
        sha256="abc",
        scans=[Volume(array, np.eye(4)) for array in arrays],
    )


class PsnrAlone(SuperResolution):
    """Measures blocks too small for SSIM's window."""

    def validation(self, config, label_names):
        metrics = {"psnr": METRICS["psnr"]}
        return SuperResolutionValidation(config, label_names, metrics)


@pytest.fixture(scope="session")
def task():
    """What the runs of these tests learn."""
    return PsnrAlone()


@pytest.fixture(scope="session")
def train(config, edges, task):
    """Trains on `edges` in a folder, as `config` says where nothing else is given."""

    def fitted(path, config=config, data=edges):
        return fit(task, config, data, Workdir(path), verbose=0)

    return fitted


class Run(NamedTuple):
    """A run that nothing disturbed; many tests read it, and none may write there."""

    path: object
    log: str
    weights: list


class _Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


@pytest.fixture(scope="session")
def recorded():
    """Trains to the end, by a function that returns the network, and keeps a `Run`."""

    def to_the_end(train, path):
        logger, handler = logging.getLogger("deepresolve"), _Lines()
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            weights = train(path).get_weights()
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)
        return Run(path, "\n".join(handler.lines), weights)

    return to_the_end


@pytest.fixture(scope="session")
def undisturbed(recorded, train, tmp_path_factory):
    """The run of `config` on `edges`."""
    return recorded(train, tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture(scope="session")
def saved_step():
    """The step of the last checkpoint in a folder."""

    def step(path):
        latest = tf.train.latest_checkpoint(str(path / "checkpoints"))
        name = "progress/step/.ATTRIBUTES/VARIABLE_VALUE"
        return int(tf.train.load_checkpoint(latest).get_tensor(name))

    return step


@pytest.fixture(scope="session")
def scalars():
    """Value by tag and epoch of what TensorBoard shows; None of an image."""

    def by_tag(path):
        shown = collections.defaultdict(dict)
        for file in (path / "tensorboard").rglob("*tfevents*"):
            for event in tf.compat.v1.train.summary_iterator(str(file)):
                for value in event.summary.value:
                    array = tf.make_ndarray(value.tensor)
                    number = None if array.shape else float(array)
                    shown[value.tag][event.step] = number
        return shown

    return by_tag
