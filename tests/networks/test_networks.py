"""What all networks of segmentation promise, and the tables."""

import keras
import numpy as np
import pytest

from deepresolve import networks
from deepresolve.config.tasks import part, settings
from deepresolve.networks.layers import CUSTOM_OBJECTS
from deepresolve.tasks.segmentation.models import MODELS
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

SEGMENTATION = sorted(MODELS)
every_network = pytest.mark.parametrize("name", SEGMENTATION)


def volume(*shape, seed=0):
    return np.random.default_rng(seed).random((1, *shape, 1)).astype(np.float32)


@every_network
@pytest.mark.parametrize("shape", [(8, 8, 4), (5, 7, 3), (1, 1, 1), (9, 4, 2)])
def test_any_size_comes_back_as_probabilities(name, shape, small_config):
    model = networks.build_model(small_config(name))
    probabilities = np.asarray(model(volume(*shape)))
    assert probabilities.shape == (1, *shape, 3)
    assert probabilities.dtype == np.float32
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(-1), 1, atol=1e-5)


@every_network
def test_volumes_of_a_batch_do_not_see_each_other(name, small_config):
    model = networks.build_model(small_config(name))
    first, second = volume(6, 5, 3), volume(6, 5, 3, seed=1)
    together = np.asarray(model(np.concatenate([first, second])))
    np.testing.assert_allclose(together[:1], model(first), atol=1e-6)
    np.testing.assert_allclose(together[1:], model(second), atol=1e-6)


@every_network
def test_slices_see_each_other_unless_slicewise(name, small_config):
    model = networks.build_model(small_config(name))
    before = volume(8, 8, 5)
    after = before.copy()
    after[:, :, :, 2] = volume(8, 8, 1, seed=1)[:, :, :, 0]
    change = np.asarray(model(after)) - np.asarray(model(before))
    changed = np.flatnonzero(np.abs(change).max((0, 1, 2, 4)))
    expected = [2] if name in [n for n in MODELS if MODELS[n].slicewise] else range(5)
    np.testing.assert_array_equal(changed, expected)


@every_network
def test_saved_and_loaded_it_gives_the_same(name, small_config, tmp_path):
    model = networks.build_model(small_config(name))
    model.compile("adam", networks.build_loss(small_config(name)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(
        tmp_path / "model.keras", compile=False, custom_objects=CUSTOM_OBJECTS
    )
    x = volume(6, 7, 3)
    np.testing.assert_array_equal(loaded(x), model(x))


@every_network
def test_same_seed_same_weights(name, small_config):
    config = small_config(name)
    first, second = (networks.build_model(config).get_weights() for _ in range(2))
    other = networks.build_model(config.replace(seed=1)).get_weights()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@every_network
def test_no_two_convolutions_start_alike(name, small_config):
    model = networks.build_model(small_config(name, num_features=1))
    seeds = [
        layer.kernel_initializer.seed
        for layer in model.layers
        if hasattr(layer, "kernel_initializer")
    ]
    assert len(set(seeds)) == len(seeds)


@every_network
def test_bfloat16_computes_but_variables_and_output_are_float32(name, small_config):
    config = small_config(name)
    model = networks.build_model(config, "mixed_bfloat16")
    assert all("float32" in str(weight.dtype) for weight in model.weights)
    convolutions = [x for x in model.layers if hasattr(x, "kernel_size")]
    assert {x.compute_dtype for x in convolutions} == {"bfloat16"}
    x = volume(6, 6, 3)
    probabilities = np.asarray(model(x))
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(-1), 1, atol=1e-5)
    exact = networks.build_model(config)(x)
    np.testing.assert_allclose(probabilities, exact, atol=0.05)


@every_network
def test_training_lowers_the_loss_in_mixed_precision(name, small_config):
    # A bright square is class 1, a bright row class 2.
    numbers = np.zeros((1, 8, 8, 4, 1), np.uint8)
    numbers[:, 2:5, 2:5] = 1
    numbers[:, 6] = 2
    image = np.array([0, 1, 0.5], np.float32)[numbers]
    config = small_config(name, dropout=0.1)
    keras.utils.set_random_seed(1)
    model = networks.build_model(config, "mixed_bfloat16")
    model.compile(
        keras.optimizers.Adam(0.02), networks.build_loss(config), jit_compile=False
    )
    history = model.fit(image, numbers, epochs=12, verbose=0).history["loss"]
    assert history[-1] < 0.7 * history[0]


@every_network
def test_dropout_acts_in_training_alone(name, small_config):
    x = volume(8, 8, 4)
    model = networks.build_model(small_config(name, dropout=0.9))
    plain = networks.build_model(small_config(name, dropout=0.0))
    plain.set_weights(model.get_weights())
    np.testing.assert_array_equal(model(x), plain(x))
    assert np.abs(model(x, training=True) - plain(x, training=True)).max() > 1e-3


TASKS = ("segmentation", "super_resolution")
TASK_OF = {name: task for task in TASKS for name in part(task, "models").MODELS}


@pytest.mark.parametrize("name", sorted(TASK_OF))
def test_every_model_is_built_for_its_own_task(name, small_config):
    config = small_config(name)
    if TASK_OF[name] == "segmentation":
        assert networks.build_model(config).name == name
    else:
        with pytest.raises(ValueError, match=f"'{name}' is for task=super_resolution"):
            networks.build_model(config)


@pytest.mark.parametrize("task", TASKS)
def test_every_loss_is_built_for_its_own_task(task):
    for name in part(task, "models").LOSSES:
        loss = networks.build_loss(settings(task)(loss=name))
        assert isinstance(loss, keras.losses.Loss)


def test_published_loss_is_the_mean_squared_error():
    rng = np.random.default_rng(0)
    target, estimate = rng.normal(size=(2, 3, 4, 5, 6, 1)).astype(np.float32)
    loss = networks.build_loss(SuperResolutionConfig())
    expected = np.mean((target - estimate) ** 2)
    np.testing.assert_allclose(float(loss(target, estimate)), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("build", "changes", "message"),
    [
        (
            networks.build_model,
            {"model": "gan"},
            r"Unknown model 'gan' for task=super_resolution; known: "
            r"\['sr_cnn', 'sr_views'\]",
        ),
        (
            networks.build_loss,
            {"loss": "vibes"},
            r"Unknown loss 'vibes' .* known: \['charbonnier', 'mean_absolute_error'",
        ),
        (
            networks.build_model,
            {"model": "seg_cnn"},
            r"'seg_cnn' is for task=segmentation, this run for task=super_resolution; "
            r"known: \['sr_cnn', 'sr_views'\]",
        ),
        (
            networks.build_loss,
            {"loss": "dice"},
            r"'dice' is for task=segmentation, this run for task=super_resolution; "
            r"known: \['charbonnier', 'mean_absolute_error'",
        ),
    ],
)
def test_other_names_list_the_known(build, changes, message):
    with pytest.raises(ValueError, match=message):
        build(SuperResolutionConfig(**changes))
