"""A trained network that grades scans, and tells where it looked."""

from __future__ import annotations

import functools
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume
from deepresolve.networks.scan_labels import FEATURES, LOGITS, POOLED
from deepresolve.tasks.classification.framing import framed, unframed
from deepresolve.tasks.classification.settings import ClassificationConfig


class Answers(NamedTuple):
    """What a network says of a canonical scan.

    Attributes:
      probabilities: (outputs,) float32, of the whole scan.
      of_slices: (slices, outputs) float32: what it would say of each slice alone, in
        its place among the others; 0 of one whose pixels are all alike.
      activation: (i, j, slices, outputs) float32: what it would say of a scan that had
        the features of that place everywhere (class activation: Zhou, CVPR 2016), on
        the network's own grid of the frame.
    """

    probabilities: np.ndarray
    of_slices: np.ndarray
    activation: np.ndarray


class Classifier:
    """A network for classification, ready for scans.

    Args:
      network: of `networks.scan_labels.scan_model`.
      config: of the run that trained it.
    """

    def __init__(self, network: keras.Model, config: ClassificationConfig):
        self.config = config
        self._within = network.get_layer(POOLED).within
        self._kernel, self._bias = network.get_layer(LOGITS).get_weights()
        both = [network.get_layer(FEATURES).output, network.output]
        self._both = tf.function(
            functools.partial(keras.Model(network.input, both), training=False),
            reduce_retracing=True,
        )

    def answers(self, scan: Volume) -> Answers:
        """What the network says of a scan.

        Args:
          scan: canonical, in any intensity unit.

        Raises:
          ValueError: voxels that are not finite or all alike.
        """
        image = estimate_scale(scan.array).apply(scan.array)
        frame = framed(image, self.config.patch_shape[:2])
        features, answers = self._both(frame[tf.newaxis, ..., tf.newaxis])
        features = features.numpy()[0]
        pooled = getattr(np, self._within)(features, axis=(0, 1))  # (slices, C)
        shown = np.ptp(frame.numpy(), axis=(0, 1))[:, np.newaxis] > 0
        return Answers(
            answers.numpy()[0],
            np.where(shown, self._answered(pooled), np.float32(0)),
            self._answered(features),
        )

    def _answered(self, features: np.ndarray) -> np.ndarray:
        """(..., C) -> (..., outputs) probabilities."""
        logits = features.astype(np.float64) @ self._kernel + self._bias
        return (0.5 * (1 + np.tanh(logits / 2))).astype(np.float32)

    def activation(self, scan: Volume) -> dict[str, Volume]:
        """Where the network looked: by output, 0..1, in the axes and pixels of `scan`.

        Args:
          scan: in any orientation and intensity unit.

        Raises:
          ValueError: voxels that are not finite or all alike.
        """
        of_frame = self.answers(scan.canonical()).activation
        return {
            name: self.on_scan(of_frame[..., n], scan)
            for n, name in enumerate(self.config.outputs)
        }

    def on_scan(self, of_frame: np.ndarray, scan: Volume) -> Volume:
        """The activation of one output in the axes and pixels of a scan.

        Args:
          of_frame: (i, j, slices) float32 of `Answers.activation`.
          scan: that was answered for, in its own orientation.
        """
        canonical = scan.canonical()
        size = self.config.patch_shape[:2]
        pixels = unframed(of_frame, canonical.shape[:2], size).numpy()
        return canonical.with_array(pixels).restored_as(scan)
