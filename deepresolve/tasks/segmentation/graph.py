"""A whole segmentation as a graph: `Segmenter` without Python around it."""

from __future__ import annotations

import keras
import tensorflow as tf

from deepresolve.inference.graphs.blending import blended, fitting_window
from deepresolve.inference.graphs.scaling import estimate_scale
from deepresolve.inference.window_size import rule_of
from deepresolve.tasks.segmentation.settings import SegmentationConfig


class SegmentationGraph:
    """A trained network as functions of tensors.

    Args:
      model: the network: scaled intensities to probabilities, background first.
      config: the run that trained it.
      memory_gib: for what the network holds of a window, in GiB; with the scan's shape
        it decides how large the windows are.
    """

    def __init__(
        self, model: keras.Model, config: SegmentationConfig, memory_gib: float
    ):
        self._model = model
        self._rule = rule_of(config, 1 + len(config.class_names))
        self._memory_gib = memory_gib

    def probabilities(self, scan: tf.Tensor) -> tf.Tensor:
        """How probable each class is in each voxel.

        Args:
          scan: (rows, columns, slices) float32, canonical, in its own units.

        Returns:
          (rows, columns, slices, 1 + classes) float32, background first.
        """
        scaled = estimate_scale(scan).apply(scan)
        return blended(
            lambda voxels: self._model(voxels, training=False),
            scaled,
            fitting_window(tf.shape(scan), self._rule, self._memory_gib),
            self._rule,
        )


def most_probable(probabilities: tf.Tensor) -> tf.Tensor:
    """(..., classes) -> (...) uint8; the first of several that are equal."""
    return tf.cast(tf.argmax(probabilities, axis=-1), tf.uint8)
