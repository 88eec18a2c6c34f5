"""What is input and what is target: how a task makes its training pairs.

The pipeline is handed a task's `Pairs`, made once for a run. It prepares whole volumes,
cuts patch pairs out of them, and changes the pairs at random.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from deepresolve.config import Config
from deepresolve.pipeline import patches

StoredVolume = Mapping[str, tf.Tensor]
Pair = tuple[tf.Tensor, tf.Tensor]


class Pairs(abc.ABC):
    """How a task makes training pairs, (input, target), of stored volumes.

    All methods are made of TensorFlow ops, for use in `tf.data`.

    Args:
      config: the run.

    Attributes:
      input_spec: shape and dtype of an input.
      target_spec: of a target, which need not be a volume.
      grid_step: patches begin at multiples of it, (rows, columns, slices).
    """

    input_spec: tf.TensorSpec
    target_spec: tf.TensorSpec
    grid_step: tuple[int, int, int] = (1, 1, 1)

    def __init__(self, config: Config):
        self.config = config

    def check_fits(self, shape: Sequence[int], name: str) -> None:
        """ValueError, naming the volume, unless a patch fits into what is made of it.

        Args:
          shape: (rows, columns, slices) of the volume.
          name: of the volume.
        """
        patches.check_patch_fits(shape, self.config.patch_shape, name)

    @abc.abstractmethod
    def prepare(self, volume: StoredVolume, seed: tf.Tensor) -> Any:
        """A volume that pairs can be cut from, as a NamedTuple of tensors.

        Args:
          volume: as the records hold it: "image" (rows, columns, slices) float32 in
            scan units, "intensity" (2,) float32, the values that become 0 and 1, and
            what else the task needs of a record.
          seed: (2,) int64, of the volume in this pass.
        """

    @abc.abstractmethod
    def shape(self, scan: Any) -> tf.Tensor:
        """(rows, columns, slices) of a prepared volume, (3,) int32."""

    def place(self, positions: tf.Tensor, scan: Any, seed: tf.Tensor) -> tf.Tensor:
        """Random positions, moved to where the task wants more of them.

        Args:
          positions: (patches, 3) int32, first voxels.
          scan: a prepared volume.
          seed: (2,) int64.
        """
        return positions

    @abc.abstractmethod
    def cut(self, scan: Any, position: tf.Tensor, seed: tf.Tensor) -> Pair:
        """The pair at one position, changed where the whole scan is needed for it.

        Args:
          scan: a prepared volume.
          position: (3,) int32, first voxel of the patch.
          seed: (2,) int64, the patch's own.
        """

    @abc.abstractmethod
    def image(self, pair: Pair) -> tf.Tensor:
        """The one of a pair that is the scan itself, which tissue is measured on."""

    def augment(self, pair: Pair, seed: tf.Tensor) -> Pair:
        """The pair changed at random, as the config asks; `seed` is the patch's own."""
        return pair

    @property
    def num_bytes(self) -> int:
        """Memory of a pair."""
        specs = (self.input_spec, self.target_spec)
        return sum(s.shape.num_elements() * s.dtype.size for s in specs)


def scaled(volume: StoredVolume) -> tf.Tensor:
    """The image of a stored volume, its intensity range brought to 0..1."""
    low, high = tf.unstack(volume["intensity"])
    return (volume["image"] - low) / (high - low)
