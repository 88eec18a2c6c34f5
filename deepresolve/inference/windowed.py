"""A network over whole volumes, in windows that memory allows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from deepresolve.inference.tiling import check_window_shape, tiled
from deepresolve.inference.window_size import WindowRule, fitting_window

DEFAULT_MEMORY_GIB = 4.0


class WindowedModel:
    """A trained network, applied to a volume in overlapping windows.

    Args:
      model: the network; takes (1, rows, columns, slices, 1) to (1, rows, columns,
        slices, C), float32, any size.
      rule: how its windows may be cut.
      memory_gib: for what the network holds of a window, in GiB; without a
        `window_shape` it decides how large the windows are. The volume, the result and
        TensorFlow itself come on top.
      window_shape: voxels that go through the network at once; None: what
        `fitting_window` finds.

    Raises:
      ValueError: a window or memory out of range.
    """

    def __init__(
        self,
        model: keras.Model,
        rule: WindowRule,
        memory_gib: float = DEFAULT_MEMORY_GIB,
        window_shape: Sequence[int] | None = None,
    ):
        if not 0 <= memory_gib < math.inf:
            raise ValueError(
                f"memory_gib must be a finite number from 0 on; got {memory_gib}."
            )
        if window_shape is not None:
            check_window_shape(window_shape)
        self._rule = rule
        self._memory_gib = memory_gib
        self._window_shape = window_shape
        self._network = graph_of(model)

    def __call__(self, volume: np.ndarray, progress: str = "") -> np.ndarray:
        """The network's output for one volume.

        Args:
          volume: (rows, columns, slices) float32, scaled to 0..1.
          progress: show a progress bar of this name; "" shows none.

        Returns:
          (rows, columns, slices, C) float32.
        """
        window = self._window_shape
        if window is None:
            window = fitting_window(volume.shape, self._rule, self._memory_gib)
        return tiled(
            self._network,
            volume,
            window,
            overlap=self._rule.overlap,
            margin=self._rule.margin,
            multiple=self._rule.multiple,
            num_outputs=self._rule.num_outputs,
            progress=progress,
        )


def graph_of(model: keras.Model) -> tf.types.experimental.GenericFunction:
    """A model as a graph for one volume of any size.

    A graph frees features as soon as they are used, and one of unknown sizes serves
    volumes of all shapes.
    """
    return tf.function(
        lambda voxels: model(voxels, training=False),
        input_signature=[tf.TensorSpec((1, None, None, None, 1), tf.float32)],
    )
