import keras
import numpy as np
import pytest

from deepresolve import networks, presets
from deepresolve.networks import cost


@pytest.fixture(scope="module")
def published():
    return networks.build_model(presets.get("seg_cnn"))


def layers_of(model, kind):
    return [layer for layer in model.layers if type(layer) is kind]


def test_published_network_has_the_published_levels(published):
    # METHOD: 5 levels, 32 to 512 features, 25% dropout.
    convolutions = layers_of(published, keras.layers.Conv3D)
    down = [32, 32, 64, 64, 128, 128, 256, 256, 512, 512]
    up = [256, 256, 128, 128, 64, 64, 32, 32]
    assert [layer.filters for layer in convolutions] == [*down, *up, 2]
    assert [layer.kernel_size for layer in convolutions] == [(3,) * 3] * 18 + [(1,) * 3]
    assert len(layers_of(published, keras.layers.MaxPooling3D)) == 4
    assert {x.rate for x in layers_of(published, keras.layers.Dropout)} == {0.25}


def test_published_network_has_the_size_counted_by_hand(published):
    pairs = [(1, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)]
    pairs += [(128, 256), (256, 256), (256, 512), (512, 512)]
    pairs += [(512, 256), (256, 256), (256, 128), (128, 128)]
    pairs += [(128, 64), (64, 64), (64, 32), (32, 32)]
    # Kernel, and scale and offset of its normalisation.
    convolutions = sum(27 * a * b + 2 * b for a, b in pairs)
    ups = sum(8 * 2 * n * n + n for n in (256, 128, 64, 32))
    classifier = 32 * 2 + 2
    expected = convolutions + ups + classifier
    assert cost.num_parameters(published) == expected
    # Running means and variances are kept, not learned.
    assert published.count_params() == expected + sum(2 * b for _, b in pairs)


def test_sizes_become_multiples_of_the_coarsest_voxel(published):
    assert published.get_layer("padded").multiples == (16, 16, 16)


def test_each_level_sees_half_the_resolution(small_config):
    model = networks.build_model(small_config("seg_cnn", num_levels=4))
    inner = keras.Model(model.input, model.get_layer("dropout_4").output)
    assert inner(np.zeros((1, 16, 9, 8, 1), np.float32)).shape == (1, 2, 2, 1, 32)


def test_fine_detail_goes_around_the_coarse_levels(small_config):
    # Without what comes up from below, the four convolutions of full size are left:
    # they reach 4 voxels each way.
    model = networks.build_model(small_config("seg_cnn"))
    up = model.get_layer("enlarge_1")
    up.set_weights([np.zeros_like(w) for w in up.get_weights()])
    before = np.random.default_rng(0).random((1, 16, 16, 16, 1)).astype(np.float32)
    after = before.copy()
    after[0, 8, 8, 8] += 1
    change = np.abs(np.asarray(model(after)) - np.asarray(model(before)))[0].max(-1)
    reached = np.argwhere(change)
    np.testing.assert_array_equal(reached.min(0), [4, 4, 4])
    np.testing.assert_array_equal(reached.max(0), [12, 12, 12])


@pytest.mark.parametrize("shape", [(24, 16, 8), (13, 22, 7)])
def test_folded_it_classifies_every_voxel(small_config, shape):
    config = small_config("seg_cnn", fold=(2, 2, 1))
    model = networks.build_model(config)
    image = np.random.default_rng(0).random((2, *shape, 1)).astype(np.float32)
    found = np.asarray(model(image))
    assert found.shape == (2, *shape, 3)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
    # Of the voxels folded together each has its own answer.
    assert (np.abs(np.diff(found[:, :, :2], axis=2)) > 1e-4).any()
    assert model.get_layer("padded").multiples == (4, 4, 2)
    assert networks.find_model(config).slice_multiple(config) == 2


def test_folded_answers_lie_where_their_voxels_do(small_config):
    """With the logits taken from the folded image itself, each voxel gets its own."""
    model = networks.build_model(small_config("seg_cnn", fold=(2, 2, 1)))
    folded = keras.Model(model.input, model.get_layer("fold").output)
    image = np.random.default_rng(0).random((1, 8, 4, 2, 1)).astype(np.float32)
    unfold = model.get_layer("unfold")
    padded = np.asarray(model.get_layer("padded")(image))
    np.testing.assert_array_equal(unfold([folded(image), padded]), padded)


def test_folding_makes_a_quarter_of_the_work(small_config):
    plain, folded = (
        cost.flop_per_voxel(
            networks.build_model(small_config("seg_cnn", num_features=16, fold=fold)),
            (16, 16, 8),
        )
        for fold in ((1, 1, 1), (2, 2, 1))
    )
    assert folded < 0.3 * plain
