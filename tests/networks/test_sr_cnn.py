import keras
import numpy as np
import pytest

from deepresolve import networks, presets
from deepresolve.networks import cost
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

SMALL = SuperResolutionConfig(num_layers=3, num_features=4)
FOLDED = SMALL.replace(fold=(1, 1, 3), patch_shape=(32, 32, 33))


def volume(*shape):
    return np.random.default_rng(0).normal(size=(1, *shape, 1)).astype(np.float32)


def test_published_network_has_the_published_size():
    model = networks.build_model(presets.get("sr_cnn"))
    assert model.count_params() == 1_995_329  # METHOD: computed from the abstract
    convolutions = [x for x in model.layers if isinstance(x, keras.layers.Conv3D)]
    assert len(convolutions) == 20
    assert {x.kernel_size for x in convolutions} == {(3, 3, 3)}
    assert [x.filters for x in convolutions] == [64] * 19 + [1]
    activations = [x.activation.__name__ for x in convolutions]
    assert activations == ["relu"] * 19 + ["linear"]


def test_subpixel_network_costs_a_third():
    thin, thick = (presets.get(name) for name in ("sr_cnn", "sr_cnn_subpixel"))
    model = networks.build_model(thick)
    assert model.count_params() == 2_002_243
    # Published: 20 layers; 27 weights for each pair of channels, two operations each.
    expected = 2 * 27 * (3 * 64 + 18 * 64 * 64 + 64 * 3) / 3
    assert cost.flop_per_voxel(model, thick.patch_shape) == pytest.approx(expected)
    full = cost.flop_per_voxel(networks.build_model(thin), thin.patch_shape)
    assert full / expected == pytest.approx(3, rel=0.01)


@pytest.mark.parametrize("config", [SMALL, FOLDED])
@pytest.mark.parametrize("shape", [(8, 8, 9), (5, 7, 10), (1, 1, 1), (4, 3, 2)])
def test_any_size_comes_back(config, shape):
    model = networks.build_model(config)
    assert model(volume(*shape)).shape == (1, *shape, 1)


@pytest.mark.parametrize("config", [SMALL, FOLDED])
def test_without_residual_the_input_passes_unchanged(config):
    model = networks.build_model(config)
    residual = model.get_layer("residual")
    residual.set_weights([np.zeros_like(w) for w in residual.get_weights()])
    x = volume(6, 5, 7)
    np.testing.assert_array_equal(model(x), x)


@pytest.mark.parametrize("config", [SMALL, FOLDED])
def test_untrained_network_is_nearly_the_identity(config):
    x = np.abs(volume(12, 12, 12)).clip(0, 1)
    change = np.asarray(networks.build_model(config)(x)) - x
    assert 0 < np.abs(change).max() < 0.1


@pytest.mark.parametrize("config", [SMALL, FOLDED])
def test_bfloat16_computes_but_variables_and_output_are_float32(config):
    model = networks.build_model(config, "mixed_bfloat16")
    assert {
        str(w.dtype).split("'")[-2] if "'" in str(w.dtype) else str(w.dtype)
        for w in model.weights
    } == {"float32"}
    assert model.get_layer("conv_1").compute_dtype == "bfloat16"
    x = volume(6, 6, 6)
    np.testing.assert_allclose(model(x), networks.build_model(config)(x), atol=0.02)


def test_receptive_field_is_one_voxel_each_way_per_layer():
    model = networks.build_model(SMALL)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv3D):
            kernel, bias = layer.get_weights()
            layer.set_weights([np.ones_like(kernel), bias])
    x = np.zeros((1, 15, 15, 15, 1), np.float32)
    x[0, 7, 7, 7] = 1
    reached = np.argwhere(np.asarray(model(x))[0, ..., 0] != 0)
    assert reached.min() == 7 - 3
    assert reached.max() == 7 + 3


def test_same_seed_same_weights():
    first, second = (networks.build_model(SMALL).get_weights() for _ in range(2))
    other = networks.build_model(SMALL.replace(seed=1)).get_weights()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(
    ("build", "config", "message"),
    [
        (
            networks.build_model,
            SMALL.replace(model="gan"),
            r"known: \['sr_cnn', 'sr_views'\]",
        ),
        (networks.build_loss, SMALL.replace(loss="vibes"), "Unknown loss 'vibes'"),
    ],
)
def test_unknown_names_list_the_known(build, config, message):
    with pytest.raises(ValueError, match=message):
        build(config)
