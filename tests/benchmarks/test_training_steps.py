"""The benchmark on patches of a few voxels."""

import json
import pathlib
import subprocess
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Table and figures of one network."""
    folder = tmp_path_factory.mktemp("benchmark")
    command = [sys.executable, "training_steps.py", "--presets=seg_cnn_small"]
    command += ["--patch_shape=16,16,8", "--shape=32,32,16", "--rounds=2"]
    command += ["--precisions=float32", "--seconds=0.2", f"--output={folder}"]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads((folder / "training_steps.json").read_text())
    return done.stdout, row


def test_each_layer_is_timed_as_often_as_a_step_has_it(measured):
    table, row = measured
    calls = {part["kind"]: part["calls"] for part in row["parts"]}
    # Four levels: two convolutions on each way down, two on each way up, and classes.
    assert calls["Conv3D"] == 2 * 4 + 2 * 3 + 1
    assert calls["FusedBatchNormalization"] == calls["ReLU"] == 2 * 4 + 2 * 3
    assert calls["MaxPooling3D"] == calls["Conv3DTranspose"] == 3
    assert calls["loss"] == calls["optimizer"] == 1
    assert all(f"| {kind} |" in table for kind in calls)


def test_parts_and_what_lies_between_them_make_the_step(measured):
    _, row = measured
    seconds = {part["kind"]: part["seconds"] for part in row["parts"]}
    assert sum(seconds.values()) == pytest.approx(row["step_seconds"])
    assert min(s for kind, s in seconds.items() if kind != "between") > 0
    convolutions = seconds["Conv3D"] + seconds["Conv3DTranspose"]
    assert row["limit_share"] == pytest.approx(convolutions / row["step_seconds"])
    assert row["pipeline_processor_seconds"] > 0
    assert 0.2 < row["peak_gib"] < 64
