"""One small knee whole: each way has its errors, and thin slices the least."""

import json
import pathlib
import subprocess
import sys

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


def test_every_way_is_measured_and_drawn(tmp_path):
    command = [sys.executable, "relaxometry.py", f"--output={tmp_path}"]
    command += ["--shape=80,80,36", "--pixel_mm=1.4", "--thin_mm=2"]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "relaxometry.json").read_text())
    ways = {"thick", "map", "cubic", "Fourier", "sr_knee", "thin"}
    assert set(results) == ways
    assert all(f"| {way} | " in done.stdout for way in ways)
    least = {way: of_knees[0]["absolute"] for way, of_knees in results.items()}
    assert min(least, key=least.get) == "thin" and least["thin"] < 1
    assert (tmp_path / "relaxometry.png").stat().st_size > 5000
