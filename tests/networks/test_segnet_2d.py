import keras
import numpy as np
import pytest

from deepresolve import networks, presets
from deepresolve.networks import cost
from deepresolve.networks.layers import (
    FusedBatchNormalization,
    MaxPoolingWithIndices2D,
    MaxUnpooling2D,
)

# VGG16's convolutions (Simonyan, ICLR 2015, table 1, D), features in and out.
VGG16 = [(1, 64), (64, 64), (64, 128), (128, 128)]
VGG16 += [(128, 256), (256, 256), (256, 256)]
VGG16 += [(256, 512), (512, 512), (512, 512)] + [(512, 512)] * 3


@pytest.fixture(scope="module")
def published():
    return networks.build_model(presets.get("segnet_2d"))


def layers_of(model, kind):
    return [layer for layer in model.layers if type(layer) is kind]


def test_published_network_is_vgg16_and_its_mirror(published):
    convolutions = layers_of(published, keras.layers.Conv2D)
    mirrored = [a for a, _ in reversed(VGG16)]
    mirrored[-1] = 2  # not the image, but its classes
    features = [b for _, b in VGG16] + mirrored
    assert [layer.filters for layer in convolutions] == features
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    assert len(layers_of(published, FusedBatchNormalization)) == 25
    assert len(layers_of(published, MaxPoolingWithIndices2D)) == 5
    assert len(layers_of(published, MaxUnpooling2D)) == 5


def test_published_network_has_the_size_counted_by_hand(published):
    pairs = VGG16 + [(b, a) for a, b in reversed(VGG16[1:])]
    normalised = sum(9 * a * b + 2 * b for a, b in pairs)
    assert cost.num_parameters(published) == normalised + 9 * 64 * 2 + 2


def test_slices_are_never_padded(published):
    assert published.get_layer("padded").multiples == (32, 32, 1)


def test_decoder_is_led_by_the_places_of_the_maxima(small_config):
    model = networks.build_model(small_config("segnet_2d", num_levels=2))
    layers = [model.get_layer(name) for name in ("encode_2_2_relu", "unpool_2")]
    inner = keras.Model(model.input, [layer.output for layer in layers])
    x = np.random.default_rng(0).random((1, 8, 8, 2, 1)).astype(np.float32)
    before, after = (np.asarray(y) for y in inner(x))
    # Where something was put back, it is what was there; one maximum for each window.
    assert after.any()
    np.testing.assert_array_equal(after[after != 0], before[after != 0])
    windows = (2, 2, 2, 2, 2, 8)  # (slice, row, in window, column, in window, feature)
    maxima = before.reshape(windows).max((2, 4))
    np.testing.assert_array_equal(after.reshape(windows).sum((2, 4)), maxima)


def test_more_stages_than_vgg16_are_refused(small_config):
    with pytest.raises(ValueError, match=r"5 stages of VGG16 .* num_levels=6"):
        networks.build_model(small_config("segnet_2d", num_levels=6))
