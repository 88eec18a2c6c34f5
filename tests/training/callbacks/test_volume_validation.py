import keras
import numpy as np
import pytest
import tensorflow as tf

from deepresolve.config import Config
from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.training.callbacks.volume_validation import (
    VolumeValidation,
    central_block,
    mean_scores,
    montages,
    validation_blocks,
)
from deepresolve.training.data import ValidationScan

SCALE = IntensityScale(0.0, 1.0)


@pytest.fixture
def scan(smooth_array):
    sagittal = np.array([[0, 0, -3, 0], [0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1.0]])
    return ValidationScan("knee-2", Volume(smooth_array, sagittal).canonical(), SCALE)


@pytest.fixture
def identity():
    inputs = keras.Input((None, None, None, 1))
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    model.compile("sgd", "mse")
    model.loss = keras.losses.MeanSquaredError()
    return model


def test_block_is_the_middle_of_the_degraded_whole(scan):
    block = central_block(scan, 3, (10, 30, 12))
    assert block.target.shape == (10, 20, 12)
    tci = interpolate(thicken(scan.image, 3), 3)
    # Slices 34 and 35 lie past the last acquired one: (34 - 12) // 2 = 11 becomes 9,
    # an acquired slice; (24 - 10) // 2 = 7 becomes 6.
    expected = tci.array[6:16, :, 9:21]
    np.testing.assert_allclose(block.interpolated.array, expected, atol=1e-6)
    np.testing.assert_array_equal(block.target.array, scan.image.array[6:16, :, 9:21])


def test_identity_network_scores_as_tci_does(scan, identity, tmp_path):
    blocks = [central_block(scan, 3, (24, 20, 36))] * 2
    metrics = {"bias": lambda r, e, *, spacing_mm, data_range: float((e - r).mean())}
    callback = VolumeValidation(blocks, metrics, str(tmp_path))
    callback.set_model(identity)
    logs = {"loss": 1.0}
    callback.on_epoch_end(0, logs)
    target, tci = (volume.array for volume in blocks[0][1:])
    assert logs["val_loss"] == pytest.approx(np.mean((tci - target) ** 2), rel=1e-5)
    assert logs["val_bias"] == pytest.approx(np.mean(tci - target), abs=1e-6)
    tags = {
        value.tag
        for file in tmp_path.iterdir()
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    }
    assert tags == {"ground_truth_sr_tci/axial", "ground_truth_sr_tci/coronal"}


def test_montage_has_square_pixels_and_the_three_sets_side_by_side(scan):
    block = central_block(scan, 3, (24, 20, 36))
    images = montages(block, np.zeros(block.target.shape, np.float32))
    # Rows and columns are 1 mm apart, slices 3 mm: three sets of 34 slices.
    assert images["axial"].shape == (1, 20, 3 * 34 * 3, 1)
    assert images["coronal"].shape == (1, 24, 3 * 34 * 3, 1)
    middle = images["axial"][0, :, 103:203, 0]
    np.testing.assert_array_equal(middle, 0)


def test_there_is_a_block_for_each_factor_of_the_first_scans(scan):
    config = Config(downsample_factors=(2, 4), validation_volumes=2)
    blocks = validation_blocks(iter([scan] * 3), config)
    assert len(blocks) == 2 * 2
    for block, factor in zip(blocks, (2, 4, 2, 4), strict=True):
        expected = central_block(scan, factor, config.validation_shape)
        np.testing.assert_array_equal(
            block.interpolated.array, expected.interpolated.array
        )


def test_scores_are_means_and_errors_name_the_subject(scan):
    blocks = [central_block(scan, 3, (8, 8, 8))] * 2
    estimates = [blocks[0].target.array + bias for bias in (1, 3)]
    metrics = {"bias": lambda r, e, *, spacing_mm, data_range: float((e - r).mean())}
    assert mean_scores(blocks, estimates, metrics) == {"bias": pytest.approx(2)}

    def refuse(*args, **options):
        raise ValueError("too thin")

    with pytest.raises(ValueError, match="Validation scan 'knee-2': too thin"):
        mean_scores(blocks, estimates, {"ssim": refuse})
