"""The command with a network of views, which learns from the scan itself."""

import json
import pathlib
import signal
import subprocess
import sys
import time

import nibabel as nib
import numpy as np
import pydicom
import pytest

from deepresolve.tasks.super_resolution.options import PASSING_FOLDER

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def voxels():
    """(40, 44, 6) int16 of smooth shapes: 8 slices of 4 mm have room in plane."""
    i, j, k = np.meshgrid(*(np.arange(n) for n in (40, 44, 6)), indexing="ij")
    waves = np.sin(i / 3 + k / 2) * np.cos(j / 4) + np.cos((i + j) / 7)
    return np.rint(200 * (waves + 2)).astype(np.int16)


@pytest.fixture
def scan(voxels, tmp_path):
    """Slices 4 mm apart, pixels of 0.8 mm."""
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(voxels, np.diag([0.8, 0.8, 4.0, 1.0])), path)
    return path


@pytest.fixture
def predict(run_script):
    def run(source, output, *flags):
        given = (f"--input={source}", f"--output={output}", *flags)
        return run_script("deepresolve", "predict", *given)

    return run


def report_beside(path):
    name = path.name.removesuffix(".gz").removesuffix(".nii")
    return json.loads((path.parent / f"{name}_trust.json").read_text())


def test_one_scan_without_a_workdir_is_learned_from(predict, scan, tmp_path):
    """With a slice profile that was measured."""
    output, profile = tmp_path / "out" / "thin.nii.gz", tmp_path / "profile.txt"
    profile.write_text("-4 0\n0 1\n4 0\n")
    result = predict(scan, output, "--learn_steps=2", f"--slice_profile={profile}")
    assert result.returncode == 0, result.stderr
    assert "note: sr_knee" in result.stderr
    assert "Learning from the scan: 2 steps." in result.stdout
    assert nib.load(output).shape == (40, 44, 18)
    report = report_beside(output)
    assert report["learned"]["from_scan"] is True
    assert report["learned"]["steps"] == 2
    assert report["slice_profile"]["shape"] == "measured"
    thickness_mm = report["slice_profile"]["slice_thickness_mm"]
    assert thickness_mm == pytest.approx(4.0, abs=0.01)
    # The passing folder is gone.
    assert sorted(p.name for p in output.parent.iterdir()) == [
        *("thin.nii.gz", "thin_trust.json")
    ]


def test_a_profile_that_is_not_there_is_named(predict, scan, tmp_path):
    lost = predict(scan, tmp_path / "new.nii", "--slice_profile=lost.txt")
    assert lost.returncode == 1
    assert "lost.txt" in lost.stderr
    assert "Traceback" not in lost.stderr


@pytest.fixture
def two_scans(scan, tmp_path):
    """A folder of two."""
    source = tmp_path / "scans"
    source.mkdir()
    for name in ("a.nii.gz", "b.nii.gz"):
        (source / name).write_bytes(scan.read_bytes())
    return source


def test_two_scans_are_not_learned_from_unasked(predict, two_scans, tmp_path):
    plain = tmp_path / "plain"
    result = predict(two_scans, plain, "--slice_profile=rect")
    assert result.returncode == 0, result.stderr
    assert "Learning" not in result.stdout
    assert report_beside(plain / "b.nii.gz")["learned"] == {"from_scan": False}


@pytest.mark.parametrize("flag", ["--learn=scan", "--spacing_mm=1", "--isotropic"])
def test_other_networks_refuse_what_only_views_do(
    predict, silent_workdir, scan, tmp_path, flag
):
    output = tmp_path / "new" / "thin.nii"
    result = predict(scan, output, f"--workdir={silent_workdir.path}", flag)
    assert result.returncode == 1
    name = flag.partition("=")[0]
    assert f"{name}: only for a run of super_resolution (sr_views)" in result.stderr
    assert not output.parent.exists()


def test_a_dicom_series_tells_what_it_was_derived_by(
    predict, voxels, write_stack, tmp_path
):
    source, _ = write_stack(
        num_slices=6,
        each=lambda n: {
            "pixels": voxels[:, :, n],
            "SOPInstanceUID": f"1.2.826.0.1.99.3.{n}",
            "StudyInstanceUID": "1.2.826.0.1.99.1",
            "PixelSpacing": [0.8, 0.8],
            "MRAcquisitionType": "2D",
            "SliceThickness": 3.5,
        },
    )
    output = tmp_path / "thin"
    flags = ("--output_format=dicom", "--learn=scan", "--learn_steps=2")
    result = predict(source, output, *flags)
    assert result.returncode == 0, result.stderr
    images = [pydicom.dcmread(path) for path in sorted(output.glob("*.dcm"))]
    assert len(images) == 18
    told = images[0].DerivationDescription
    assert "learned from 5 slices in 2 steps" in told
    assert "slice profile rect, 3.5 mm (by the scan's header)" in told
    assert "learned from the scan" in images[0].SeriesDescription


def test_a_worker_of_beam_learns_from_each_of_two_scans(predict, two_scans, tmp_path):
    pytest.importorskip("apache_beam", reason="Apache Beam is not installed")
    output = tmp_path / "out"
    flags = ("--runner=beam", "--learn=scan", "--learn_steps=2", "--slice_profile=rect")
    result = predict(two_scans, output, *flags)
    assert result.returncode == 0, result.stderr
    for name in ("a.nii.gz", "b.nii.gz"):
        assert report_beside(output / name)["learned"]["steps"] == 2
    assert not list(tmp_path.rglob(PASSING_FOLDER))


def test_a_signal_while_it_learns_leaves_what_the_same_command_goes_on_from(
    predict, scan, tmp_path
):
    output = tmp_path / "out" / "thin.nii"
    flags = ("--learn_steps=30", "--slice_profile=rect")
    given = (f"--input={scan}", f"--output={output}", *flags)
    command = [sys.executable, "-m", "deepresolve", "predict", *given]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        until(lambda: list(output.parent.glob(f"{PASSING_FOLDER}/*/provenance.json")))
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 143, errors
    assert errors.endswith("\nEnded by SIGTERM.\n")
    assert [path.name for path in output.parent.iterdir()] == [PASSING_FOLDER]
    result = predict(scan, output, *flags)
    assert result.returncode == 0, result.stderr
    learned = report_beside(output)["learned"]
    assert (learned["steps"], learned["interruptions"]) == (30, 1)
    assert not (output.parent / PASSING_FOLDER).exists()


def until(condition, seconds=120):
    """Waits for what another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
