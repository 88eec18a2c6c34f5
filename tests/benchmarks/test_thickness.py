"""What was drawn is found again, and tables hold the numbers of their knees."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from deepresolve.imaging import formats
from deepresolve.simulation import phantom

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"
PLACE = "ThCtAB_aMe"
COARSE = (
    "import thickness, thickness_knees, thickness_tables\n"
    "thickness_knees.SPACING_MM = (0.8, 0.8, 1.5)\n"
    "from deepresolve.system import entry\n"
    "entry.launch(thickness.run)\n"
)


def run(output, *flags):
    command = [sys.executable, "-c", COARSE, f"--output={output}", *flags]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_small_run_measures_everything_once(tmp_path):
    drawn = phantom.knee(seed=1, shape=(120, 120, 58), spacing_mm=(0.8, 0.8, 1.5))
    formats.write(tmp_path / "knee_dess_labels.nii.gz", drawn.label)
    flags = "--num_knees=1", "--shape=120,120,58", f"--data={tmp_path}"
    table = run(tmp_path, *flags)
    content = json.loads((tmp_path / "thickness.json").read_text())
    (knee,) = content["knees"].values()
    assert set(knee["images"]) == {"ground_truth", "sr", "tci", "fourier", "thick"}
    for found in (knee["labels"], *knee["images"].values()):
        assert {"F", "MT", "LT", "cMF", "ccLF", "cLT", "MFTC"} <= set(found)
    error_mm = knee["images"]["sr"]["F"][PLACE] - knee["labels"]["F"][PLACE]
    assert f" {error_mm:+.3f} ± n/a |" in table
    error_mm = knee["labels"]["F"][PLACE] - knee["drawn"]["F"]
    assert f" {error_mm:+.3f} ± n/a |" in table
    cost = content["cost"]
    assert cost["before_gib"] <= cost["peak_gib"] < 2 and cost["num_places"] > 30
    assert cost["cpu_seconds"] > 0
    assert f"| {cost['seconds']:.1f} | {cost['cpu_seconds']:.1f} |" in table
    # Nothing of a knee is drawn or measured again.
    parts = "--parts=labels,images"
    assert run(tmp_path, *flags, parts).splitlines() == table.splitlines()[:-6]


def test_plates_are_as_thick_as_they_were_drawn(monkeypatch):
    """0.05 mm is the aim in voxels of 0.36 x 0.36 x 0.7 mm; these are larger."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import thickness_knees

    monkeypatch.setattr(thickness_knees, "SPACING_MM", (0.5, 0.5, 0.8))
    found = thickness_knees.on_true_labels(
        thickness_knees.draw(0, 7000, (184, 184, 109))
    )
    for place in ("F", "MT", "LT", "TrF", "cMF", "cLF", "cMT", "cLT"):
        error_mm = found["labels"][place][PLACE] - found["drawn"][place]
        assert abs(error_mm) < 0.06, place
    for whole, tibial, femoral in (("MFTC", "MT", "cMF"), ("cLFTC", "cLT", "ccLF")):
        parts = found["drawn"][tibial] + found["drawn"][femoral]
        assert found["drawn"][whole] == pytest.approx(parts)


@pytest.fixture
def tables(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import thickness_tables

    return thickness_tables


def knees(true, **image_sets):
    rows = []
    for n, mm in enumerate(true):
        images = {
            name: {"MT": {PLACE: found[n]}} if found[n] else {}
            for name, found in image_sets.items()
        }
        rows.append({"labels": {"MT": {PLACE: mm}}, "images": images})
    return rows


def test_errors_are_compared_pairwise(tables, capsys):
    true = [2.0, 2.2, 1.8, 2.4, 2.1]
    thin = [2.3, 2.4, 2.2, 2.7, 2.3]
    sr = [2.31, 2.42, 2.23, 2.74, 2.35]
    tci = [2.4, 2.51, 2.33, 2.86, None]
    made = knees(true, ground_truth=thin, sr=sr, tci=tci, fourier=tci, thick=tci)
    tables.of_images(made)
    lines = capsys.readouterr().out.splitlines()
    mean, sd = np.mean(np.subtract(sr, true)), np.std(np.subtract(sr, true), ddof=1)
    assert f"{mean:+.3f} ± {sd:.3f}" in lines[5] and "(4 knees)" in lines[5]
    # Four knees have both: all nearer, in both comparisons.
    p = stats.wilcoxon(np.subtract(tci[:4], sr[:4])).pvalue
    assert lines[-1].startswith("| MT | 4 | 0.325 | 0.425 | 4 of 4 |")
    assert f"| 0.025 | 0.125 | 4 of 4 | {p:.3f} |" in lines[-1]
