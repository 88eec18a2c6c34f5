import importlib
import re

import pytest

from deepresolve import networks, presets
from deepresolve.config import Config
from deepresolve.config.tasks import settings
from deepresolve.networks import find_model


@pytest.mark.parametrize("name", sorted(presets.PRESETS))
def test_every_preset_survives_json(name):
    config = presets.get(name)
    assert Config.from_json(config.to_json()) == config
    assert config.preset == name


def check_preset(name, config, docstring):
    """AssertionError where a preset does not say what one is to say of itself."""
    assert type(config) is settings(config.task)
    find_model(config)
    networks.build_loss(config)
    assert f"python train.py --preset={name} " in docstring, "the command"
    sources = {"ours", "published"} & set(re.findall(r"\w+", docstring.lower()))
    assert sources, "where its values are from"


@pytest.mark.parametrize("name", sorted(presets.PRESETS))
def test_every_preset_says_where_it_is_from_and_how_it_is_run(name):
    module = importlib.import_module(f"deepresolve.presets.{name}")
    check_preset(name, module.CONFIG, module.__doc__)


@pytest.mark.parametrize(
    ("changes", "docstring"),
    [
        ({"model": "gan"}, "Ours, ours. python train.py --preset=mine --records=DIR"),
        ({"loss": "vibes"}, "Ours, ours. python train.py --preset=mine --records=DIR"),
        ({}, "All of it is ours."),
        ({}, "python train.py --preset=mine --records=DIR"),
    ],
)
def test_a_preset_that_is_wrong_is_found(changes, docstring):
    config = presets.get("sr_cnn").replace(**changes)
    with pytest.raises((AssertionError, ValueError)):
        check_preset("mine", config, docstring)


def test_unknown_preset_names_the_known():
    with pytest.raises(ValueError, match=r"known: \[.*'elnet', .*'sr_cnn',"):
        presets.get("sr_gan")


def test_published_preset_holds_the_published_numbers():
    # METHOD: SR-CNN table of the abstract; batch from MRSR.
    config = presets.get("sr_cnn")
    assert (config.num_layers, config.num_features) == (20, 64)
    assert (config.patch_shape, config.patch_stride) == ((32,) * 3, (16,) * 3)
    assert (config.learning_rate, config.num_epochs) == (1e-4, 20)
    assert (config.batch_size, config.downsample_factors) == (50, (3,))
    assert (config.schedule, config.optimizer) == ("constant", "adam")


def test_subpixel_differs_from_sr_cnn_in_grid_and_patches_alone():
    config = presets.get("sr_cnn_subpixel")
    allowed = {"preset", "fold", "patch_shape", "patch_stride"}
    assert set(config.differences(presets.get("sr_cnn"))) == allowed


def test_published_segmentation_holds_the_published_numbers():
    # METHOD: the table of Seg-CNN and its benchmark.
    config = presets.get("seg_cnn")
    assert (config.num_levels, config.num_features) == (5, 32)
    assert (config.patch_shape, config.dropout) == ((288, 288, 32), 0.25)
    assert (config.loss, config.learning_rate) == ("dice", 1e-3)
    assert (config.schedule, config.drop, config.epochs_per_drop) == ("step", 0.6, 5)
    assert config.num_epochs == 50
    assert config.class_names == ("femoral cartilage",)


@pytest.mark.parametrize("suffix", ["", "_small"])
def test_benchmarks_differ_from_seg_cnn_in_network_and_patches_alone(suffix):
    config = presets.get(f"seg_cnn{suffix}")
    allowed = {"preset", "model", "num_levels", "num_features", "dropout"}
    allowed |= {"patch_shape", "patches_per_volume", "batch_size"}
    for name in ("segnet_2d", "unet_2d"):
        assert set(config.differences(presets.get(name + suffix))) <= allowed


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"seed": 3, "precision": "mixed_bfloat16", "shuffle_mib": 8}, True),
        ({"num_layers": 2}, False),
        ({"num_epochs": 1}, False),
        ({"max_minutes": 5.0}, False),
    ],
)
def test_published_training_is_told_from_changed_ones(changes, same):
    config = presets.get("sr_cnn").replace(**changes)
    assert presets.trains_as(config, "sr_cnn") is same
    assert not presets.trains_as(config, "sr_cnn_small")
