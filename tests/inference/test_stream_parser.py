import keras
import numpy as np
import pytest

from deepresolve.inference.stream_parser import parse
from deepresolve.inference.streaming import StreamedModel


def network(*layers):
    """A model of layers one after the other."""
    inputs = keras.Input((None, None, None, 1))
    x = inputs
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


def convolution(**options):
    return keras.layers.Conv3D(
        **{"filters": 2, "kernel_size": 3, "padding": "same", **options}
    )


@pytest.mark.parametrize(
    "layer",
    [
        convolution(kernel_size=5),
        convolution(padding="valid"),
        convolution(strides=2),
        convolution(dilation_rate=2),
        convolution(filters=2, activation="tanh"),
        keras.layers.MaxPooling3D(3),
        keras.layers.MaxPooling3D(2, padding="same"),
        keras.layers.Conv3DTranspose(1, 3, strides=2),
        keras.layers.Conv3DTranspose(1, 2, strides=2, activation="relu"),
        keras.layers.ReLU(max_value=6),
        keras.layers.Activation("sigmoid"),
        keras.layers.AveragePooling3D(2),
        keras.layers.BatchNormalization(),  # after no convolution
    ],
    ids=lambda layer: layer.name,
)
def test_other_layers_are_refused(layer):
    with pytest.raises(ValueError, match=f"{layer.name}.*cannot be streamed"):
        parse(network(layer), "float32")


def test_a_layer_that_is_used_twice_is_refused():
    twice = convolution(filters=1)
    with pytest.raises(ValueError, match="more than once: it cannot be streamed"):
        parse(network(twice, twice), "float32")


def test_a_network_of_two_outputs_is_refused():
    one = network(convolution())
    two = keras.Model(one.inputs, [one.output, one.inputs[0]])
    with pytest.raises(ValueError, match="more than one input or output"):
        parse(two, "float32")


def test_convolution_normalisation_and_relu_are_one_step():
    block = (
        convolution(use_bias=False),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
    )
    assert len(parse(network(*block), "float32")) == 1


@pytest.mark.parametrize("others", ["convolved", "normalised"])
def test_what_others_take_stays_as_it_is(others):
    """A skip from before the normalisation or the ReLU sees what Keras says it does."""
    image = keras.Input((None, None, None, 1))
    convolved = convolution()(image)
    if others == "convolved":
        x = keras.layers.Activation("relu")(convolved)
        taken = convolved
    else:
        taken = keras.layers.BatchNormalization()(convolved)
        x = keras.layers.ReLU()(taken)
    model = keras.Model(image, keras.layers.Concatenate()([taken, x]))
    rng = np.random.default_rng(0)
    model.set_weights([w + rng.random(w.shape) - 0.3 for w in model.get_weights()])
    array = rng.normal(size=(4, 5, 6)).astype(np.float32)
    expected = np.asarray(model(array[np.newaxis, ..., np.newaxis]))[0]
    assert (expected[..., :2] < 0).any()
    np.testing.assert_allclose(StreamedModel(model)(array), expected, atol=1e-5)
