import keras

from deepresolve import networks, presets
from deepresolve.networks import cost


def test_preset_has_the_size_counted_by_hand():
    model = networks.build_model(presets.get("unet_2d"))
    pairs = [(1, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)]
    pairs += [(128, 256), (256, 256), (256, 512), (512, 512)]
    pairs += [(512, 256), (256, 256), (256, 128), (128, 128)]
    pairs += [(128, 64), (64, 64), (64, 32), (32, 32)]
    convolutions = sum(9 * a * b + 2 * b for a, b in pairs)
    ups = sum(4 * 2 * n * n + n for n in (256, 128, 64, 32))
    assert cost.num_parameters(model) == convolutions + ups + 32 * 2 + 2
    assert not any(isinstance(x, keras.layers.Conv3D) for x in model.layers)


def test_slices_are_never_padded(small_config):
    model = networks.build_model(small_config("unet_2d", num_levels=3))
    assert model.get_layer("padded").multiples == (4, 4, 1)
