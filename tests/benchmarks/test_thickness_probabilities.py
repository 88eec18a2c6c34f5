"""Of a small ball the table has the order that the text tells."""

import pathlib
import subprocess
import sys

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


def test_probabilities_are_nearer_than_labels():
    found = subprocess.run(
        [
            *(sys.executable, "thickness_probabilities.py"),
            *("--radius_mm=6", "--thick_mm=1.5"),
        ],
        cwd=BENCHMARKS,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    head, _, *lines = (
        line.strip("| ").split(" | ") for line in found.stdout.split("\n")
    )
    rows = [dict(zip(head, line, strict=True)) for line in lines if len(line) > 1]
    assert [row["from"] for row in rows] == ["labels", "both"] * 2
    for labels, both in zip(rows[::2], rows[1::2], strict=True):
        assert labels["thickness (mm)"] == both["thickness (mm)"] == "1.5"
        assert float(both["of places (mm)"]) < float(labels["of places (mm)"])
