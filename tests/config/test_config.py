import dataclasses
import json

import pytest

from deepresolve.config import BOOKKEEPING, CHANGEABLE, Config
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig


def test_config_survives_json():
    config = SuperResolutionConfig(
        num_layers=7,
        downsample_factors=(2, 4),
        schedule="cosine",
        slice_profiles=("rect", "fir"),
        thickness_range=(0.5, 2.0),
    )
    assert Config.from_json(config.to_json()) == config


def test_json_holds_every_field():
    stored = json.loads(SuperResolutionConfig().to_json())
    fields = dataclasses.fields(SuperResolutionConfig)
    assert set(stored) == {field.name for field in fields}


def test_every_field_says_what_it_is():
    assert all(field.metadata["help"] for field in dataclasses.fields(Config))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_layers": 1}, "num_layers must be at least 2; got 1"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"patch_shape": (32, 32)}, r"patch_shape must be of type .*got \(32, 32\)"),
        ({"patch_shape": (32, 0, 32)}, "patch_shape must be at least 1"),
        ({"learning_rate": float("nan")}, "learning_rate must be finite; got nan"),
        ({"max_minutes": float("inf")}, "max_minutes must be finite; got inf"),
        ({"validation_shape": (64, 64, 6)}, "validation_shape must be at least 7"),
        ({"learning_rate": "fast"}, "learning_rate must be of type float"),
        ({"random_flips": 1}, "random_flips must be of type bool"),
        ({"batch_size": True}, "batch_size must be of type int"),
        ({"schedule": "poly"}, r"schedule must be one of .*; got 'poly'"),
        ({"drop": 1.5}, r"drop must be at most 1; got 1\.5"),
        ({"min_tissue": 2.0}, "min_tissue must be at most 1"),
        ({"drop": 0.3}, "drop belongs to schedule=step; got constant"),
        ({"patches_per_volume": 9}, "patches_per_volume needs patch_sampling=random"),
        ({"trained_layers": ("logits",)}, "needs init: .*trained_layers=logits"),
        ({"schedule": "step", "warmup_steps": 10}, "warmup_steps must be 0; got 10"),
        (
            {"deterministic": True, "max_minutes": 1.0},
            "give max_minutes=0 and the num_epochs to train; max_minutes is 1.0",
        ),
        ({"downsample_factors": ()}, "at least one factor"),
        ({"downsample_factors": (3, 9)}, "from 2 to 8; got 9"),
        ({"slice_profiles": ()}, "slice_profiles must name at least one"),
        ({"slice_profiles": ("rect", "box")}, r"of rect, gaussian, fir; got .*'box'"),
        ({"slice_profiles": ("fir", "fir")}, "each once"),
        ({"thickness_range": (0.0, 1.0)}, "two numbers above 0, the lower first"),
        ({"thickness_range": (2.0, 1.0)}, r"the lower first; got \(2\.0, 1\.0\)"),
        ({"thickness_range": (1.0, 3.1)}, "thickness_range must be at most 3"),
        ({"thickness_range": (1.0, float("nan"))}, "thickness_range must be finite"),
        ({"thickness_range": (1.0,)}, r"of type tuple\[float, float\]; got \(1\.0,\)"),
        ({"fold": (5, 1, 1)}, "must be a multiple of fold"),
        (
            {"fold": (1, 1, 2), "downsample_factors": (2, 4)},
            "works for downsample_factors=2 alone",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        SuperResolutionConfig().replace(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ()}, "at least one class"),
        ({"classes": ("tibia", "tibia")}, "'tibia' comes twice"),
        ({"classes": ("bone=femur+tibia", "tibia")}, r"\['tibia'\] are part of two"),
        ({"classes": ("bone=femur+",)}, r"NEW=NAME\+NAME; got 'bone=femur\+'"),
        ({"classes": (1,)}, r"classes must be of type tuple\[str, \.\.\.\]; got"),
        ({"foreground_rate": 1.1}, "foreground_rate must be at most 1"),
        ({"max_blur": 1.0, "patch_shape": (9, 9, 1)}, "patches of several slices"),
        ({"foreground_rate": 0.5}, "foreground_rate needs patch_sampling=random"),
        (
            {"fold": (2, 2, 1), "model": "unet_2d"},
            "for model=seg_cnn alone; got unet_2",
        ),
        ({"grid_mm": (0.5, 0.0)}, r"both above 0, or is 0,0; got \(0\.5, 0\.0\)"),
        ({"num_layers": 3}, "num_layers belongs to task=super"),
        ({"downsample_factors": (2,)}, "downsample_factors belongs to task=super"),
    ],
)
def test_what_makes_no_sense_for_a_segmentation_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        SegmentationConfig().replace(**changes)


def test_a_segmentations_fields_are_refused_in_super_resolution():
    with pytest.raises(ValueError, match="dropout belongs to task=segmentation; this"):
        SuperResolutionConfig().replace(dropout=0.5)


def test_a_field_that_nobody_has_is_refused():
    with pytest.raises(ValueError, match="Unknown config field 'crystal_ball'; known"):
        SuperResolutionConfig().replace(crystal_ball=True)


# Up to version 0.1 a config.json had the fields of all tasks.
OLDER = json.loads(SuperResolutionConfig(num_layers=7).to_json()) | {
    "dropout": 0.25,
    "classes": ["femoral cartilage"],
    # That field is of two other tasks by now.
    "num_levels": SegmentationConfig.num_levels,
}


def test_older_json_with_the_defaults_of_another_task_is_read():
    assert Config.from_json(json.dumps(OLDER)) == SuperResolutionConfig(num_layers=7)


def test_json_in_which_another_task_is_set_up_is_refused():
    with pytest.raises(ValueError, match="dropout belongs to task=segmentation; this"):
        Config.from_json(json.dumps(OLDER | {"dropout": 0.5}))


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match=r"Unknown task 'grading'; known: \['classif"):
        Config.from_json(json.dumps({"task": "grading"}))


def test_class_names_leave_out_what_is_merged():
    classes = ("femoral cartilage", "tibial cartilage=medial + lateral")
    config = SegmentationConfig(classes=classes)
    assert config.class_names == ("femoral cartilage", "tibial cartilage")
    assert Config.from_json(config.to_json()) == config


def test_config_of_another_version_names_what_it_does_not_know():
    text = json.dumps({"num_layers": 20, "crystal_ball": True})
    with pytest.raises(ValueError, match=r"Unknown config fields \['crystal_ball'\]"):
        Config.from_json(text)


def test_field_that_an_older_version_lacks_takes_its_default():
    config = SuperResolutionConfig(seed=3, num_layers=7, downsample_factors=(2, 4))
    values = json.loads(config.to_json())
    del values["fold"], values["deterministic"]
    del values["slice_profiles"], values["thickness_range"]
    assert Config.from_json(json.dumps(values)) == config


@pytest.mark.parametrize("text", ["null", "5", "[{}]", '"sr_cnn"', ""])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(ValueError, match=r"JSON object|Expecting value"):
        Config.from_json(text)


def test_differences_are_named():
    assert SuperResolutionConfig().differences(SuperResolutionConfig()) == []
    changed = SuperResolutionConfig(seed=3, num_layers=5)
    assert SuperResolutionConfig().differences(changed) == ["seed", "num_layers"]


def test_lists_of_fields_name_fields():
    names = {field.name for field in dataclasses.fields(Config)}
    assert names >= BOOKKEEPING | CHANGEABLE


def test_a_profile_may_be_a_file_where_its_name_cannot_be_a_shape():
    for name in ("profile.txt", "./profile", "a/b.csv"):
        assert SuperResolutionConfig(slice_profiles=(name,)).slice_profiles == (name,)
    with pytest.raises(ValueError, match=r"has a suffix or a folder: \./profile\.txt"):
        SuperResolutionConfig(slice_profiles=("profile",))
