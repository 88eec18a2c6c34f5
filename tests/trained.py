"""Runs whose predictions are known, or whose network is small."""

import keras
import numpy as np
import pytest

from deepresolve import networks
from deepresolve.runs.workdir import Workdir
from deepresolve.tasks.segmentation.segmenter import Segmenter
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig


@pytest.fixture(scope="session")
def silent_workdir(tmp_path_factory):
    """A run with its last layer zeroed: the residual is 0 everywhere.

    Its predictions equal interpolation.
    """
    workdir = Workdir(tmp_path_factory.mktemp("silent"))
    config = SuperResolutionConfig(
        num_layers=3, num_features=4, fold=(1, 1, 3), patch_shape=(32, 32, 33)
    )
    workdir.start(config)
    model = networks.build_model(config)
    residual = model.get_layer("residual")
    residual.set_weights([np.zeros_like(w) for w in residual.get_weights()])
    workdir.save_model(model, "best")
    return workdir


@pytest.fixture(scope="session")
def views_workdir(tmp_path_factory):
    """A network of views, small, whose weights are large enough to show."""
    workdir = Workdir(tmp_path_factory.mktemp("views"))
    config = SuperResolutionConfig(model="sr_views", num_layers=3, num_features=4)
    workdir.start(config)
    model = networks.build_model(config)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
    workdir.save_model(model, "best")
    return workdir


@pytest.fixture(scope="session")
def seg_workdir(tmp_path_factory):
    """A segmentation of two classes, its weights large enough for all to occur."""
    workdir = Workdir(tmp_path_factory.mktemp("segmentation"))
    config = SegmentationConfig(
        model="seg_cnn",
        num_levels=2,
        num_features=2,
        classes=("femoral cartilage", "menisci=medial meniscus+lateral meniscus"),
        patch_shape=(16, 16, 8),
        loss="dice",
    )
    workdir.start(config)
    model = networks.build_model(config)
    rng = np.random.default_rng(0)
    # Kernels, and what has one number a channel, of which variances stay positive.
    model.set_weights(
        [
            rng.normal(0, 0.3, w.shape) if w.ndim > 1 else w + rng.random(w.shape)
            for w in model.get_weights()
        ]
    )
    workdir.save_model(model, "best")
    return workdir


@pytest.fixture(scope="session")
def one_convolution():
    """Makes a Segmenter of one convolution with a kernel and biases of our own.

    Args: kernel (3, 3, 3, C) and bias (C,) of the logits; classes; Segmenter's options.
    """

    def make(kernel, bias, classes, model="seg_cnn", **options):
        inputs = keras.Input((None, None, None, 1))
        layer = keras.layers.Conv3D(len(bias), 3, padding="same", activation="softmax")
        network = keras.Model(inputs, layer(inputs))
        layer.set_weights([np.asarray(kernel)[..., np.newaxis, :], np.asarray(bias)])
        config = SegmentationConfig(
            model=model,
            classes=classes,
            num_features=8,
            num_levels=2,
            patch_shape=(8, 8, 8),
        )
        return Segmenter(network, config, **options)

    return make


@pytest.fixture(scope="session")
def threshold(one_convolution):
    """Makes a Segmenter of one class: what is brighter than 0.5, scaled.

    Args: the neighbour whose brightness counts, (1, 1, 1) for the voxel itself.
    """

    def make(neighbour=(1, 1, 1), **options):
        kernel = np.zeros((3, 3, 3, 2))
        kernel[(*neighbour, 1)] = 1000
        return one_convolution(kernel, (0, -500), ("femoral cartilage",), **options)

    return make
