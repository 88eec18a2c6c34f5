import keras
import pytest

from deepresolve.inference.graphs.chain import parse_chain


def test_only_chains_are_served_as_streams():
    inputs = keras.Input((None, None, None, 1))
    pooled = keras.layers.MaxPooling3D(1)(inputs)
    with pytest.raises(ValueError, match="MaxPooling3D layer; only a residual chain"):
        parse_chain(keras.Model(inputs, pooled))


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 5},
        {"padding": "valid"},
        {"strides": 2},
        {"dilation_rate": 2},
        {"use_bias": False},
        {"activation": "tanh"},
    ],
)
def test_other_convolutions_are_refused(options):
    inputs = keras.Input((None, None, None, 1))
    options = {"filters": 1, "kernel_size": 3, "padding": "same", **options}
    layer = keras.layers.Conv3D(**options)
    with pytest.raises(ValueError, match="not a 3x3x3 convolution of stride 1"):
        parse_chain(keras.Model(inputs, layer(inputs)))


def test_chain_without_its_residual_is_refused():
    inputs = keras.Input((None, None, None, 1))
    layer = keras.layers.Conv3D(1, 3, padding="same")
    with pytest.raises(ValueError, match="adds 0 times"):
        parse_chain(keras.Model(inputs, layer(inputs)))
