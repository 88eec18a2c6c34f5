import keras
import numpy as np
import pytest
import tensorflow as tf

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.metrics.table import Metric
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.segmentation.validation import SegmentationValidation
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.validation import SuperResolutionValidation
from deepresolve.training.callbacks.volume_validation import (
    VolumeValidation,
    validation_blocks,
)
from deepresolve.training.data import ValidationScan

SUPER_RESOLUTION = SuperResolutionConfig(validation_shape=(24, 20, 36))
SEGMENTATION = SegmentationConfig(
    model="seg_cnn",
    classes=("any=round ball+brick",),
    validation_shape=(24, 20, 16),
)


@pytest.fixture
def scan(smooth_array, sagittal):
    return ValidationScan("knee-2", sagittal(smooth_array), IntensityScale(0, 1))


@pytest.fixture
def identity():
    """What comes in goes out."""
    inputs = keras.Input((None, None, None, 1))
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    model.loss = keras.losses.MeanSquaredError()
    return model


@pytest.fixture
def threshold():
    """Probability 1 of the class at intensities above 1/4, else of the background."""
    inputs = keras.Input((None, None, None, 1))
    two = keras.layers.Conv3D(2, 1, activation="softmax")
    model = keras.Model(inputs, two(inputs))
    two.set_weights([np.full((1, 1, 1, 1, 2), [0, 1e3]), np.array([0, -250.0])])
    model.loss = keras.losses.SparseCategoricalCrossentropy()
    return model


def end_of_epoch(callback, model):
    callback.set_model(model)
    logs = {"loss": 1.0}
    callback.on_epoch_end(0, logs)
    return logs


def tags(folder):
    return {
        value.tag
        for file in folder.iterdir()
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    }


def test_identity_network_scores_as_tci_does(scan, identity, tmp_path):
    bias = Metric(lambda r, e: float((e - r).mean()), "images", "Bias", "")
    validation = SuperResolutionValidation(SUPER_RESOLUTION, {}, {"bias": bias})
    blocks = validation_blocks([scan] * 2, validation)
    callback = VolumeValidation(blocks, validation, str(tmp_path))
    logs = end_of_epoch(callback, identity)
    tci, target = (volume.array for volume in blocks[0][1:3])
    assert logs["val_loss"] == pytest.approx(np.mean((tci - target) ** 2), rel=1e-5)
    assert logs["val_bias"] == pytest.approx(np.mean(tci - target), abs=1e-6)
    assert tags(tmp_path) == {
        "ground_truth_sr_tci/axial",
        "ground_truth_sr_tci/coronal",
    }


def test_threshold_finds_what_is_bright(labelled_data, threshold, dice, tmp_path):
    names = labelled_data.label_names
    validation = SegmentationValidation(SEGMENTATION, names, {"dsc": dice})
    blocks = validation_blocks(labelled_data.validation, validation)
    callback = VolumeValidation(blocks, validation, str(tmp_path))
    logs = end_of_epoch(callback, threshold)
    # Ball and brick are 0.9 and 0.5 bright, all else 0.1, with noise of 0.03.
    assert logs["val_dsc"] == logs["val_dsc_any"] == 1
    assert logs["val_loss"] == pytest.approx(0, abs=1e-6)
    assert tags(tmp_path) == {
        f"reference_cyan_prediction_orange/{plane}"
        for plane in ("sagittal", "axial", "coronal")
    }


def test_blocks_are_those_of_the_first_scans(scan):
    config = SuperResolutionConfig(downsample_factors=(2, 4), validation_volumes=2)
    scans = (scan._replace(subject=f"knee-{n}") for n in range(3))
    blocks = validation_blocks(scans, SuperResolutionValidation(config, {}))
    assert [block.subject for block in blocks] == [
        *("knee-0", "knee-0"),
        *("knee-1", "knee-1"),
    ]
    assert len(list(scans)) == 1  # the third was never asked for
