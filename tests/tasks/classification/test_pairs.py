"""A scan and its targets in the stream of a training."""

import math

import numpy as np
import tensorflow as tf
from graded import graded_scan, subject

from deepresolve import tasks
from deepresolve.tasks.classification.pairs import ClassificationPairs
from deepresolve.tasks.classification.settings import ClassificationConfig
from records import reader

CONFIG = ClassificationConfig(
    grades=("acl", "kl"), num_grades=(2, 3), patch_shape=(16, 16, 8)
)
SEED = tf.constant([1, 2], tf.int64)


def volume(array, acl=1.0, kl=math.nan):
    return {
        "image": tf.constant(array),
        "intensity": tf.constant([0.0, 1.0]),
        "acl": tf.constant(acl, tf.float64),
        "kl": tf.constant(kl, tf.float64),
    }


def test_targets_are_smoothed_weighted_and_masked():
    weights = np.array([[0.7, 3.0], [1, 1], [1, 1]])
    pairs = ClassificationPairs(CONFIG.replace(label_smoothing=0.2), weights)
    array = np.zeros((20, 16, 6), np.float32)
    known = pairs.prepare(volume(array, acl=0.0, kl=1.0), SEED).target.numpy()
    np.testing.assert_allclose(known, [[0.1, 0.7], [0.9, 1], [0.1, 1]], rtol=1e-6)
    lacking = pairs.prepare(volume(array), SEED).target.numpy()
    np.testing.assert_allclose(lacking[0], [0.9, 3], rtol=1e-6)
    np.testing.assert_array_equal(lacking[1:, 1], 0)


def test_slices_that_were_filled_in_stay_air_whatever_is_drawn():
    config = CONFIG.replace(
        max_rotation_degrees=25.0, max_offset=0.11, random_flip=True
    )
    pairs = ClassificationPairs(config)
    array = np.random.default_rng(0).random((20, 16, 6)).astype(np.float32)
    scan = pairs.prepare(volume(array), SEED)
    pair = pairs.cut(scan, tf.zeros(3, tf.int32), SEED)
    image, target = pairs.augment(pair, SEED)
    assert image.shape == pairs.input_spec.shape
    assert np.ptp(image[:, :, :6], axis=(0, 1)).min() > 0
    np.testing.assert_array_equal(image[:, :, 6:], 0)
    np.testing.assert_array_equal(target, scan.target)


def test_the_stream_has_numbers_and_the_series_that_were_asked_for(write_records):
    folder = write_records(
        [
            subject("a", "train", graded_scan(0, 0), acl=0, series="sagittal"),
            subject("b", "train", graded_scan(1, 0), kl=2, series="sagittal"),
            subject("c", "train", graded_scan(2, 0), acl=1, series="coronal"),
            subject("d", "train", graded_scan(3, 0), acl=1),
        ]
    )
    task = tasks.find("classification")
    config = CONFIG.replace(only_series="sagittal")
    asked = {"numbers": task.numbers(config), "only": task.only(config)}
    dataset = reader.dataset(str(folder), "train", needs=("image",), **asked)
    assert dataset.cardinality() == 2
    found = {e["subject"].decode(): e for e in dataset.as_numpy_iterator()}
    assert set(found) == {"a", "b"}
    np.testing.assert_array_equal(found["a"]["acl"], 0.0)
    np.testing.assert_array_equal(found["b"]["kl"], 2.0)
    assert math.isnan(found["a"]["kl"])
    assert math.isnan(found["b"]["acl"])
