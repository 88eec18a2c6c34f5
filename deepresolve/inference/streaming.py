"""A whole volume through a 3D network, exactly, in bounded memory.

SR-CNN is a chain of 3x3x3 convolutions. Output plane n of one convolution needs input
planes n - 1, n and n + 1 and no others. So the volume flows through in blocks of
planes: each layer keeps the last two planes it was fed, puts them before the next
block, and is ready with one plane less than it got. Nothing is computed twice, and the
result is the one of a single pass, zero padding at both ends included.

    planes fed      0 1 2 3 | 4 5 6 7 | end
    layer holds     0       | 2 3     | 6 7        (0: the zero plane before the first)
    planes out      0 1 2   | 3 4 5 6 | 7

Memory: per layer two planes, and the blocks in one layer's hands.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from deepresolve.networks.layers import Fold, Unfold

DEFAULT_BLOCK_PLANES = 16


class StreamedModel:
    """A chain of convolutions with a residual, applied plane by plane.

    Args:
      model: a network of `deepresolve.networks.sr_cnn`.
      block_planes: planes fed at once; more are faster and take more memory.

    Raises:
      ValueError: the model is not such a chain, or block_planes is below 1.
    """

    def __init__(
        self, model: keras.Model, block_planes: int = DEFAULT_BLOCK_PLANES
    ) -> None:
        if block_planes < 1:
            raise ValueError(f"block_planes must be at least 1; got {block_planes}.")
        self._block_planes = block_planes
        self._fold, self._unfold, convolutions = _parse(model)
        self._dtype = convolutions[0].compute_dtype
        self._convolutions = [_plane_convolution(layer) for layer in convolutions]

    def __call__(self, volume: np.ndarray, progress: bool = False) -> np.ndarray:
        """The model's output for one volume.

        Args:
          volume: (rows, columns, slices) float32, scaled to 0..1.
          progress: show a progress bar.

        Returns:
          The same shape, float32.
        """
        inputs = tf.constant(volume, tf.float32)[tf.newaxis, ..., tf.newaxis]
        folded = inputs if self._fold is None else self._fold(inputs)
        # (1, rows, columns, slices, c) -> (1, slices, rows, columns, c): planes are
        # slices, and lie one after the other in memory.
        planes = tf.cast(tf.transpose(folded, (0, 3, 1, 2, 4)), self._dtype)
        residual = tf.concat(list(self._stream(planes, progress)), axis=1)
        residual = tf.transpose(residual, (0, 2, 3, 1, 4))
        if self._unfold is not None:
            residual = self._unfold([residual, inputs])
        return volume + residual[0, ..., 0].numpy()

    def _stream(self, planes: tf.Tensor, progress: bool) -> Iterator[tf.Tensor]:
        """Feeds blocks to the first layer and yields what leaves the last one."""
        layers = [_Layer(convolve) for convolve in self._convolutions]
        num_planes = int(planes.shape[1])
        starts = range(0, num_planes, self._block_planes)
        for start in tqdm(starts, unit="block", leave=False, disable=not progress):
            stop = min(start + self._block_planes, num_planes)
            yield from _push(layers, planes[:, start:stop], last=stop == num_planes)


class _Layer:
    """One convolution with the planes it still needs."""

    def __init__(self, convolve):
        self._convolve = convolve
        self._held: tf.Tensor | None = None

    def push(self, block: tf.Tensor | None, last: bool) -> tf.Tensor | None:
        """Takes a block; returns the planes that are ready, or None."""
        parts = [] if block is None else [block]
        if self._held is not None:
            parts.insert(0, self._held)
        elif block is not None:
            parts.insert(0, tf.zeros_like(block[:, :1]))
        if last:
            parts.append(tf.zeros_like(parts[0][:, :1]))
        if not parts:
            return None
        joined = tf.concat(parts, axis=1)
        self._held = joined[:, -2:]
        return self._convolve(joined) if joined.shape[1] >= 3 else None


def _push(layers, block: tf.Tensor | None, last: bool) -> Iterator[tf.Tensor]:
    for layer in layers:
        block = layer.push(block, last)
    if block is not None:
        yield tf.cast(block, tf.float32)


def _plane_convolution(layer: keras.layers.Conv3D):
    """A function (1, n, rows, columns, c) -> (1, n - 2, rows, columns, c')."""
    kernel, bias = (tf.constant(np.asarray(w)) for w in layer.get_weights())
    # (rows, columns, slices, c, c') -> (slices, rows, columns, c, c')
    kernel = tf.cast(tf.transpose(kernel, (2, 0, 1, 3, 4)), layer.compute_dtype)
    bias = tf.cast(bias, layer.compute_dtype)
    rectify = layer.activation is keras.activations.relu
    return lambda planes: _convolve(planes, kernel, bias, rectify)


# As one graph, so that TensorFlow fuses bias and ReLU into the convolution.
@tf.function(reduce_retracing=True)
def _convolve(planes, kernel, bias, rectify: bool):
    in_plane_edges = [[0, 0], [0, 0], [1, 1], [1, 1], [0, 0]]
    padded = tf.pad(planes, in_plane_edges)
    out = tf.nn.conv3d(padded, kernel, (1, 1, 1, 1, 1), "VALID")
    out = tf.nn.bias_add(out, bias)
    return tf.nn.relu(out) if rectify else out


def _parse(model: keras.Model):
    """Fold, unfold and convolutions of a chain; ValueError for any other model."""
    fold = unfold = None
    convolutions = []
    for layer in model.layers:
        if isinstance(layer, Fold):
            fold = layer
        elif isinstance(layer, Unfold):
            unfold = layer
        elif isinstance(layer, keras.layers.Conv3D):
            convolutions.append(layer)
        elif not isinstance(layer, (keras.layers.InputLayer, keras.layers.Add)):
            raise ValueError(
                f"{model.name} has a {type(layer).__name__} layer; only a residual "
                "chain of 3x3x3 convolutions can be streamed."
            )
    if any(c.kernel_size != (3, 3, 3) or c.padding != "same" for c in convolutions):
        raise ValueError(
            f"{model.name} has a convolution that is not 3x3x3 with padding 'same'."
        )
    return fold, unfold, convolutions
