"""Training pairs of segmentation: a scan, and the class of each of its voxels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from deepresolve.imaging.labels import lookup_table
from deepresolve.imaging.mirroring import mirrored_classes
from deepresolve.imaging.volume import Volume
from deepresolve.pipeline import patches
from deepresolve.pipeline.augmentation import (
    bias,
    blur,
    gamma,
    mirror,
    noise,
    shift,
    warp,
)
from deepresolve.pipeline.pairs import Pair, Pairs, StoredVolume, scaled
from deepresolve.pipeline.seeds import STREAMS, subseed
from deepresolve.tasks.segmentation.known_grid import KnownGrid, Placed
from deepresolve.tasks.segmentation.settings import SegmentationConfig


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


class SegmentationPairs(Pairs):
    """From a scan to the number of the class that each voxel belongs to.

    The input is (rows, columns, slices, 1) float32, scaled to 0..1; the target of that
    shape, uint8 class numbers. Volumes have, beside what every task needs, "label"
    (rows, columns, slices) uint8, "affine" (4, 4) and "subject", a string.

    Args:
      config: the run.
      label_names: what each label value of the volumes means.

    Raises:
      ValueError: a class is made of labels that the volumes do not have, or has no
        partner to be mirrored to.
    """

    def __init__(self, config: SegmentationConfig, label_names: Mapping[int, str]):
        super().__init__(config)
        self._config = config
        shape = (*config.patch_shape, 1)
        self.input_spec = tf.TensorSpec(shape, tf.float32)
        self.target_spec = tf.TensorSpec(shape, tf.uint8)
        self._known = KnownGrid.of(config)
        self._class_of_label = lookup_table(config.classes, label_names)
        if config.random_mirror:
            self._mirrored_class = np.array(
                mirrored_classes(config.class_names), np.uint8
            )

    def prepare(self, volume: StoredVolume, seed: tf.Tensor) -> Labelled:
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
        image, affine = scaled(volume), volume["affine"]
        if self._known is not None:
            image, classes, affine = self._placed(image, classes, affine)
        return Labelled(image[..., tf.newaxis], classes[..., tf.newaxis], affine)

    def _placed(self, *of_scan: tf.Tensor) -> list[tf.Tensor]:
        """The scan on the grid that the run asks for, filled up to a patch's size."""
        types = [tensor.dtype for tensor in of_scan]
        found = tf.numpy_function(self._place, of_scan, types, stateful=False)
        for tensor, given in zip(found, of_scan, strict=True):
            tensor.set_shape([None] * 3 if given.shape.rank == 3 else (4, 4))
        return found

    def _place(
        self, image: np.ndarray, classes: np.ndarray, affine: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        scan = Volume(image, affine, slice_axis=2)
        placed = Placed.of(scan, self._known)
        pairs = zip(placed.shape, self._config.patch_shape, strict=True)
        missing = [(0, max(0, size - num)) for num, size in pairs]
        arrays = placed.there(image), placed.labels_there(classes)
        filled = (np.pad(array, missing, mode="edge") for array in arrays)
        return (*filled, placed.grid.affine)

    def check_fits(self, shape: Sequence[int], name: str) -> None:
        """As every task's; but what is brought to a grid is filled up to a patch."""
        if self._known is None:
            super().check_fits(shape, name)

    def shape(self, scan: Labelled) -> tf.Tensor:
        """That of the image."""
        return tf.shape(scan.target)[:3]

    def place(self, positions: tf.Tensor, scan: Labelled, seed: tf.Tensor) -> tf.Tensor:
        """Moves the share of them that the config asks for to a voxel of the classes.

        Args:
          positions: (patches, 3) int32, first voxels.
          scan: the volume.
          seed: (2,) int64.
        """
        if not self._config.foreground_rate:
            return positions
        return patches.move_to_foreground(
            positions,
            scan.target,
            self._config.patch_shape,
            self._config.foreground_rate,
            subseed(seed, STREAMS.foreground),
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
