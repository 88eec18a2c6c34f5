"""Streaming against one pass of the Keras model over the whole volume."""

from collections import Counter

import keras
import numpy as np
import pytest

from deepresolve import networks
from deepresolve.inference import stream_graph
from deepresolve.inference.convolutions import Convolution3
from deepresolve.inference.streaming import StreamedModel
from deepresolve.networks.layers import Crop, Pad
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

CHAIN = SuperResolutionConfig(num_layers=5, num_features=6)
UNET = SegmentationConfig(
    model="seg_cnn", num_features=4, num_levels=3, patch_shape=(32, 32, 24)
)
CONFIGS = {
    "chain": CHAIN,
    "chain, folded slices": CHAIN.replace(fold=(1, 1, 3), patch_shape=(32, 32, 33)),
    "chain, folded in-plane": CHAIN.replace(fold=(2, 2, 3), patch_shape=(32, 32, 33)),
    "two layers": CHAIN.replace(num_layers=2),
    "U-Net": UNET,
    "U-Net, folded in-plane": UNET.replace(fold=(2, 2, 1), num_levels=2),
    "U-Net, folded slices": UNET.replace(fold=(1, 2, 3), num_levels=2),
}


def built(config):
    """A network with biases and statistics that are none to begin with."""
    network = networks.build_model(config)
    rng = np.random.default_rng(0)
    # He's deviation keeps numbers about 1; variances, one a channel, stay positive.
    network.set_weights(
        [
            rng.normal(0, np.sqrt(2 / np.prod(w.shape[:-1])), w.shape)
            if w.ndim > 1
            else w + rng.random(w.shape) / 2
            for w in network.get_weights()
        ]
    )
    return network


@pytest.fixture(scope="module", params=CONFIGS.values(), ids=CONFIGS.keys())
def model(request):
    return built(request.param)


def volume(*shape):
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def one_pass(model, array):
    return np.asarray(model(array[np.newaxis, ..., np.newaxis]))[0]


@pytest.mark.parametrize(
    "shape", [(4, 5, slices) for slices in (1, 2, 3, 4, 5, 8, 9, 13, 26)] + [(9, 7, 6)]
)
def test_equals_one_pass_over_the_whole_volume(model, shape):
    array = volume(*shape)
    expected = one_pass(model, array)
    actual = StreamedModel(model)(array)
    assert actual.dtype == np.float32
    tolerance = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", ["U-Net", "U-Net, folded in-plane"])
def test_what_would_wait_in_too_much_memory_is_computed_once_more(monkeypatch, name):
    """The first two convolutions are; what waits for them is the volume alone."""
    model, array = built(CONFIGS[name]), volume(4, 5, 40)
    called, convolve = [], Convolution3.__call__

    def counting(self, planes):
        called.append(id(self))
        return convolve(self, planes)

    monkeypatch.setattr(Convolution3, "__call__", counting)
    results, calls = [], []
    for most_gib in (1.0, 0.0):
        monkeypatch.setattr(stream_graph, "_MOST_WAITING_GIB", most_gib)
        called.clear()
        results.append(StreamedModel(model)(array))
        calls.append(sorted(Counter(called).values()))
    kept, anew = results
    np.testing.assert_allclose(anew, one_pass(model, array), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(anew, kept)
    assert sum(calls[1]) > sum(calls[0])
    assert len(calls[1]) == len(calls[0])


@pytest.mark.parametrize(
    "config",
    [
        CHAIN.replace(num_features=8, num_layers=4),
        UNET.replace(num_features=8, num_levels=2),
    ],
    ids=["chain", "U-Net"],
)
@pytest.mark.parametrize("slices", [2, 7, 23])
def test_large_planes_of_many_channels_equal_one_pass(config, slices):
    """They go through Winograd's filtering."""
    model, array = built(config), volume(32, 40, slices)
    expected = one_pass(model, array)
    tolerance = 1e-5 * np.abs(expected).max()
    actual = StreamedModel(model)(array)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


@pytest.fixture(scope="module")
def unet():
    return built(UNET.replace(classes=("femur", "tibia", "patella"), num_levels=2))


def test_most_probable_is_the_largest_of_one_pass(unet):
    array = volume(4, 5, 13)
    labels = StreamedModel(unet).most_probable(array)
    assert labels.dtype == np.uint8
    assert len(np.unique(labels)) > 1
    np.testing.assert_array_equal(labels, one_pass(unet, array).argmax(axis=-1))


@pytest.mark.parametrize("num_levels", [2, 4])
def test_no_more_slices_are_read_than_the_network_looks_ahead(num_levels):
    """Each convolution looks one plane of its level ahead, each pooling one more."""
    config = UNET.replace(num_levels=num_levels, num_features=1)
    streamed = StreamedModel(networks.build_model(config))
    array = volume(8, 8, 200)
    read = []

    class Spied(np.ndarray):
        def __getitem__(self, index):
            if isinstance(index, tuple) and isinstance(index[-1], slice):
                read.append(index[-1].stop)
            return np.ndarray.__getitem__(self, index)

    planes = streamed._planes(array.view(Spied), "")
    next(planes)
    # Two down and two up at each level but the lowest, two there.
    convolutions = [4] * (num_levels - 1) + [2]
    ahead = sum(n * 2**level for level, n in enumerate(convolutions))
    poolings = 2 ** (num_levels - 1) - 1
    step = 8
    assert ahead <= max(read) <= ahead + poolings + 1 + step


@pytest.fixture(scope="module")
def twins():
    """The same weights in a float32 network and in a bfloat16 one."""
    config = CHAIN.replace(num_features=8)  # as many as Winograd's filtering asks for
    exact = networks.build_model(config)
    rng = np.random.default_rng(0)
    exact.set_weights([rng.normal(0, 0.1, w.shape) for w in exact.get_weights()])
    fast = networks.build_model(config, "mixed_bfloat16")
    fast.set_weights(exact.get_weights())
    return exact, fast


def test_bfloat16_rounds_about_as_much_as_keras_does(twins):
    exact, fast = twins
    array = volume(32, 32, 8)
    expected = one_pass(exact, array)
    residual = np.std(expected[..., 0] - array)
    assert residual > 0.05
    ours, keras_own = (
        np.std(result - expected) / residual
        for result in (StreamedModel(exact, "bfloat16")(array), one_pass(fast, array))
    )
    assert 1e-3 < keras_own < 0.05
    assert 0.5 * keras_own < ours < 4 * keras_own


def test_bfloat16_rounds_a_unet_about_as_much_as_keras_does(unet):
    config = UNET.replace(classes=("femur", "tibia", "patella"), num_levels=2)
    fast = networks.build_model(config, "mixed_bfloat16")
    fast.set_weights(unet.get_weights())
    array = volume(4, 5, 13)
    expected = one_pass(unet, array)
    ours, keras_own = (
        np.std(result - expected)
        for result in (StreamedModel(unet, "bfloat16")(array), one_pass(fast, array))
    )
    assert 1e-4 < keras_own < 0.05
    assert 0.25 * keras_own < ours < 4 * keras_own


def small_network(*layers):
    image = x = keras.Input((None, None, None, 1))
    for layer in layers:
        x = layer(x)
    model = keras.Model(image, x)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(1, 0.3, w.shape) for w in model.get_weights()])
    return model


def test_bfloat16_leaves_a_convolution_of_one_voxel_exact():
    model = small_network(keras.layers.Conv3D(3, 1, data_format="channels_last"))
    array = volume(4, 5, 6)
    actual = StreamedModel(model, "bfloat16")(array)
    np.testing.assert_allclose(actual, one_pass(model, array), rtol=0, atol=1e-6)


def test_bfloat16_rounds_an_up_convolution_once():
    """To 8 bits: half of the last of them is 2^-8 of the first."""
    model = small_network(
        keras.layers.MaxPooling3D(2, data_format="channels_last"),
        keras.layers.Conv3DTranspose(3, 2, strides=2, data_format="channels_last"),
    )
    array = volume(4, 6, 8)
    expected = one_pass(model, array)
    actual = StreamedModel(model, "bfloat16")(array)
    assert np.any(actual != expected)
    np.testing.assert_allclose(actual, expected, rtol=2**-8, atol=1e-6)


def test_planes_of_both_precisions_are_joined():
    """Convolutions of one voxel stay float32 beside those that are not."""
    image = keras.Input((None, None, None, 1))
    wide = keras.layers.Conv3D(4, 3, padding="same", activation="relu")(image)
    narrow = keras.layers.Conv3D(2, 1)(wide)
    both = keras.layers.Concatenate()([wide, narrow])
    model = keras.Model(image, keras.layers.Conv3D(3, 3, padding="same")(both))
    array = volume(6, 5, 4)
    expected = one_pass(model, array)
    actual = StreamedModel(model, "bfloat16")(array)
    np.testing.assert_allclose(actual, expected, atol=0.03 * np.abs(expected).max())


def test_model_trained_in_bfloat16_is_streamed_exactly(twins):
    exact, fast = twins
    array = volume(32, 32, 8)
    np.testing.assert_allclose(
        StreamedModel(fast)(array), one_pass(exact, array), rtol=0, atol=1e-5
    )


def test_a_volume_whose_levels_do_not_meet_is_refused():
    image = keras.Input((None, None, None, 1))
    down = keras.layers.MaxPooling3D(2)(image)
    up = keras.layers.Conv3DTranspose(1, 2, strides=2)(down)
    joined = keras.layers.Concatenate()([image, up])
    streamed = StreamedModel(keras.Model(image, joined))
    assert streamed(volume(4, 6, 8)).shape == (4, 6, 8, 2)
    with pytest.raises(ValueError, match=r"\(4, 6, 7\) and \(4, 6, 6\) voxels"):
        streamed(volume(4, 6, 7))


def test_padding_repeats_a_plane_that_came_before_the_last_chunk():
    """A pooling gives nothing of the last one of nine planes."""
    image = keras.Input((None, None, None, 1))
    pooled = keras.layers.MaxPooling3D(2, data_format="channels_last")(image)
    padded = Pad((1, 1, 3))(pooled)
    enlarged = keras.layers.Conv3DTranspose(
        2, 2, strides=2, data_format="channels_last", bias_initializer="ones"
    )(padded)
    model = keras.Model(image, Crop()([enlarged, image]))
    array = volume(4, 6, 9)
    expected = one_pass(model, array)
    np.testing.assert_allclose(StreamedModel(model)(array), expected, atol=1e-5)
