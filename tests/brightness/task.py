"""How it is trained and validated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from brightness.settings import BrightnessConfig
from deepresolve.metrics.table import METRICS, measure
from deepresolve.pipeline import patches
from deepresolve.pipeline.pairs import Pairs, scaled
from deepresolve.training.trainable import Trainable
from deepresolve.training.validation import Validation


class Graded(NamedTuple):
    """A scan, and whether it is bright."""

    image: tf.Tensor
    grade: tf.Tensor


class BrightnessPairs(Pairs):
    """From a patch, a volume, to the class of the whole scan, a scalar."""

    def __init__(self, config):
        super().__init__(config)
        self.input_spec = tf.TensorSpec((*config.patch_shape, 1), tf.float32)
        self.target_spec = tf.TensorSpec((), tf.uint8)

    def prepare(self, volume, seed):
        image = scaled(volume)
        bright = tf.reduce_mean(image) >= self.config.bright_from
        return Graded(image[..., tf.newaxis], tf.cast(bright, tf.uint8))

    def shape(self, scan):
        return tf.shape(scan.image)[:3]

    def cut(self, scan, position, seed):
        return patches.cut(scan.image, position, self.config.patch_shape), scan.grade

    def image(self, pair):
        return pair[0]


class Block(NamedTuple):
    """A whole validation scan, (rows, columns, slices), and its class."""

    subject: str
    image: np.ndarray
    grade: int


class BrightnessValidation(Validation):
    """How many scans are graded right: a measure of the cohort, not of a scan."""

    monitor = "accuracy"
    legend = ""

    def cut(self, scan):
        image = scan.scale.apply(scan.image.array).astype(np.float32)
        return [
            Block(scan.subject, image, int(image.mean() >= self.config.bright_from))
        ]

    def batch(self, block):
        return block.image[np.newaxis, ..., np.newaxis], np.array([block.grade])

    def describe(self, blocks):
        return f"{sum(b.grade for b in blocks)} of {len(blocks)} scans are bright."

    def verdict(self, best, blocks):
        return f"best validation accuracy {best:.2f}"

    def estimate(self, output):
        return int(np.argmax(output))

    def scores(self, blocks, estimates):
        grades = np.array([block.grade for block in blocks])
        accuracy = measure(METRICS["accuracy"], grades, np.array(estimates))
        return {"accuracy": accuracy}

    def draw(self, block, estimate):
        return {}


class Brightness(Trainable):
    """Learns from any scan."""

    settings = BrightnessConfig
    needs = ("image",)

    def check_data(self, config, data):
        """Nothing beside scans is asked for."""

    def pairs(self, config, label_names):
        return BrightnessPairs(config)

    def validation(self, config, label_names):
        return BrightnessValidation(config, label_names)

    def seen(self, config, scan):
        return {1: [scan]}


TASK = Brightness()
