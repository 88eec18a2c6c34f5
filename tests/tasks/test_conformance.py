"""Every task is what the table of tasks promises."""

import dataclasses
import importlib
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf

from deepresolve import networks
from deepresolve.config import Config
from deepresolve.config.tasks import TASKS
from deepresolve.pipeline.pairs import Pairs
from deepresolve.tasks import options as options_of_all
from deepresolve.training.trainable import Trainable
from deepresolve.training.validation import Validation

NAMES = {1: "femoral cartilage"}
HEAVY = {"tensorflow", "keras", "scipy", "nibabel", "matplotlib", "skimage"}


def check_task(name, package):
    """AssertionError where a folder lacks what a task promises.

    Args:
      name: of the task.
      package: of its folder.
    """

    def part(module):
        return importlib.import_module(f"{package}.{module}")

    config = part("settings").SETTINGS()
    assert isinstance(config, Config)
    assert type(config) is not Config
    assert config.task == name, "a config says which task it is of"
    assert Config.from_json(config.to_json()) == config
    fields = dataclasses.fields(config)
    assert all(field.metadata["help"] for field in fields), "texts of flags"

    models = part("models")
    assert config.model in models.MODELS, "the default network is one"
    assert config.loss in models.LOSSES, "the default loss is one"
    assert networks.find_model(config) is models.MODELS[config.model]

    task = part("task").TASK
    assert isinstance(task, Trainable)
    assert type(config) is task.settings
    assert "image" in task.needs
    pairs = task.pairs(config, NAMES)
    assert isinstance(pairs, Pairs)
    for spec in (pairs.input_spec, pairs.target_spec):
        assert isinstance(spec, tf.TensorSpec)
        assert spec.shape.is_fully_defined(), "the shuffle buffer counts its bytes"
    validation = task.validation(config, NAMES)
    assert isinstance(validation, Validation)
    assert validation.monitor

    options = part("options").Options
    assert issubclass(options, options_of_all.Options)
    assert options.title
    assert all(field.metadata["help"] for field in dataclasses.fields(options))
    predictor = part("predictor")
    assert callable(predictor.load)
    for alone in (True, False):
        dtype, why = predictor.choose_dtype(alone=alone)
        assert dtype in ("float32", "bfloat16")
        assert why
    assert callable(part("servable").servable)
    assert callable(part("measuring").comparisons)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_task_is_what_the_table_promises(name):
    check_task(name, TASKS[name])


@pytest.mark.parametrize("name", sorted(TASKS))
@pytest.mark.parametrize("module", ["settings", "options"])
def test_what_flags_are_made_of_loads_nothing_heavy(name, module):
    script = f"import sys, {TASKS[name]}.{module}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(result.stdout.split())


# What is left out of, or wrong in, the copy of a good one.
PLANTED = {
    "the name of another": ("settings", '"brightness"', '"segmentation"'),
    "a network that is none": ("models", '{"pooled"', '{"other"'),
    "no servable": ("servable", "def servable", "def _servable"),
    "no measuring": ("measuring", "def comparisons", "def _comparisons"),
    "no dtype": ("predictor", '"float32", "it is small"', '"float8", "it is small"'),
    "a target without a shape": ("task", "TensorSpec(()", "TensorSpec((None,)"),
    "no monitor": ("task", 'monitor = "accuracy"', 'monitor = ""'),
    "no title": ("options", 'title = "Brightness"', 'title = ""'),
}


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Makes a copy of the toy task in which one text stands for another."""
    source = importlib.import_module("brightness").__path__[0]

    def plant(module, good, bad):
        folder = tmp_path / "brightness_copy"
        folder.mkdir()
        for path in sorted(pathlib.Path(source).glob("*.py")):
            text = path.read_text(encoding="utf-8").replace(
                "from brightness.", "from brightness_copy."
            )
            if path.stem == module:
                assert good in text
                text = text.replace(good, bad)
            (folder / path.name).write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        for name in [n for n in sys.modules if n.startswith("brightness_copy")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(TASKS, "brightness", "brightness_copy")

    return plant


def test_the_toy_task_is_one(planted):
    planted("settings", "A run.", "A run.")
    check_task("brightness", "brightness_copy")


@pytest.mark.parametrize("what", PLANTED)
def test_a_folder_that_is_no_task_is_found(planted, what):
    planted(*PLANTED[what])
    with pytest.raises((AssertionError, AttributeError, ValueError)):
        check_task("brightness", "brightness_copy")
