"""A whole volume through a 3D network, in bounded memory, as in a single pass.

SR-CNN is a chain of 3x3x3 convolutions. Output plane n of one convolution needs input
planes n - 1, n and n + 1 and no others. So the volume flows through four planes at a
time: a layer keeps the last two planes it was fed, puts them before the next four, and
answers with four planes, one plane behind. Nothing is computed twice, and the result is
the one of a single pass, zero padding at both ends included, but for rounding: in
float32 within 1e-5 of the largest value.

    planes fed      0 1 2 3    4 5 6 7    8 (the last), then nothing
    layer holds     2 3        6 7        . .
    planes out      . 0 1 2    3 4 5 6    7 8 . .

Four planes together cost half of what they cost one by one (`winograd`).

Memory beside the volume and the result: two planes per layer, and some twenty in the
hands of one layer at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from deepresolve.inference import winograd
from deepresolve.networks.layers import Fold, Unfold, fold, unfold
from deepresolve.system import progress_bar

_GROUP = winograd.NUM_OUTPUTS
# Planes before the first and after the last, which a layer takes for zero.
_OUTSIDE = [None] * _GROUP


class StreamedModel:
    """A chain of convolutions with a residual, applied four planes at a time.

    Args:
      model: a network of `deepresolve.networks.sr_cnn`.
      dtype: what the convolutions compute in, whatever the model was trained in:
        "float32", or "bfloat16", which is faster where the processor has it.

    Raises:
      ValueError: the model is not such a chain.
    """

    def __init__(self, model: keras.Model, dtype: str = "float32") -> None:
        self._dtype = dtype
        self._factors, convolutions = parse_chain(model)
        self._convolutions = [_Convolution(layer, dtype) for layer in convolutions]

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
            # The last planes may hold slices that only filled the fold up.
            rest = result[:, :, done : done + residual.shape[2]]
            rest += residual[:, :, : rest.shape[2]]
            done += rest.shape[2]
        return result

    def _stream(self, volume: np.ndarray, progress: bool) -> Iterator[list[tf.Tensor]]:
        """Feeds planes to the first layer and yields what leaves the last one."""
        num_planes = math.ceil(volume.shape[2] / self._factors[2])
        layers = [_Layer(c, num_planes) for c in self._convolutions]
        # Each layer is one plane behind the one before.
        firsts = range(0, num_planes + len(layers), _GROUP)
        work = len(firsts) * len(layers)
        with progress_bar.shown(
            "super-resolution", work, "step", hidden=not progress
        ) as bar:
            for first in firsts:
                group = self._planes(volume, first)
                for number, layer in enumerate(layers):
                    group = layer.push(group, first - number)
                    bar.update()
                inside = [plane for plane in group if plane is not None]
                if inside:
                    yield inside

    def _planes(self, volume: np.ndarray, first: int) -> list[tf.Tensor | None]:
        """The group from plane `first` on: (1, rows', columns', channels) each."""
        depth = self._factors[2]
        block = volume[:, :, first * depth : (first + _GROUP) * depth]
        if not block.size:
            return _OUTSIDE
        folded = fold(tf.constant(block[np.newaxis, ..., np.newaxis]), self._factors)
        planes = tf.unstack(tf.cast(folded, self._dtype), axis=3)
        return (planes + _OUTSIDE)[:_GROUP]

    def _slices(self, planes: list[tf.Tensor]) -> np.ndarray:
        """Undoes `_planes`: (rows, columns, slices)."""
        folded = tf.stack([tf.cast(plane, tf.float32) for plane in planes], axis=3)
        return unfold(folded, self._factors)[0, ..., 0].numpy()


class _Layer:
    """One convolution with the planes it still needs.

    Args:
      convolution: what it computes.
      num_planes: those of the volume.
    """

    def __init__(self, convolution: _Convolution, num_planes: int):
        self._convolution = convolution
        self._num_planes = num_planes
        self._held: list[tf.Tensor | None] = [None, None]

    def push(self, group: list[tf.Tensor | None], first: int) -> list[tf.Tensor | None]:
        """Takes planes `first` to `first` + 3; returns those from `first` - 1 on.

        None stands for a plane outside the volume.
        """
        planes = [*self._held, *group]
        self._held = planes[-2:]
        numbers = range(first - 1, first - 1 + _GROUP)
        inside = [0 <= number < self._num_planes for number in numbers]
        if not any(inside):
            return _OUTSIDE
        answers = self._convolution(planes)
        return [a if i else None for a, i in zip(answers, inside, strict=True)]


class _Convolution:
    """A 3x3x3 convolution of planes that lie one after the other.

    Args:
      layer: its weights and activation.
      dtype: what it computes in.
    """

    def __init__(self, layer: keras.layers.Conv3D, dtype: str):
        kernel, bias = (np.asarray(weight) for weight in layer.get_weights())
        self._kernels = tf.cast(winograd.transform_kernel(kernel), dtype)
        self._bias = tf.constant(bias, tf.float32)
        self._rectify = layer.activation is keras.activations.relu

    def __call__(self, planes: list[tf.Tensor | None]) -> list[tf.Tensor]:
        """Six planes (1, rows, columns, channels), None for zeros, to four."""
        known = [plane for plane in planes if plane is not None]
        if len(known) < len(planes):
            zeros = tf.zeros_like(known[0])
            planes = [zeros if plane is None else plane for plane in planes]
        return _convolve(planes, self._kernels, self._bias, self._rectify)


@tf.function(reduce_retracing=True)
def _convolve(
    planes: Sequence[tf.Tensor], kernels: tf.Tensor, bias: tf.Tensor, rectify: bool
) -> list[tf.Tensor]:
    products = [
        tf.nn.conv2d(factor, kernel, 1, "SAME")
        for factor, kernel in zip(_factors(planes), tf.unstack(kernels), strict=True)
    ]
    return _outputs(products, bias, rectify)


# Mixing moves much memory for little arithmetic, so it is compiled: each plane is read
# and written once. The sums are float32 whatever the planes are.
@tf.function(jit_compile=True)
def _factors(planes: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    wide = [tf.cast(plane, tf.float32) for plane in planes]
    mixed = winograd.mix(winograd.FROM_INPUTS, wide)
    return [tf.cast(plane, planes[0].dtype) for plane in mixed]


@tf.function(jit_compile=True)
def _outputs(
    products: Sequence[tf.Tensor], bias: tf.Tensor, rectify: bool
) -> list[tf.Tensor]:
    wide = [tf.cast(product, tf.float32) for product in products]
    mixed = [plane + bias for plane in winograd.mix(winograd.TO_OUTPUTS, wide)]
    if rectify:
        mixed = [tf.nn.relu(plane) for plane in mixed]
    return [tf.cast(plane, products[0].dtype) for plane in mixed]


def parse_chain(
    model: keras.Model,
) -> tuple[tuple[int, ...], list[keras.layers.Conv3D]]:
    """Fold factors and convolutions of a chain; ValueError for any other model."""
    factors: tuple[int, ...] = (1, 1, 1)
    convolutions, residuals = [], 0
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
