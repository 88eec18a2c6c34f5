"""Volumes with labels to train and to validate on."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial import distance

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.metrics.table import Metric
from deepresolve.training.data import TrainingData, ValidationScan

# Of a canonical sagittal scan, 3 mm from slice to slice.
SAGITTAL = np.array([[0, 0, -3, 0], [0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1.0]])


@pytest.fixture(scope="session")
def sagittal():
    """Makes a canonical sagittal volume of an array."""
    return lambda array: Volume(array, SAGITTAL).canonical()


@pytest.fixture(scope="session")
def dice():
    """The Dice coefficient of two masks, SciPy's."""

    def dsc(reference, estimate):
        return 1 - distance.dice(reference.ravel(), estimate.ravel())

    return Metric(dsc, "masks", "DSC", "SciPy's")


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
