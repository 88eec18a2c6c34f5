"""The benchmark on a small scan."""

import json
import pathlib
import subprocess
import sys

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


def test_the_figures_are_those_of_the_answer(tmp_path):
    command = [sys.executable, "serving.py", "--preset=sr_cnn_small"]
    command += ["--shape=40,48,6", f"--output={tmp_path}"]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "serving.json").read_text())
    assert figures["answer_shape"] == [40, 48, 16]  # (6 - 1) * 3 + 1
    assert figures["largest_difference_of_full_scale"] < 1e-5
    assert 0.2 < figures["loaded_gib"] <= figures["peak_gib"] < 64
    assert figures["second_request_seconds"] > 0
