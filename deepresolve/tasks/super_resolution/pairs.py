"""Training pairs of super-resolution: a scan as target, its interpolation as input."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from deepresolve.imaging.degradation import degradation_matrix
from deepresolve.imaging.profile_shapes import SHAPES
from deepresolve.pipeline import patches
from deepresolve.pipeline.augmentation import flips
from deepresolve.pipeline.pairs import Pair, Pairs, StoredVolume, scaled
from deepresolve.pipeline.seeds import STREAMS, subseed
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig


class ThickAndThin(NamedTuple):
    """A scan as target; as inputs its TCI, once for each downsample factor.

    Attributes:
      inputs: (factors, rows, columns, slices, 1) float32.
      target: (rows, columns, slices, 1) float32.
    """

    inputs: tf.Tensor
    target: tf.Tensor


class SuperResolutionPairs(Pairs):
    """From a scan's TCI, of a factor drawn for each patch, to the scan itself.

    Slice profile and thickness are drawn for each factor and volume in each pass.

    Both are (rows, columns, slices, 1) float32, intensities scaled to 0..1.

    Args:
      config: the run.

    Raises:
      ValueError: a slice profile that was measured, which is for networks of views.
    """

    def __init__(self, config: SuperResolutionConfig):
        super().__init__(config)
        measured = sorted(set(config.slice_profiles) - set(SHAPES))
        if measured:
            raise ValueError(
                f"slice_profiles: {', '.join(measured)}: {config.model} learns of "
                f"{', '.join(SHAPES)} alone. Measured profiles are for sr_views."
            )
        self._config = config
        self.input_spec = tf.TensorSpec((*config.patch_shape, 1), tf.float32)
        self.target_spec = self.input_spec
        self.grid_step = config.fold

    def prepare(self, volume: StoredVolume, seed: tf.Tensor) -> ThickAndThin:
        """Degrades the volume as a whole: the low-pass reaches 24 slices each way."""
        target = scaled(volume)
        shape = tf.shape(target)
        matrices = self._matrices(shape[2], seed)
        columns = tf.reshape(target, (1, -1, shape[2]))  # one row per slice-axis column
        degraded = tf.linalg.matmul(columns, matrices, transpose_b=True)
        inputs = tf.reshape(degraded, tf.concat([[-1], shape, [1]], axis=0))
        return ThickAndThin(inputs, target[..., tf.newaxis])

    def _matrices(self, num_slices: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Each factor's degradation, by a profile of its own: (factors, n, n) float32.

        Python runs once a volume here, for matrices that depend on its number of slices
        and on what was drawn alone; the product over its voxels is TensorFlow's.
        """
        config = self._config
        count = len(config.downsample_factors)
        which = tf.random.stateless_uniform(
            (count,),
            subseed(seed, STREAMS.profile),
            maxval=len(config.slice_profiles),
            dtype=tf.int32,
        )
        thickness = tf.random.stateless_uniform(
            (count,), subseed(seed, STREAMS.thickness), *config.thickness_range
        )
        matrices = tf.numpy_function(
            self._degradations, [num_slices, which, thickness], tf.float32
        )
        matrices.set_shape((count, None, None))
        return matrices

    def _degradations(
        self, num_slices: np.ndarray, which: np.ndarray, thickness: np.ndarray
    ) -> np.ndarray:
        shapes = self._config.slice_profiles
        drawn = zip(
            self._config.downsample_factors,
            [shapes[number] for number in which],
            thickness.tolist(),
            strict=True,
        )
        return np.stack([degradation_matrix(int(num_slices), *one) for one in drawn])

    def shape(self, scan: ThickAndThin) -> tf.Tensor:
        """That of the target."""
        return tf.shape(scan.target)[:3]

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
