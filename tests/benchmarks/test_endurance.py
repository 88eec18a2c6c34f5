"""A real training, killed at a random moment."""

import json
import pathlib
import subprocess
import sys

import pytest

from records import conversion
from records.datasets import DATASETS

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def records_dir(tmp_path):
    study = DATASETS["phantom"](
        num_subjects=3, phantom_shape=(24, 24, 24), phantom_spacing_mm=(2.0, 2.0, 2.0)
    )
    recipe = conversion.Recipe("phantom", study, split=(34, 33, 33))
    conversion.convert(recipe, str(tmp_path / "records"))
    return tmp_path / "records"


def test_a_killed_training_ends_with_the_state_of_an_undisturbed_one(
    records_dir, tmp_path
):
    command = [
        *(sys.executable, "endurance.py", f"--output={tmp_path}", "--kills=1"),
        *(f"--records={records_dir}", "--num_epochs=2", "--steps_per_epoch=15"),
        *("--task=segmentation", "--seg_flag=--num_levels=2"),
        "--seg_flag=--num_features=2",
        *("--seg_flag=--patch_shape=16,16,8", "--seg_flag=--max_blur=1"),
    ]
    done = subprocess.run(
        command, cwd=BENCHMARKS, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = json.loads((tmp_path / "endurance.json").read_text())
    assert result["task"] == "segmentation"
    assert result["sigterm_status"] == 143
    assert result["sigterm_seconds"] < 10
    assert result["tensors"] > 10
    assert result["tensors_that_differ"] == []
    assert result["second_status"] == 1
    # It went on after the SIGTERM, and after each of the two kills.
    first, second, third = result["resumed_at_steps"]
    assert 2 <= first < second < third < 30
    log = (tmp_path / "segmentation_killed.log").read_text()
    assert "SIGTERM: step " in log
    assert "Ended by SIGTERM." in log
    for name in ("best.keras", "last.keras"):
        assert (tmp_path / "segmentation_killed" / name).exists()
