"""The parts of the benchmark that need no training."""

import pathlib
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


def python(*arguments):
    # In a process of its own: its flags are named as those of other programs.
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)


@pytest.fixture
def data(tmp_path):
    """A folder with a small scan by the name of a real one."""
    folder = tmp_path / "data"
    folder.mkdir()
    voxels = np.arange(4 * 5 * 12, dtype=np.int16).reshape(4, 5, 12)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), folder / "brain_t1.nii.gz")
    return folder


def test_the_scan_is_split_once_and_an_interrupted_run_continues(data, tmp_path):
    script = (
        "import pathlib, sys, real_scan\n"
        "real_scan.SCANS['brain'] |= {'train': ((0, 4), (0, 5), (0, 6)),"
        " 'test': ((1, 3), (0, 5), (8, 12))}\n"
        "real_scan.split_scan('brain', *map(pathlib.Path, sys.argv[1:]))"
    )
    scans = tmp_path / "scans"
    assert python("-c", script, data, scans).returncode == 0
    test = nib.load(scans / "brain_test.nii.gz")
    source = np.asarray(nib.load(data / "brain_t1.nii.gz").dataobj)
    np.testing.assert_array_equal(np.asarray(test.dataobj), source[1:3, :, 8:12])
    np.testing.assert_array_equal(test.affine[:3, 3], (1, 0, 8))
    expected = "subject,person,split\nbrain_train,train,train\nbrain_test,test,test\n"
    assert (scans / "persons.csv").read_text() == expected
    before = {p.name: p.stat().st_mtime_ns for p in scans.glob("*.nii.gz")}
    again = python("-c", script, tmp_path / "no data needed", scans)
    assert again.returncode == 0, again.stderr
    assert {p.name: p.stat().st_mtime_ns for p in scans.glob("*.nii.gz")} == before


def test_training_runs_add_up(tmp_path):
    script = (
        "import pathlib, sys, real_scan\n"
        "real_scan.command = lambda *arguments: None\n"
        "path = pathlib.Path(sys.argv[1])\n"
        'path.write_text(\'[{"seconds": 100, "peak_mib": 1e9}]\')\n'
        "cost = real_scan.train(path)\n"
        "assert 100 <= cost['train_wall_seconds'] < 101, cost\n"
        "assert cost['peak_mib'] == 1e9, cost\n"
        "assert len(real_scan.json.loads(path.read_text())) == 2\n"
    )
    result = python("-c", script, tmp_path / "train_runs.json")
    assert result.returncode == 0, result.stderr


def test_a_failed_step_is_one_line(tmp_path):
    result = python("real_scan.py", f"--data={tmp_path}", f"--output={tmp_path / 'o'}")
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert "brain_t1.nii.gz: there is no such file" in result.stderr
