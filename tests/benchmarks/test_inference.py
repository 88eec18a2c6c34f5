"""The benchmark on a small network and a small volume."""

import json
import pathlib
import subprocess
import sys

import pytest

from deepresolve import networks
from deepresolve.runs.workdir import Workdir
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def workdir(tmp_path):
    """A run that was started and not trained: nearly the interpolation."""
    run = Workdir(tmp_path / "run")
    config = SuperResolutionConfig(
        num_layers=3, num_features=4, patch_shape=(32, 32, 33)
    )
    run.start(config)
    run.save_model(networks.build_model(config), "best")
    return run


def test_the_tables_have_what_was_measured(workdir, tmp_path):
    command = [sys.executable, "inference.py", "--preset=sr_cnn_small"]
    command += ["--shape=24,28,30", "--one_pass_slices=30", f"--output={tmp_path}"]
    command += [f"--workdir={workdir.path}", "--dtypes=float32"]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    table = json.loads((tmp_path / "inference.json").read_text())
    assert table["volume_shape"] == [24, 28, 30]
    for name in ("streamed_float32", "one_pass_float32"):
        assert table[name]["voxels"] == 24 * 28 * 30
        assert table[name]["gflop_per_second"] > 0
        # TensorFlow alone takes some 0.3 GiB; a machine's memory is the other bound.
        assert 0.2 < table[name]["peak_gib"] < 64
    largest, _ = table["differences"]["streamed_float32, slices of the single pass"]
    assert largest < 1e-5
    quality = table["quality"]
    assert 20 < quality["float32"] < 40
    assert quality["bfloat16"] == pytest.approx(quality["float32"], abs=0.05)
    assert quality["bfloat16"] != quality["float32"]
    assert "MONAI was not run: give --peer_python" in done.stdout
