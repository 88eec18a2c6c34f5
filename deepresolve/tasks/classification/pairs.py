"""Training pairs of classification: a whole scan, and what is true of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from deepresolve.pipeline.augmentation import mirror, offset, warp
from deepresolve.pipeline.pairs import Pair, Pairs, StoredVolume, scaled
from deepresolve.pipeline.seeds import STREAMS, subseed
from deepresolve.tasks.classification.framing import framed, some_slices
from deepresolve.tasks.classification.settings import ClassificationConfig

_COLUMNS = 1  # of (rows, columns, slices, channels)


class Graded(NamedTuple):
    """A scan and its targets.

    Attributes:
      image: (rows, columns, slices, 1) float32, all slices that it has.
      target: (outputs, 2) float32: targets and weights.
    """

    image: tf.Tensor
    target: tf.Tensor


class ClassificationPairs(Pairs):
    """From a whole scan, framed, to whether each output is true of it.

    The input is `patch_shape` + (1,) float32, scaled to 0..1; the target (outputs, 2)
    float32, what the network is to answer and how much it weighs. Volumes have, beside
    what every task needs, each of `config.grades`, float64, NaN where it is not known.

    Args:
      config: the run.
      weights: (outputs, 2), of no and of yes; None: all 1.
    """

    def __init__(self, config: ClassificationConfig, weights: np.ndarray | None = None):
        super().__init__(config)
        self._config = config
        num_outputs = len(config.outputs)
        self._weights = np.ones((num_outputs, 2)) if weights is None else weights
        self.input_spec = tf.TensorSpec((*config.patch_shape, 1), tf.float32)
        self.target_spec = tf.TensorSpec((num_outputs, 2), tf.float32)

    def prepare(self, volume: StoredVolume, seed: tf.Tensor) -> Graded:
        """Brings the slices to the pixels of the network."""
        image = framed(scaled(volume), self._config.patch_shape[:2])
        return Graded(image[..., tf.newaxis], self._target(volume))

    def _target(self, volume: StoredVolume) -> tf.Tensor:
        """As `truth.targets`, smoothed, beside weights: 0 where nothing is known."""
        grades = tf.stack([volume[name] for name, _ in self._config.steps])
        values = tf.constant([value for _, value in self._config.steps], tf.float64)
        is_known = tf.math.is_finite(grades)
        is_yes = grades > values
        ends = self._config.label_smoothing / 2
        target = tf.where(is_yes, 1 - ends, ends)
        no, yes = tf.unstack(tf.cast(self._weights, tf.float32), axis=-1)
        weight = tf.where(is_known, tf.where(is_yes, yes, no), 0.0)
        return tf.stack([target, weight], axis=-1)

    def check_fits(self, shape: Sequence[int], name: str) -> None:
        """Every scan does: it is brought to the size of a patch."""

    def shape(self, scan: Graded) -> tf.Tensor:
        """That of the one patch that there is of a scan."""
        return tf.constant(self._config.patch_shape, tf.int32)

    def cut(self, scan: Graded, position: tf.Tensor, seed: tf.Tensor) -> Pair:
        """The slices that are seen this time."""
        first = tf.random.stateless_uniform((), subseed(seed, STREAMS.slices))
        count = self._config.patch_shape[2]
        image = some_slices(scan.image[..., 0], count, first)[..., tf.newaxis]
        return tf.ensure_shape(image, self.input_spec.shape), scan.target

    def image(self, pair: Pair) -> tf.Tensor:
        """The input."""
        return pair[0]

    def augment(self, pair: Pair, seed: tf.Tensor) -> Pair:
        """Turns and moves within the slices, by one interpolation, and flips."""
        config = self._config
        image, target = pair
        if config.max_rotation_degrees or config.max_offset:
            turned = warp.sample_warp(
                subseed(seed, STREAMS.warp), config.max_rotation_degrees, 0.0
            )
            first = offset.sample_offset(
                *(subseed(seed, STREAMS.offset), config.max_offset, config.patch_shape)
            )
            place = (turned, first, config.patch_shape, tf.ones(2))
            image = warp.apply_warp(image, *place, interpolation="BILINEAR")
        if config.random_flip:
            flipped = mirror.sample_mirror(subseed(seed, STREAMS.flips))
            image = mirror.apply_mirror(image, flipped, tf.constant(_COLUMNS))
        return image, target
