"""Networks that are a chain of convolutions, as served models stream them."""

from __future__ import annotations

import keras

from deepresolve.networks.layers import Fold, Unfold


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
