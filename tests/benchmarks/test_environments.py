"""The benchmark of machines: what it takes for the same, and for right."""

import pathlib
import sys

import numpy as np
import pytest
from world import scans

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def environments(monkeypatch):
    """The benchmark's own modules, whose flags are none of this process."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from environment_cases import commands, machines

    yield commands, machines
    for name in [name for name in sys.modules if name.startswith("environment_cases")]:
        del sys.modules[name]


def test_results_are_told_apart_by_their_voxels(environments, tmp_path):
    commands, _ = environments
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    names = ("a.nii.gz", "b.nii.gz", "c.nii.gz")
    for name, edited in zip(names, (array, array, array + 1), strict=True):
        scans.nifti(tmp_path / name, edited)
    first, again, other = (commands.digest(tmp_path, (name,)) for name in names)
    assert first == again != other


def test_what_is_missing_is_no_result(environments, tmp_path):
    commands, _ = environments
    with pytest.raises(FileNotFoundError, match=r"gone\.csv"):
        commands.digest(tmp_path, ("gone.csv",))


def test_machines_are_prepared_in_their_folder(environments, tmp_path):
    _, machines = environments
    for number, machine in enumerate(machines.MACHINES.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        variables = machine.make(folder)
        assert {type(value) for value in variables.values()} <= {str, type(None)}
        assert "HOME" in variables
