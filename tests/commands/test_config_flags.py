import dataclasses
import pathlib
import subprocess
import sys

import pytest

from deepresolve.config import Config
from deepresolve.config.tasks import TASKS, settings

_SCRIPT = """
import sys
from absl import flags
from deepresolve.commands import config_flags
config_flags.define_flags()
flags.FLAGS(sys.argv)
print(config_flags.config_from_flags(flags.FLAGS).to_json())
assert "tensorflow" not in sys.modules and "scipy" not in sys.modules
"""


def parse(*arguments):
    """The config of a command line, made in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", _SCRIPT, *arguments], capture_output=True, text=True
    )


def test_flags_override_the_preset_and_nothing_else():
    result = parse(
        "--preset=sr_cnn",
        "--learning_rate=0.01",
        "--downsample_factors=2,3,4",
        "--random_flips",
        "--precision=mixed_bfloat16",
        "--num_layers=5",
        "--slice_profiles=rect,gaussian",
        "--thickness_range=0.5,2",
    )
    assert result.returncode == 0, result.stderr
    config = Config.from_json(result.stdout)
    published = parse("--preset=sr_cnn")
    expected = Config.from_json(published.stdout).replace(
        learning_rate=0.01,
        downsample_factors=(2, 3, 4),
        random_flips=True,
        precision="mixed_bfloat16",
        num_layers=5,
        slice_profiles=("rect", "gaussian"),
        thickness_range=(0.5, 2.0),
    )
    assert config == expected


def test_without_a_preset_a_task_s_defaults_are_the_start():
    result = parse("--task=segmentation", "--num_levels=3")
    assert result.returncode == 0, result.stderr
    expected = settings("segmentation")(num_levels=3)
    assert Config.from_json(result.stdout) == expected


def test_classes_are_a_list_of_texts():
    classes = "femoral cartilage,tibial cartilage=medial+lateral"
    result = parse("--preset=seg_cnn", f"--classes={classes}")
    assert result.returncode == 0, result.stderr
    assert Config.from_json(result.stdout).classes == tuple(classes.split(","))


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--patch_shape=8,8,x", "--patch_shape takes whole numbers"),
        ("--thickness_range=1,thick", "--thickness_range takes numbers separated"),
        ("--thickness_range=1", "thickness_range must be of type tuple[float, float]"),
        ("--batch_size=0", "batch_size must be at least 1"),
        ("--batch_size=many", "batch_size"),
        ("--schedule=poly", "should be one of"),
        ("--num_layer=5", "Unknown command line flag 'num_layer'"),
    ],
)
def test_bad_values_name_the_flag(flag, message):
    result = parse("--preset=sr_cnn", flag)
    assert result.returncode != 0
    assert message in result.stderr


def test_help_of_train_lists_a_flag_for_every_field():
    root = pathlib.Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "train.py", "--help"], cwd=root, capture_output=True, text=True
    )
    configs = (Config, *(settings(name) for name in TASKS))
    names = {field.name for of in configs for field in dataclasses.fields(of)}
    for name in names - {"task"}:
        assert f"--{name}:" in result.stdout.replace("[no]", "")
