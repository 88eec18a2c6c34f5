"""Of what is measured: the program itself makes scans and starts every command."""

import json
import pathlib
import subprocess
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


def value(expression):
    """What an expression gives in a process of its own, for the flags' sake."""
    script = f"import json, command_memory as c; print(json.dumps({expression}))"
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=BENCHMARKS, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def test_what_a_larger_scan_adds():
    found = value("c.slope([2**20, 3 * 2**20], [0.5, 0.75])")
    assert found["bytes_per_voxel"] == 128  # 0.25 GiB for 2 Mi voxels
    # 0.5 GiB for the first Mi voxels, of 22.5.
    assert found["oai_gib"] == pytest.approx(0.5 + 21.5 * 128 / 1024)


def test_the_peak_is_that_of_the_process_that_was_started():
    code = "x = b'1' * (300 << 20)"
    small, large = value(f"[c.peak('-c', 'pass').gib, c.peak('-c', {code!r}).gib]")
    assert large - small == pytest.approx(300 / 1024, rel=0.1)
