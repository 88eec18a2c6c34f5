"""A whole volume through a 3D network, exactly, in bounded memory.

SR-CNN is a chain of 3x3x3 convolutions. Output plane n of one convolution needs input
planes n - 1, n and n + 1 and no others. So the volume flows through in blocks of
planes: each layer keeps the last two planes it was fed, puts them before the next
block, and is ready with one plane less than it got. Nothing is computed twice, and the
result is the one of a single pass, zero padding at both ends included.

    planes fed      0 1 2 3 | 4 5 6 7 | end
    layer holds     0       | 2 3     | 6 7        (0: the zero plane before the first)
    planes out      0 1 2   | 3 4 5 6 | 7

Memory beside the volume and the result: two planes per layer, and one block of planes
in the hands of one layer at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from deepresolve.networks.layers import Fold, Unfold, fold, unfold

DEFAULT_BLOCK_PLANES = 16


class StreamedModel:
    """A chain of convolutions with a residual, applied block by block.

    Args:
      model: a network of `deepresolve.networks.sr_cnn`.
      block_planes: planes fed at once; more are faster and take more memory.
      dtype: what the convolutions compute in, whatever the model was trained in:
        "float32" is exact, "bfloat16" is faster where the processor has it.

    Raises:
      ValueError: the model is not such a chain, or block_planes is below 1.
    """

    def __init__(
        self,
        model: keras.Model,
        block_planes: int = DEFAULT_BLOCK_PLANES,
        dtype: str = "float32",
    ) -> None:
        if block_planes < 1:
            raise ValueError(f"block_planes must be at least 1; got {block_planes}.")
        self._block_planes = block_planes
        self._dtype = dtype
        self._factors, convolutions = _parse(model)
        self._convolutions = [_plane_convolution(c, dtype) for c in convolutions]

    def __call__(self, volume: np.ndarray, progress: bool = False) -> np.ndarray:
        """The model's output for one volume.

        Args:
          volume: (rows, columns, slices) float32, scaled to 0..1.
          progress: show a progress bar.

        Returns:
          The same shape, float32.
        """
        rows, columns, _ = volume.shape
        result = np.array(volume, dtype=np.float32)
        done = 0
        for planes in self._stream(volume, progress):
            residual = self._slices(planes)[:rows, :columns]
            # The last block may hold slices that only filled the fold up.
            rest = result[:, :, done : done + residual.shape[2]]
            rest += residual[:, :, : rest.shape[2]]
            done += rest.shape[2]
        return result

    def _stream(self, volume: np.ndarray, progress: bool) -> Iterator[tf.Tensor]:
        """Feeds blocks to the first layer and yields what leaves the last one."""
        layers = [_Layer(convolve) for convolve in self._convolutions]
        num_slices = volume.shape[2]
        step = self._block_planes * self._factors[2]
        starts = range(0, num_slices, step)
        for start in tqdm(
            starts, unit="block", leave=False, disable=None if progress else True
        ):
            block = self._planes(volume[:, :, start : start + step])
            for layer in layers:
                block = layer.push(block, last=start + step >= num_slices)
            if block is not None:
                yield block

    def _planes(self, block: np.ndarray) -> tf.Tensor:
        """(rows, columns, slices) -> (1, slices', rows', columns', channels)."""
        folded = fold(tf.constant(block[np.newaxis, ..., np.newaxis]), self._factors)
        # Planes are slices, and lie one after the other in memory.
        return tf.cast(tf.transpose(folded, (0, 3, 1, 2, 4)), self._dtype)

    def _slices(self, planes: tf.Tensor) -> np.ndarray:
        """Undoes `_planes`."""
        folded = tf.transpose(tf.cast(planes, tf.float32), (0, 2, 3, 1, 4))
        return unfold(folded, self._factors)[0, ..., 0].numpy()


class _Layer:
    """One convolution with the planes it still needs."""

    def __init__(self, convolve):
        self._convolve = convolve
        self._held: tf.Tensor | None = None

    def push(self, block: tf.Tensor | None, last: bool) -> tf.Tensor | None:
        """Takes a block; returns the planes that are ready, or None."""
        parts = [part for part in (self._held, block) if part is not None]
        if not parts:
            return None
        edge = tf.zeros_like(parts[0][:, :1])
        if self._held is None:
            parts.insert(0, edge)
        if last:
            parts.append(edge)
        joined = tf.concat(parts, axis=1)
        self._held = joined[:, -2:]
        return self._convolve(joined) if joined.shape[1] >= 3 else None


def _plane_convolution(layer: keras.layers.Conv3D, dtype: str):
    """A function (1, n, rows, columns, c) -> (1, n - 2, rows, columns, c')."""
    kernel, bias = (tf.constant(np.asarray(w)) for w in layer.get_weights())
    # (rows, columns, slices, c, c') -> (slices, rows, columns, c, c')
    kernel = tf.cast(tf.transpose(kernel, (2, 0, 1, 3, 4)), dtype)
    bias = tf.cast(bias, dtype)
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


def _parse(model: keras.Model) -> tuple[tuple[int, ...], list[keras.layers.Conv3D]]:
    """Fold factors and convolutions of a chain; ValueError for any other model."""
    factors, convolutions, residuals = (1, 1, 1), [], 0
    for layer in model.layers:
        if isinstance(layer, Fold):
            factors = layer.factors
        elif isinstance(layer, keras.layers.Conv3D):
            _check_convolution(layer, model.name)
            convolutions.append(layer)
        elif isinstance(layer, keras.layers.Add):
            residuals += 1
        elif not isinstance(layer, (keras.layers.InputLayer, Unfold)):
            raise ValueError(
                f"{model.name} has a {type(layer).__name__} layer; only a residual "
                "chain of 3x3x3 convolutions can be streamed."
            )
    if residuals != 1:
        raise ValueError(
            f"{model.name} adds {residuals} times; only a chain whose output is its "
            "input plus one residual can be streamed."
        )
    return factors, convolutions


def _check_convolution(layer: keras.layers.Conv3D, model_name: str) -> None:
    plain = (
        layer.kernel_size == (3, 3, 3)
        and layer.padding == "same"
        and tuple(layer.strides) == tuple(layer.dilation_rate) == (1, 1, 1)
        and layer.groups == 1
        and layer.use_bias
        and layer.activation in (keras.activations.relu, keras.activations.linear)
    )
    if not plain:
        raise ValueError(
            f"{layer.name} of {model_name} is not a 3x3x3 convolution of stride 1 with "
            "padding 'same', a bias, and ReLU or none: it cannot be streamed."
        )
