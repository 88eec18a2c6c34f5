"""The benchmark on small images."""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


def test_every_figure_is_measured(tmp_path):
    for package in ("flask", "selenium"):
        pytest.importorskip(package, reason=f"needs {package}")
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("drives a browser: needs chromium, chromedriver")
    command = [sys.executable, "reading.py", "--shape=24,20,16", "--steps=3"]
    command += ["--window=800,600", f"--output={tmp_path}"]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "reading.json").read_text())
    assert 0 < figures["first_image_ms"] <= figures["whole_case_ms"] < 60_000
    assert len(figures) == 2 + 3 * 3 * 2  # planes; drawing, drawn, frame; two numbers
    assert figures["axial_drawing_ms_median"] <= figures["axial_drawn_ms_median"]
