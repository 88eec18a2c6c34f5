"""A whole volume through a 3D network, in bounded memory, as in a single pass.

Output plane n of a 3x3x3 convolution needs input planes n - 1, n and n + 1 and no
others; a plane of a coarser level needs two of the finer one. So the volume flows
through the network a few planes at a time (`stream_nodes`), all levels of a U-Net at
once, each as far behind as it has to be, and skip connections wait for the levels below
them. There are no windows and no seams, and the result is the one of a single pass,
zero padding at both ends included, but for rounding: in float32 within 1e-5 of the
largest value.

Memory beside the volume and the result: two planes per convolution, some twenty in the
hands of one at a time, and of each skip connection as many as the network looks ahead,
however many slices there are: of five levels about 110. Where those of the uppermost
one would take more than 1 GiB, it is computed once more instead (`stream_graph`), an
eighth of the arithmetic; all else is computed once.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from deepresolve.inference.stream_graph import StreamGraph
from deepresolve.inference.stream_nodes import Chunk
from deepresolve.system import progress_bar


class StreamedModel:
    """A network, applied a few planes at a time.

    Args:
      model: a network whose layers `stream_parser` knows; takes (1, rows, columns,
        slices, 1) to (1, rows, columns, slices, C).
      dtype: what the convolutions compute in, whatever the model was trained in:
        "float32", or "bfloat16", which is faster where the processor has it.

    Raises:
      ValueError: the model has other layers.
    """

    def __init__(self, model: keras.Model, dtype: str = "float32") -> None:
        self._graph = StreamGraph(model, dtype)

    def __call__(self, volume: np.ndarray, progress: str = "") -> np.ndarray:
        """The network's output for one volume.

        Args:
          volume: (rows, columns, slices) float32, scaled to 0..1.
          progress: show a progress bar of this name; "" shows none.

        Returns:
          (rows, columns, slices, C) float32.
        """
        result = np.empty((*volume.shape, self._graph.num_outputs), np.float32)
        for number, plane in enumerate(self._planes(volume, progress)):
            result[:, :, number] = tf.cast(plane, tf.float32)
        return result

    def most_probable(self, volume: np.ndarray, progress: str = "") -> np.ndarray:
        """The channel that is largest in each voxel; no other is kept.

        Args:
          volume: (rows, columns, slices) float32, scaled to 0..1.
          progress: show a progress bar of this name; "" shows none.

        Returns:
          (rows, columns, slices) uint8: the first of several that are equal.
        """
        result = np.empty(volume.shape, np.uint8)
        for number, plane in enumerate(self._planes(volume, progress)):
            result[:, :, number] = np.argmax(plane, axis=-1)
        return result

    def _planes(self, volume: np.ndarray, progress: str) -> Iterator[tf.Tensor]:
        """(rows, columns, C) of each slice."""
        rows, columns, slices = volume.shape
        chunks = self._graph.flow((rows, columns, slices), self._chunks(volume))
        planes = (plane[0] for chunk in chunks for plane in chunk.planes)
        num = 0
        for plane in progress_bar.each(
            planes, progress, slices, "slice", hidden=not progress
        ):
            num += 1
            yield plane
        if num != slices:
            raise RuntimeError(f"{num} planes came out of a stream of {slices}.")

    def _chunks(self, volume: np.ndarray) -> Iterator[Chunk]:
        num_slices, step = volume.shape[2], self._graph.chunk
        for first in range(0, num_slices, step):
            # (rows, columns, slices) -> (slices, 1, rows, columns, 1)
            block = np.moveaxis(volume[:, :, first : first + step], 2, 0)
            planes = tf.constant(block[:, np.newaxis, ..., np.newaxis], tf.float32)
            yield Chunk(tf.unstack(planes), first + step >= num_slices)
