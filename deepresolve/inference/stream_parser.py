"""A Keras network as nodes that planes stream through.

Batch normalisation and ReLU after a convolution become part of its kernel and bias;
dropout, which does nothing outside of training, goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from deepresolve.inference.convolutions import Convolution3, convolve_plane
from deepresolve.inference.stream_grids import Cropped, Folded, Padded, Unfolded
from deepresolve.inference.stream_nodes import (
    Convolved,
    Enlarged,
    Joined,
    Node,
    Planewise,
    Pooled,
)
from deepresolve.networks import layers
from deepresolve.system.keras_stack import Tensor

_LINEAR, _RELU = keras.activations.linear, keras.activations.relu


class Step(NamedTuple):
    """A node, and where its inputs come from: 0 is the volume, n the n-th step."""

    node: Node
    parents: tuple[int, ...]

    @property
    def streams(self) -> tuple[int, ...]:
        """Those of the parents whose planes it takes."""
        return self.parents[: self.node.num_streams]


def parse(model: keras.Model, dtype: str) -> list[Step]:
    """The steps of a network, each after those that it takes its inputs from.

    Args:
      model: of one input, (batch, rows, columns, slices, 1), and one output.
      dtype: what its convolutions compute in.

    Raises:
      ValueError: it has layers that no planes can stream through.
    """
    try:
        return _Parser(model, dtype).steps
    except _UnknownLayerError as error:
        raise ValueError(
            f"{model.name} {error}: it cannot be streamed. Streams know 3x3x3 "
            "convolutions of stride 1 with padding 'same', batch normalisation after "
            "them, ReLU, softmax, poolings and transposed convolutions by 2, Add, "
            "Concatenate, Dropout, Pad, Crop, Fold and Unfold; declare the engine "
            '"windows" for any other.'
        ) from None


class _UnknownLayerError(Exception):
    """A layer that nothing is known of; what it is as the message."""


class _Parser:
    """Goes through a model; `steps` are the result."""

    def __init__(self, model: keras.Model, dtype: str):
        self._dtype = dtype
        self.steps: list[Step] = []
        self._places: dict[int, int] = {}  # of tensors, by id: the step they come from
        self._takers: dict[int, list] = defaultdict(list)
        for layer in model.layers:
            for tensor in _inputs(layer):
                self._takers[id(tensor)].append(layer)
        for layer in model.layers:
            if id(layer.output) not in self._places:  # else part of a convolution
                self._add(layer)
        if len(model.inputs) != 1 or len(model.outputs) != 1:
            raise _UnknownLayerError("has more than one input or output")
        if self._place(model.outputs[0]) != len(self.steps):
            raise _UnknownLayerError("computes more than its output")

    def _add(self, layer: keras.layers.Layer) -> None:
        """Adds the steps of a layer and remembers where its output comes from."""
        parents = tuple(self._place(tensor) for tensor in _inputs(layer))
        if isinstance(layer, keras.layers.InputLayer):
            place = 0
        elif isinstance(layer, keras.layers.Dropout):
            place = parents[0]
        elif isinstance(layer, (keras.layers.Activation, keras.layers.ReLU)):
            place = self._activate(_activation(layer), layer, parents[0])
        elif type(layer) is keras.layers.Conv3D:
            self._convolve(layer, parents[0])
            return
        else:
            place = self._step(_node(layer, self._dtype), *parents)
        self._places[id(layer.output)] = place

    def _place(self, tensor: Tensor) -> int:
        # A layer gives one tensor; who is called again gives another one, too.
        if id(tensor) not in self._places:
            raise _UnknownLayerError("uses a layer more than once")
        return self._places[id(tensor)]

    def _step(self, node: Node, *parents: int) -> int:
        self.steps.append(Step(node, parents))
        return len(self.steps)

    def _convolve(self, layer: keras.layers.Conv3D, parent: int) -> None:
        """Adds it, and with it the normalisation and the ReLU that follow it alone."""
        _check(layer, strides=(1, 1, 1), dilation_rate=(1, 1, 1), groups=1)
        kernel, bias = _weights(layer)
        activation, together = layer.activation, [layer]
        follower = self._only_taker(layer)
        if activation is _LINEAR and isinstance(
            follower, keras.layers.BatchNormalization
        ):
            scale, offset = _normalisation(follower)
            kernel, bias = kernel * scale, bias * scale + offset
            together.append(follower)
            follower = self._only_taker(follower)
        if activation is _LINEAR and isinstance(follower, keras.layers.ReLU):
            activation = _activation(follower)
            together.append(follower)
        rectify = activation is _RELU
        place = self._step(
            _convolution(layer, kernel, bias, rectify, self._dtype), parent
        )
        if not rectify:
            place = self._activate(activation, layer, place)
        self._places |= {id(member.output): place for member in together}

    def _activate(
        self, activation: Callable, layer: keras.layers.Layer, parent: int
    ) -> int:
        if activation is _LINEAR:
            return parent
        if activation is _RELU:
            return self._step(Planewise(tf.nn.relu), parent)
        if activation is keras.activations.softmax:
            return self._step(Planewise(_softmax), parent)
        raise _UnknownLayerError(
            f"has an activation in {layer.name} that is not ReLU or softmax"
        )

    def _only_taker(self, layer: keras.layers.Layer) -> keras.layers.Layer | None:
        takers = self._takers[id(layer.output)]
        return takers[0] if len(takers) == 1 else None


def _node(layer: keras.layers.Layer, dtype: str) -> Node:
    if isinstance(layer, keras.layers.MaxPooling3D):
        _check(layer, pool_size=(2, 2, 2), strides=(2, 2, 2), padding="valid")
        return Pooled()
    if isinstance(layer, keras.layers.Conv3DTranspose):
        _check(layer, kernel_size=(2, 2, 2), strides=(2, 2, 2), activation=_LINEAR)
        _check(layer, dilation_rate=(1, 1, 1), output_padding=None)
        return Enlarged(*_weights(layer), dtype)
    if isinstance(layer, keras.layers.Concatenate):
        _check(layer, axis=-1)
        return Joined(_concatenated, len(layer.input))
    if isinstance(layer, keras.layers.Add):
        return Joined(_sum, len(layer.input))
    if isinstance(layer, layers.Pad):
        return Padded(layer.multiples)
    if isinstance(layer, layers.Fold):
        return Folded(layer.factors)
    if isinstance(layer, layers.Unfold):
        return Unfolded(layer.factors)
    if isinstance(layer, layers.Crop):
        return Cropped()
    raise _UnknownLayerError(f"has a {type(layer).__name__} layer, {layer.name}")


def _convolution(
    layer: keras.layers.Conv3D,
    kernel: np.ndarray,
    bias: np.ndarray,
    rectify: bool,
    dtype: str,
) -> Node:
    if layer.kernel_size != (1, 1, 1):
        _check(layer, kernel_size=(3, 3, 3), padding="same")
        return Convolved(Convolution3(kernel, bias, rectify, dtype))
    # Of one voxel, as the one that tells the classes: it costs next to nothing, and
    # bfloat16 would leave its sums 8 bits.
    flat, offset = (
        tf.constant(kernel[:, :, 0], tf.float32),
        tf.constant(bias, tf.float32),
    )
    return Planewise(
        lambda plane: convolve_plane(tf.cast(plane, tf.float32), flat, offset, rectify)
    )


def _softmax(plane: tf.Tensor) -> tf.Tensor:
    return tf.nn.softmax(tf.cast(plane, tf.float32))


def _concatenated(planes: list[tf.Tensor]) -> tf.Tensor:
    if len({plane.dtype for plane in planes}) > 1:
        planes = [tf.cast(plane, tf.float32) for plane in planes]
    return tf.concat(planes, axis=-1)


def _sum(planes: list[tf.Tensor]) -> tf.Tensor:
    return tf.add_n([tf.cast(plane, tf.float32) for plane in planes])


def _inputs(layer: keras.layers.Layer) -> list[Tensor]:
    """The symbols that a layer was called on."""
    if isinstance(layer, keras.layers.InputLayer):
        return []
    try:
        symbols = layer.input
    except AttributeError:  # Keras 2: it has several
        raise _UnknownLayerError("uses a layer more than once") from None
    return list(symbols) if isinstance(symbols, (list, tuple)) else [symbols]


def _weights(layer: keras.layers.Layer) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias, float64; zeros where it has no bias."""
    kernel, *bias = (np.asarray(w, np.float64) for w in layer.get_weights())
    return kernel, bias[0] if bias else np.zeros(layer.filters)


def _normalisation(
    layer: keras.layers.BatchNormalization,
) -> tuple[np.ndarray, np.ndarray]:
    """What it multiplies each channel by outside of training, and what it adds."""
    _check(layer, scale=True, center=True)
    gamma, beta, mean, variance = (
        np.asarray(w, np.float64) for w in layer.get_weights()
    )
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return scale, beta - mean * scale


def _activation(layer: keras.layers.Layer) -> Callable:
    if isinstance(layer, keras.layers.Activation):
        return layer.activation
    _check(layer, max_value=None, negative_slope=0.0, threshold=0.0)
    return _RELU


def _check(layer: keras.layers.Layer, **expected: Any) -> None:
    """_UnknownLayerError unless the layer's attributes are those."""
    for name, value in expected.items():
        actual = getattr(layer, name)
        actual = tuple(actual) if isinstance(actual, list) else actual
        if actual != value:
            raise _UnknownLayerError(
                f"has {name}={actual} in {layer.name}; expected {value}"
            )
