"""Streaming against one pass of the Keras model over the whole volume."""

import keras
import numpy as np
import pytest

from deepresolve import networks
from deepresolve.inference.streaming import StreamedModel
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

CHAIN = SuperResolutionConfig(num_layers=5, num_features=6)
CONFIGS = {
    "thin grid": CHAIN,
    "folded slices": CHAIN.replace(fold=(1, 1, 3), patch_shape=(32, 32, 33)),
    "folded in-plane": CHAIN.replace(fold=(2, 2, 3), patch_shape=(32, 32, 33)),
    "two layers": CHAIN.replace(num_layers=2),
}


@pytest.fixture(scope="module", params=CONFIGS.values(), ids=CONFIGS.keys())
def model(request):
    """A network with weights and biases large enough for errors to show."""
    network = networks.build_model(request.param)
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(0, 0.2, w.shape) for w in network.get_weights()])
    return network


def volume(*shape):
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def one_pass(model, array):
    return np.asarray(model(array[np.newaxis, ..., np.newaxis]))[0, ..., 0]


@pytest.mark.parametrize(
    "shape", [(9, 7, 23), *((4, 5, slices) for slices in range(1, 14)), (1, 1, 10)]
)
def test_equals_one_pass_over_the_whole_volume(model, shape):
    array = volume(*shape)
    expected = one_pass(model, array)
    actual = StreamedModel(model)(array)
    assert actual.dtype == np.float32
    tolerance = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


@pytest.fixture(scope="module")
def twins():
    """The same weights in a float32 network and in a bfloat16 one."""
    exact = networks.build_model(CHAIN)
    rng = np.random.default_rng(0)
    exact.set_weights([rng.normal(0, 0.1, w.shape) for w in exact.get_weights()])
    fast = networks.build_model(CHAIN, "mixed_bfloat16")
    fast.set_weights(exact.get_weights())
    return exact, fast


def test_bfloat16_rounds_about_as_much_as_keras_does(twins):
    exact, fast = twins
    array = volume(8, 8, 20)
    expected = one_pass(exact, array)
    residual = np.std(expected - array)
    assert residual > 0.05
    ours, keras_own = (
        np.std(result - expected) / residual
        for result in (StreamedModel(exact, "bfloat16")(array), one_pass(fast, array))
    )
    assert 1e-3 < keras_own < 0.05
    assert 0.5 * keras_own < ours < 4 * keras_own


def test_model_trained_in_bfloat16_is_streamed_exactly(twins):
    exact, fast = twins
    array = volume(8, 8, 20)
    np.testing.assert_allclose(
        StreamedModel(fast)(array), one_pass(exact, array), rtol=0, atol=1e-5
    )


def test_only_chains_can_be_streamed():
    inputs = keras.Input((None, None, None, 1))
    pooled = keras.layers.MaxPooling3D(1)(inputs)
    with pytest.raises(ValueError, match="MaxPooling3D layer; only a residual chain"):
        StreamedModel(keras.Model(inputs, pooled))


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
        StreamedModel(keras.Model(inputs, layer(inputs)))


def test_chain_without_its_residual_is_refused():
    inputs = keras.Input((None, None, None, 1))
    layer = keras.layers.Conv3D(1, 3, padding="same")
    with pytest.raises(ValueError, match="adds 0 times"):
        StreamedModel(keras.Model(inputs, layer(inputs)))
