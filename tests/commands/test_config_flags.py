import dataclasses
import json
import pathlib
import subprocess
import sys

import pytest

from deepresolve.config import Config
from deepresolve.config.tasks import TASKS, settings

# Of each command line its config, or the error that it ends with.
_SCRIPT = """
import json, sys
from absl import flags
from deepresolve.commands import config_flags
config_flags.define_flags()

def parsed(arguments):
    for name in list(flags.FLAGS):
        flags.FLAGS[name].unparse()
    try:
        flags.FLAGS(["train.py", *arguments])
        return {"config": config_flags.config_from_flags(flags.FLAGS).to_json()}
    except (flags.Error, ValueError) as error:
        return {"error": str(error)}

print(json.dumps([parsed(arguments) for arguments in json.loads(sys.argv[1])]))
assert "tensorflow" not in sys.modules and "scipy" not in sys.modules
"""
CLASSES = "femoral cartilage,tibial cartilage=medial+lateral"
GOOD = {
    "published": ["--preset=sr_cnn"],
    "overridden": [
        "--preset=sr_cnn",
        "--learning_rate=0.01",
        "--downsample_factors=2,3,4",
        "--random_flips",
        "--precision=mixed_bfloat16",
        "--num_layers=5",
        "--slice_profiles=rect,gaussian",
        "--thickness_range=0.5,2",
    ],
    "without a preset": ["--task=segmentation", "--num_levels=3"],
    "classes": ["--preset=seg_cnn", f"--classes={CLASSES}"],
}
BAD = {
    "--patch_shape=8,8,x": "--patch_shape takes whole numbers",
    "--thickness_range=1,thick": "--thickness_range takes numbers separated",
    "--thickness_range=1": "thickness_range must be of type tuple[float, float]",
    "--batch_size=0": "batch_size must be at least 1",
    "--batch_size=many": "batch_size",
    "--schedule=poly": "should be one of",
    "--num_layer=5": "Unknown command line flag 'num_layer'",
}


@pytest.fixture(scope="module")
def outcomes():
    """What became of each command line, in a process that TensorFlow stays out of."""
    lines = GOOD | {flag: ["--preset=sr_cnn", flag] for flag in BAD}
    command = [sys.executable, "-c", _SCRIPT, json.dumps(list(lines.values()))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(zip(lines, json.loads(done.stdout), strict=True))


@pytest.fixture(scope="module")
def configs(outcomes):
    return {name: Config.from_json(outcomes[name]["config"]) for name in GOOD}


def test_flags_override_the_preset_and_nothing_else(configs):
    assert configs["overridden"] == configs["published"].replace(
        learning_rate=0.01,
        downsample_factors=(2, 3, 4),
        random_flips=True,
        precision="mixed_bfloat16",
        num_layers=5,
        slice_profiles=("rect", "gaussian"),
        thickness_range=(0.5, 2.0),
    )


def test_without_a_preset_a_task_s_defaults_are_the_start(configs):
    assert configs["without a preset"] == settings("segmentation")(num_levels=3)


def test_classes_are_a_list_of_texts(configs):
    assert configs["classes"].classes == tuple(CLASSES.split(","))


@pytest.mark.parametrize("flag", BAD)
def test_bad_values_name_the_flag(outcomes, flag):
    assert BAD[flag] in outcomes[flag]["error"]


def test_help_of_train_lists_a_flag_for_every_field():
    root = pathlib.Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "train.py", "--help"], cwd=root, capture_output=True, text=True
    )
    configs = (Config, *(settings(name) for name in TASKS))
    names = {field.name for of in configs for field in dataclasses.fields(of)}
    for name in names - {"task"}:
        assert f"--{name}:" in result.stdout.replace("[no]", "")
