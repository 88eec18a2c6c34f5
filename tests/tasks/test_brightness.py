"""A task is one folder and one line: a toy one goes all the way.

`tests/brightness` is the folder, and `TASKS["brightness"] = "brightness"` the line. No
other file knows of it, and yet it trains on records, goes on after SIGKILL, validates,
predicts to a table, is exported for a server, and is measured over a cohort.
"""

import csv
import json
import pathlib
import re
import signal
import time

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.config import Config
from deepresolve.config.tasks import TASKS
from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume
from deepresolve.serving import saved_model
from deepresolve.tasks.servable import ServingOptions
from deepresolve.tasks.trained_run import TrainedRun

TESTS = pathlib.Path(__file__).parents[1]
COMMAND = f"""
import sys
sys.path[:0] = [{str(TESTS)!r}, {str(TESTS.parent)!r}]
from deepresolve.config.tasks import TASKS
TASKS["brightness"] = "brightness"
from deepresolve import commands
commands.start(sys.argv[1], sys.argv[2:])
"""
TRAIN = [
    *("train", "--task=brightness", "--bright_from=0.3", "--patch_shape=8,8,8"),
    *("--patch_sampling=random", "--patches_per_volume=8", "--min_tissue=0"),
    *("--batch_size=4", "--steps_per_epoch=6", "--num_epochs=3", "--learning_rate=0.5"),
    *("--checkpoint_minutes=0", "--validation_volumes=2", "--distribution=single"),
]


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """`python -m deepresolve` in a process that knows the task."""
    path = tmp_path_factory.mktemp("script") / "command.py"
    path.write_text(COMMAND, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(run_script, script):
    def to_the_end(*arguments):
        result = run_script(script, *arguments)
        output = result.stdout + result.stderr
        assert result.returncode == 0, output
        return output

    return to_the_end


@pytest.fixture(scope="module", autouse=True)
def registered():
    TASKS["brightness"] = "brightness"
    yield
    del TASKS["brightness"]


@pytest.fixture(scope="module")
def records(run_script, tmp_path_factory):
    """Scans that are dark or bright as a whole: the same, with more or less of it."""
    folder = tmp_path_factory.mktemp("scans")
    rng = np.random.default_rng(0)
    for number in range(10):
        share = 0.1 if number % 2 else 0.6  # of bright voxels
        array = 100 + 800 * (rng.random((16, 16, 16)) < share).astype(np.float32)
        formats.write(folder / f"knee{number}.nii.gz", Volume(array, np.eye(4)))
    target = tmp_path_factory.mktemp("records") / "set"
    flags = (f"--source={folder}", f"--output={target}", "--split=60,20,20")
    result = run_script("records", "convert", "--dataset=folder", *flags)
    assert result.returncode == 0, result.stderr
    return target


@pytest.fixture(scope="module")
def workdir(records, run_script, script, run, tmp_path_factory):
    """A run that was killed by SIGKILL within its second epoch, and went on."""
    path = tmp_path_factory.mktemp("runs") / "killed"
    arguments = (*TRAIN, f"--records={records}", f"--workdir={path}")
    training = run_script.start(script, *arguments)
    deadline = time.monotonic() + 240
    while steps_saved(path) <= 7 and time.monotonic() < deadline:
        time.sleep(0.005)
    training.kill()
    result = training.result()
    assert result.returncode == -signal.SIGKILL, result.stderr
    assert "Resuming" in run(*arguments)
    return path


def steps_saved(path):
    try:
        latest = tf.train.latest_checkpoint(str(path / "checkpoints"))
        name = "progress/step/.ATTRIBUTES/VARIABLE_VALUE"
        return int(tf.train.load_checkpoint(latest).get_tensor(name)) if latest else 0
    except (ValueError, tf.errors.OpError):  # between two checkpoints
        return 0


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match=r"Unknown task 'dimness'; known: \['bright"):
        Config.from_json(json.dumps({"task": "dimness"}))


def test_a_killed_run_ends_with_the_weights_of_an_undisturbed_one(
    records, workdir, run, tmp_path
):
    run(*TRAIN, f"--records={records}", f"--workdir={tmp_path / 'run'}")
    pairs = zip(
        TrainedRun.open(str(workdir)).network().get_weights(),
        TrainedRun.open(str(tmp_path / "run")).network().get_weights(),
        strict=True,
    )
    for resumed, undisturbed in pairs:
        np.testing.assert_array_equal(resumed, undisturbed)


def test_it_is_validated_over_the_cohort(workdir):
    shown = {
        value.tag
        for file in (workdir / "tensorboard").rglob("*tfevents*")
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    }
    assert "epoch_val_accuracy" in shown or "epoch_accuracy" in shown
    assert (workdir / "best.keras").exists()


def test_it_predicts_to_a_table(workdir, run, tmp_path):
    (tmp_path / "in").mkdir()
    for name, level in (("dark", 0.1), ("bright", 0.6)):
        rng = np.random.default_rng(1)
        array = 100 + 800 * (rng.random((12, 13, 14)) < level).astype(np.float32)
        formats.write(tmp_path / "in" / f"{name}.nii.gz", Volume(array, np.eye(4)))
    output = run(
        "predict",
        f"--workdir={workdir}",
        f"--input={tmp_path / 'in'}",
        f"--output={tmp_path / 'out'}",
    )
    with (tmp_path / "out" / "grades.csv").open(encoding="utf-8") as file:
        rows = {row["scan"]: row for row in csv.DictReader(file)}
    grades = {name.partition(".")[0]: row["grade"] for name, row in rows.items()}
    assert grades == {"dark": "0", "bright": "1"}, output


def test_it_is_served(workdir, tmp_path):
    trained = TrainedRun.open(str(workdir))
    folder = saved_model.export(
        trained, str(tmp_path / "grader"), 1, ServingOptions("float32", 16, 4.0)
    )
    served = tf.saved_model.load(folder).signatures["grade"]
    scan = np.random.default_rng(2).random((12, 13, 14)).astype(np.float32)
    served_one = served(tf.constant(scan[np.newaxis]))["probabilities"].numpy()[0]
    ((_, probability),) = (
        trained.predictor().predict(Volume(scan, np.eye(4))).tables["grades"]
    )
    assert served_one.max() == pytest.approx(probability, abs=1e-5)


def test_it_is_measured_over_a_cohort(workdir, records, run, tmp_path):
    printed = run(
        "evaluate",
        f"--records={records}",
        f"--workdir={workdir}",
        f"--output={tmp_path / 'report'}",
    )
    report = (tmp_path / "report" / "report.json").read_text(encoding="utf-8")
    accuracy, kappa = json.loads(report)["cohort"]
    assert (kappa["metric"], kappa["value"]) == ("weighted_kappa", 1.0)
    assert accuracy == {
        **{"image_set": "scan", "metric": "accuracy", "class": None, "value": 1.0},
        **{"unit_of_values": "", "n": 2, "network": "brightness"},
    }
    assert re.search(r"Accuracy \(%\) .* 2 \| +100.00 \|", printed)
