"""What the tests of training share."""

import collections
import contextlib
import logging
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial import distance

from deepresolve.config import Config
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.runs.workdir import Workdir
from deepresolve.training import callbacks
from deepresolve.training.data import TrainingData, ValidationScan
from deepresolve.training.fit import fit

# Of a canonical sagittal scan, 3 mm from slice to slice.
SAGITTAL = np.array([[0, 0, -3, 0], [0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1.0]])


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
def sagittal():
    """Makes a canonical sagittal volume of an array."""
    return lambda array: Volume(array, SAGITTAL).canonical()


@pytest.fixture(scope="session")
def dice():
    """The Dice coefficient of two masks, SciPy's."""

    def dsc(reference, estimate, *, spacing_mm, data_range):
        return 1 - distance.dice(reference.ravel(), estimate.ravel())

    return dsc


@pytest.fixture(scope="session")
def ball_and_brick():
    """Makes a noisy image of a bright ball and a dim brick, and its labels 1 and 4."""

    def make(seed):
        generator = np.random.default_rng(seed)
        i, j, k = np.indices((24, 20, 16))
        di, dj, dk = generator.uniform(-2, 2, 3)
        ball = np.hypot(np.hypot(i - 8 - di, j - 10 - dj), k - 8 - dk) < 5
        labels = np.where(ball, 1, 0).astype(np.uint8)
        labels[17:22, 4:16, 3:13] = 4
        levels = np.array([0.1, 0.9, 0, 0, 0.5], np.float32)[labels]
        noise = generator.normal(0, 0.03, labels.shape).astype(np.float32)
        return levels + noise, labels

    return make


@pytest.fixture(scope="session")
def labelled_data(ball_and_brick, sagittal):
    """Two labelled training volumes and one validation scan."""
    pairs = [ball_and_brick(seed) for seed in (1, 2)]
    signature = {
        "image": tf.TensorSpec((None, None, None)),
        "label": tf.TensorSpec((None, None, None), tf.uint8),
        "intensity": tf.TensorSpec((2,)),
        "affine": tf.TensorSpec((4, 4), tf.float64),
        "subject": tf.TensorSpec((), tf.string),
    }

    def generate():
        for number, (image, label) in enumerate(pairs):
            yield {
                "image": image,
                "label": label,
                "intensity": np.array([0, 1], np.float32),
                "affine": SAGITTAL,
                "subject": f"knee-{number}",
            }

    image, label = ball_and_brick(3)
    scan = ValidationScan(
        "knee-2", sagittal(image), IntensityScale(0, 1), sagittal(label)
    )
    return TrainingData(
        volumes=lambda seed: tf.data.Dataset.from_generator(
            generate, output_signature=signature
        ),
        shapes={f"knee-{n}": image.shape for n in range(2)},
        validation=[scan],
        label_names={1: "round ball", 4: "brick"},
        num_labelled=2,
        records="shards",
        sha256="abc",
    )


@pytest.fixture(scope="session")
def config():
    """A super-resolution of three epochs of four steps, each validated."""
    return Config(
        num_layers=3,
        num_features=4,
        patch_shape=(12, 12, 12),
        patch_sampling="random",
        patches_per_volume=8,
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


def psnr(reference, estimate, *, spacing_mm, data_range):
    return float(-10 * np.log10(np.mean((reference - estimate) ** 2)))


@pytest.fixture(scope="session")
def train(config, edges):
    """Trains on `edges` in a folder, as `config` says where nothing else is given."""

    def fitted(path, config=config, data=edges):
        return fit(config, data, Workdir(path), {"psnr": psnr}, verbose=0)

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
