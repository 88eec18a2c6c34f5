"""What is input and what is target: the first place where tasks part.

A task is made once for a run. It prepares whole volumes, cuts patch pairs out of them,
and changes the pairs at random. To add a task, write its class and add its line to
`TASKS`.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from deepresolve.config import Config
from deepresolve.imaging.degradation import degradation_matrix
from deepresolve.imaging.labels import lookup_table
from deepresolve.imaging.mirroring import mirrored_classes
from deepresolve.pipeline import patches
from deepresolve.pipeline.augmentation import (
    bias,
    blur,
    flips,
    gamma,
    mirror,
    noise,
    shift,
    warp,
)
from deepresolve.pipeline.seeds import STREAMS, subseed

StoredVolume = Mapping[str, tf.Tensor]
Pair = tuple[tf.Tensor, tf.Tensor]


class Task(abc.ABC):
    """How one task makes training pairs of stored volumes.

    A pair is (input, target), each (rows, columns, slices, 1); the input is float32,
    scaled so that the record's intensity range becomes 0..1. All methods are made of
    TensorFlow ops, for use in `tf.data`.

    Attributes:
      target_dtype: of the target.
    """

    target_dtype: tf.DType

    def __init__(self, config: Config, label_names: Mapping[int, str]):
        """Makes the task of one run.

        Args:
          config: the run.
          label_names: what each label value of the volumes means; a task without
            labels does not look at it.

        Raises:
          ValueError: the volumes cannot be used as `config` asks.
        """
        self._config = config

    @abc.abstractmethod
    def prepare(self, volume: StoredVolume) -> NamedTuple:
        """A volume that pairs can be cut from.

        Args:
          volume: as the records hold it: "image" (rows, columns, slices) float32 in
            scan units, "intensity" (2,) float32, the values that become 0 and 1, and
            what else the task says.

        Returns:
          Tensors, among them `target` (rows, columns, slices, 1).
        """

    @abc.abstractmethod
    def cut(self, scan: NamedTuple, position: tf.Tensor, seed: tf.Tensor) -> Pair:
        """The pair at one position, changed where the whole scan is needed for it.

        Args:
          scan: a prepared volume.
          position: (3,) int32, first voxel of the patch.
          seed: (2,) int64, the patch's own.
        """

    @abc.abstractmethod
    def image(self, pair: Pair) -> tf.Tensor:
        """The one of a pair that is the scan itself, which tissue is measured on."""

    @abc.abstractmethod
    def augment(self, pair: Pair, seed: tf.Tensor) -> Pair:
        """The pair changed at random, as `config` asks."""


class ThickAndThin(NamedTuple):
    """A scan as target; as inputs its TCI, once for each downsample factor.

    Attributes:
      inputs: (factors, rows, columns, slices, 1) float32.
      target: (rows, columns, slices, 1) float32.
    """

    inputs: tf.Tensor
    target: tf.Tensor


class SuperResolution(Task):
    """From a scan's TCI, of a factor drawn for each patch, to the scan itself."""

    target_dtype = tf.float32

    def prepare(self, volume: StoredVolume) -> ThickAndThin:
        """Degrades the volume as a whole: the low-pass reaches 24 slices each way."""
        target = _scaled(volume)
        # Python runs once a volume here, for a matrix that depends on its number of
        # slices alone; the product over its voxels is TensorFlow's.
        factors = self._config.downsample_factors
        matrices = tf.numpy_function(
            lambda slices: _degradation_matrices(int(slices), factors),
            [tf.shape(target)[2]],
            tf.float32,
        )
        matrices.set_shape((len(factors), None, None))
        shape = tf.shape(target)
        columns = tf.reshape(target, (1, -1, shape[2]))  # one row per slice-axis column
        degraded = tf.linalg.matmul(columns, matrices, transpose_b=True)
        inputs = tf.reshape(degraded, tf.concat([[-1], shape, [1]], axis=0))
        return ThickAndThin(inputs, target[..., tf.newaxis])

    def cut(self, scan: ThickAndThin, position: tf.Tensor, seed: tf.Tensor) -> Pair:
        """Draws one of the factors."""
        patch_shape = self._config.patch_shape
        factor = tf.random.stateless_uniform(
            (), seed, maxval=tf.shape(scan.inputs)[0], dtype=tf.int32
        )
        return (
            patches.cut(scan.inputs, tf.concat([[factor], position], 0), patch_shape),
            patches.cut(scan.target, position, patch_shape),
        )

    def image(self, pair: Pair) -> tf.Tensor:
        """The target."""
        return pair[1]

    def augment(self, pair: Pair, seed: tf.Tensor) -> Pair:
        """Flips both alike."""
        if not self._config.random_flips:
            return pair
        drawn = flips.sample_flips(subseed(seed, STREAMS.flips))
        return flips.apply_flips(pair[0], drawn), flips.apply_flips(pair[1], drawn)


class Labelled(NamedTuple):
    """A scan and its classes.

    Attributes:
      image: (rows, columns, slices, 1) float32.
      target: (rows, columns, slices, 1) uint8 class numbers.
      affine: (4, 4) float64, voxel indices to RAS+ mm.
    """

    image: tf.Tensor
    target: tf.Tensor
    affine: tf.Tensor


class Segmentation(Task):
    """From a scan to the number of the class that each voxel belongs to.

    Volumes have, beside what every task needs, "label" (rows, columns, slices) uint8,
    "affine" (4, 4) and "subject", a string.

    Raises:
      ValueError: a class is made of labels that the volumes do not have, or has no
        partner to be mirrored to.
    """

    target_dtype = tf.uint8

    def __init__(self, config: Config, label_names: Mapping[int, str]):
        super().__init__(config, label_names)
        self._class_of_label = lookup_table(config.classes, label_names)
        if config.random_mirror:
            self._mirrored_class = np.array(
                mirrored_classes(config.class_names), np.uint8
            )

    def prepare(self, volume: StoredVolume) -> Labelled:
        """Turns labels into class numbers; fails if there are no labels."""
        label = volume["label"]
        tf.debugging.Assert(
            tf.size(label) > 0,
            [
                "A training volume has no labels, which a segmentation needs. Convert "
                "it again with its labels, or leave it out. Subject:",
                volume["subject"],
            ],
        )
        classes = tf.gather(self._class_of_label, tf.cast(label, tf.int32))
        return Labelled(
            _scaled(volume)[..., tf.newaxis], classes[..., tf.newaxis], volume["affine"]
        )

    def cut(self, scan: Labelled, position: tf.Tensor, seed: tf.Tensor) -> Pair:
        """Rotates and scales about the patch's middle, and mirrors."""
        config = self._config
        if config.max_rotation_degrees or config.max_scaling:
            image, classes = self._warped(scan, position, seed)
        else:
            image = patches.cut(scan.image, position, config.patch_shape)
            classes = patches.cut(scan.target, position, config.patch_shape)
        if config.random_mirror:
            mirrored = mirror.sample_mirror(subseed(seed, STREAMS.mirror))
            axis = mirror.left_right_axis(scan.affine)
            # One sagittal slice looks the same from left and from right.
            several = tf.gather(config.patch_shape, axis) > 1
            mirrored = tf.logical_and(mirrored, several)
            image = mirror.apply_mirror(image, mirrored, axis)
            classes = mirror.apply_mirror(classes, mirrored, axis)
            classes = mirror.apply_mirror_to_classes(
                classes, mirrored, self._mirrored_class
            )
        return image, classes

    def _warped(self, scan: Labelled, position: tf.Tensor, seed: tf.Tensor) -> Pair:
        config = self._config
        drawn = warp.sample_warp(
            subseed(seed, STREAMS.warp), config.max_rotation_degrees, config.max_scaling
        )
        spacing_mm = warp.pixel_spacing(scan.affine)
        place = (drawn, position, config.patch_shape, spacing_mm)
        return (
            warp.apply_warp(scan.image, *place, interpolation="BILINEAR"),
            warp.apply_warp(scan.target, *place, interpolation="NEAREST"),
        )

    def image(self, pair: Pair) -> tf.Tensor:
        """The input."""
        return pair[0]

    def augment(self, pair: Pair, seed: tf.Tensor) -> Pair:
        """Changes intensities in the order in which a scan comes about.

        Contrast of the tissues, shading by the coil, noise of the receiver,
        interpolation, which smooths noise, too, and the scale that is estimated last.
        """
        config = self._config
        image, classes = pair
        if config.max_gamma:
            power = gamma.sample_gamma(subseed(seed, STREAMS.gamma), config.max_gamma)
            image = gamma.apply_gamma(image, power)
        if config.max_bias:
            field = bias.sample_bias(subseed(seed, STREAMS.bias), config.max_bias)
            image = bias.apply_bias(image, field)
        if config.max_noise:
            added = noise.sample_noise(
                subseed(seed, STREAMS.noise), config.max_noise, image.shape
            )
            image = noise.apply_noise(image, added)
        if config.max_blur:
            width = blur.sample_blur(subseed(seed, STREAMS.blur), config.max_blur)
            image = blur.apply_blur(image, width)
        if config.max_shift:
            level = shift.sample_shift(subseed(seed, STREAMS.shift), config.max_shift)
            image = shift.apply_shift(image, level)
        return image, classes


def _scaled(volume: StoredVolume) -> tf.Tensor:
    low, high = tf.unstack(volume["intensity"])
    return (volume["image"] - low) / (high - low)


def _degradation_matrices(num_slices: int, factors: tuple[int, ...]) -> np.ndarray:
    return np.stack([degradation_matrix(num_slices, factor) for factor in factors])


TASKS: dict[str, type[Task]] = {
    "segmentation": Segmentation,
    "super_resolution": SuperResolution,
}
