"""Every network and every loss keeps what its table promises."""

import dataclasses

import keras
import numpy as np
import pytest

from deepresolve.config.tasks import part, settings
from deepresolve.inference.streaming import StreamedModel
from deepresolve.networks import Model
from deepresolve.networks.layers import CUSTOM_OBJECTS
from deepresolve.networks.sr_cnn import MODEL as CHAIN
from deepresolve.networks.sr_views import NUM_INPUTS, NUM_PARTS
from deepresolve.tasks.segmentation.models import MODELS as SEGMENTATION

TASKS = ("segmentation", "super_resolution")
MODELS = [(task, name) for task in TASKS for name in part(task, "models").MODELS]
LOSSES = [(task, name) for task in TASKS for name in part(task, "models").LOSSES]
UNET = settings("segmentation")(num_features=4, num_levels=2)
SMALL = {"num_features": 4, "num_levels": 2, "num_layers": 3}


def small(task, **chosen):
    cls = settings(task)
    known = {field.name for field in dataclasses.fields(cls)}
    return cls(**{k: v for k, v in (SMALL | chosen).items() if k in known})


def volume(*shape, seed=0):
    return np.random.default_rng(seed).random((1, *shape, 1)).astype(np.float32)


def check_model(entry, config, num_outputs):
    """AssertionError where a network is not what its entry says."""
    assert isinstance(entry, Model)
    assert entry.title
    assert entry.engine in ("stream", "windows", "whole", "views")
    assert entry.num_resolutions(config) >= 1
    assert entry.live_channels(config) >= 1
    model = entry.build(config, "float32")
    if entry.engine == "views":
        _check_views(model)
    else:
        for shape in ((8, 9, 6), (5, 7, 3)):
            output = np.asarray(model(volume(*shape)))
            assert output.shape == (1, *shape, num_outputs)
        _check_slices(entry, config, model)
    if entry.engine == "stream":
        array = volume(8, 9, 6)
        streamed = StreamedModel(model)(array[0, ..., 0])  # ValueError: it cannot be
        np.testing.assert_allclose(streamed, np.asarray(model(array))[0], atol=1e-5)
    restored = keras.Model.from_config(model.get_config(), CUSTOM_OBJECTS)
    assert [w.shape for w in restored.weights] == [w.shape for w in model.weights]


def _check_views(model):
    """Images of any even number of pixels and any number of slices, to their parts."""
    for pixels, slices in ((8, 9), (14, 1)):
        views = np.zeros((2, pixels, slices, NUM_INPUTS), np.float32)
        assert np.asarray(model(views)).shape == (2, pixels, slices, NUM_PARTS)


def _check_slices(entry, config, model):
    """Whether slices are seen alone, and filled up to the multiple that it names."""
    multiple = entry.slice_multiple(config)
    one = volume(8, 8, 2 * multiple)
    other = one.copy()
    other[..., 0, :] = 1 - other[..., 0, :]
    changed = np.abs(np.asarray(model(one)) - np.asarray(model(other))) > 0
    elsewhere = changed[..., 1:, :].any()
    assert elsewhere != entry.slicewise, f"slicewise={entry.slicewise}"
    if multiple > 1:  # the last slice, repeated, makes no difference then
        short = np.asarray(model(one[:, :, :, :-1]))
        full = np.concatenate([one[:, :, :, :-1], one[:, :, :, -2:-1]], axis=3)
        np.testing.assert_allclose(
            short, np.asarray(model(full))[:, :, :, :-1], atol=1e-5
        )


def outputs_of(task, config):
    return 1 if task == "super_resolution" else 1 + len(config.class_names)


@pytest.mark.parametrize(("task", "name"), MODELS)
def test_every_network_is_what_its_entry_says(task, name):
    config = small(task, model=name)
    entry = part(task, "models").MODELS[name]
    check_model(entry, config, outputs_of(task, config))


@pytest.mark.parametrize(
    "changes",
    [
        {"slicewise": True},
        {"title": ""},
        {"engine": "steam"},
        {"live_channels": lambda config: 0},
        {"build": lambda config, precision: SEGMENTATION["unet_2d"].build(UNET)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_entry_that_is_wrong_is_found(changes):
    config = small("super_resolution", downsample_factors=(2,))
    good = dataclasses.replace(CHAIN)
    check_model(good, config, 1)
    with pytest.raises((AssertionError, ValueError)):
        check_model(dataclasses.replace(good, **changes), config, 1)


def test_a_network_of_slices_may_not_say_that_it_streams():
    config = small("segmentation")
    entry = dataclasses.replace(SEGMENTATION["unet_2d"], engine="stream")
    with pytest.raises(ValueError, match=r"SlicesToBatch layer.*cannot be streamed"):
        check_model(entry, config, 2)


def check_loss(make):
    """AssertionError where something is no loss that training can use."""
    loss = make()
    assert isinstance(loss, keras.losses.Loss)
    truth = np.random.default_rng(0).integers(0, 2, (2, 6, 5, 4, 1)).astype(np.uint8)
    estimates = np.concatenate([1 - truth, truth], axis=-1).astype(np.float32)
    estimates = estimates if make in _OVERLAPS else estimates[..., 1:]
    perfect = float(loss(truth, estimates))
    worse = float(loss(truth, estimates * 0.5 + 0.25))
    assert np.isfinite([perfect, worse]).all()
    assert perfect < worse


_OVERLAPS = list(part("segmentation", "models").LOSSES.values())


@pytest.mark.parametrize(("task", "name"), LOSSES)
def test_every_loss_is_smallest_where_nothing_is_wrong(task, name):
    check_loss(part(task, "models").LOSSES[name])


def test_a_loss_that_is_none_is_found():
    with pytest.raises(AssertionError):
        check_loss(lambda: keras.metrics.MeanSquaredError())
