"""The benchmark on scans of a few voxels."""

import json
import pathlib
import subprocess
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Table and figures of a tiny run without Beam, which takes long to start."""
    folder = tmp_path_factory.mktemp("benchmark")
    script = (
        "import importlib.util, runpy, sys\n"
        "importlib.util.find_spec = lambda name: None\n"
        "sys.argv = ['convert.py', *sys.argv[1:]]\n"
        "sys.path.insert(0, '.')\n"
        "import convert\n"
        "from deepresolve.system import entry\n"
        "if __name__ == '__main__': entry.launch(convert.run)\n"
    )
    (folder / "without_beam.py").write_text(script)
    arguments = ["--shape=48,40,36", "--num_scans=6", "--num_distinct=2"]
    done = subprocess.run(
        [sys.executable, folder / "without_beam.py", *arguments, f"--output={folder}"],
        cwd=BENCHMARKS,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((folder / "convert.json").read_text())


def test_every_way_is_measured(measured):
    table, figures = measured
    assert [(row["runner"], row["num_workers"]) for row in figures["rows"]] == [
        *(("inflate", 1), ("pool", 1), ("inflate", 2), ("pool", 2))
    ]
    for row in figures["rows"]:
        assert row["sustained_mb_per_second"] > 0
        assert row["whole_mb_per_second"] > 0
        assert 0.01 < row["peak_gib"] < 64
    assert figures["mb_per_scan"] == 48 * 40 * 36 * 2 / 1e6
    assert 0 < figures["compressed_mb_per_scan"] < figures["mb_per_scan"]
    assert all(value > 0 for value in figures["steps_ms"].values())
    assert "pool: 2 workers are " in table
    assert "beam: not run, Apache Beam is not installed" in table
