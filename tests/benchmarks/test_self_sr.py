"""One small case whole, and where results lie between the slices of their truth."""

import json
import pathlib
import subprocess
import sys

import numpy as np

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"
SMALL = (
    "import self_sr, sys\n"
    "self_sr._PHANTOM_SHAPE, self_sr._PHANTOM_MM = (96, 96, 48), (1.0, 1.0, 1.4)\n"
    "from deepresolve.system import entry\n"
    "entry.launch(self_sr.run)\n"
)


def run(output):
    command = [sys.executable, "-c", SMALL, f"--output={output}", "--minutes=0"]
    command += ["--cases=phantom_3_0,phantom_2.5_10"]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_cases_are_measured_once_and_drawn(tmp_path):
    first = run(tmp_path)
    results = json.loads((tmp_path / "self_sr.json").read_text())
    assert [r["case"] for r in results] == ["phantom_3_0", "phantom_2.5_10"]
    for result in results:
        assert set(result["scores"]) == {"ours", "cubic", "fourier"}
        assert result["self_test"]["measured"] and result["steps"] == 0
        assert all(np.isfinite(s["psnr"]) for s in result["scores"].values())
    assert (tmp_path / "promise.png").stat().st_size > 1000
    assert (tmp_path / "minutes.png").stat().st_size > 1000
    assert run(tmp_path) == first  # nothing is computed again
