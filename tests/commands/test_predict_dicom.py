"""The command, from a DICOM scan to DICOM results."""

import hashlib
import pathlib

import nibabel as nib
import numpy as np
import pydicom
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.degradation import interpolate


@pytest.fixture
def predict(run_script):
    """Runs the command for DICOM results."""

    def run(workdir, source, output, *flags):
        given = [f"--workdir={workdir.path}", f"--input={source}", f"--output={output}"]
        flags = ("--output_format=dicom", *flags)
        return run_script("deepresolve", "predict", *given, *flags)

    return run


@pytest.fixture
def scan(write_stack):
    """A folder of DICOM slices with what results refer to."""
    return stack(write_stack, 13, 12)


def stack(write_stack, rows, columns):
    """Six slices of noise."""
    shape = (6, rows, columns)
    pixels = np.random.default_rng(3).integers(0, 900, shape, dtype=np.int16)
    return write_stack(
        "scan",
        num_slices=6,
        each=lambda n: {
            "pixels": pixels[n],
            "SOPInstanceUID": f"1.2.826.0.1.99.3.{n}",
            "StudyInstanceUID": "1.2.826.0.1.99.1",
            "PatientID": "42",
            "SeriesDescription": "Sag PD",
        },
    )[0]


def test_a_scan_becomes_a_derived_series(predict, silent_workdir, scan, tmp_path):
    output = tmp_path / "results" / "thin"
    result = predict(silent_workdir, scan, output, "--downsample_factor=3")
    assert result.returncode == 0, result.stderr
    assert "arning" not in result.stderr.replace("WARNING: All log messages", "")
    thick = formats.read_image(scan)
    expected = interpolate(thick, 3)  # The network is silent.
    thin = formats.read_image(output)
    np.testing.assert_allclose(thin.affine, expected.affine, atol=1e-6)
    held = np.maximum(expected.array, thick.array.min())
    assert np.abs(thin.array - held).max() <= 0.51
    image = pydicom.dcmread(output / "0001.dcm")
    assert image.PatientID == "42"
    assert image.SeriesDescription == "Sag PD computed super-resolution x3"
    network = pathlib.Path(silent_workdir.path, "best.keras").read_bytes()
    assert hashlib.sha256(network).hexdigest() in image.DerivationDescription
    again = predict(silent_workdir, scan, output)
    assert again.returncode == 1
    assert "thin exists already" in again.stderr


# What `predict` reads of a run, by the names of the files.
COUNTED = """
import atexit, collections, pathlib, runpy
from deepresolve.system import storage

counts = collections.Counter()

def counting(function):
    def read(path, *arguments):
        counts[f"{function.__name__} {pathlib.Path(path).name}"] += 1
        return function(path, *arguments)
    return read

storage.read, storage.sha256 = counting(storage.read), counting(storage.sha256)
atexit.register(lambda: print("counted", sorted(counts.items())))
runpy.run_module("deepresolve", run_name="__main__")
"""


def test_a_command_reads_a_run_and_hashes_its_network_once(
    run_script, write_stack, tmp_path
):
    """Trust and DICOM both tell the hash."""
    scan = stack(write_stack, 72, 72)  # slices 4 mm apart need some room in plane
    flags = [f"--input={scan}", f"--output={tmp_path / 'thin'}", "--learn=none"]
    network = "--pretrained=sr_knee"
    given = ["predict", network, "--output_format=dicom", *flags]
    script = tmp_path / "counted.py"
    script.write_text(COUNTED)
    done = run_script(str(script), *given)
    assert done.returncode == 0, done.stderr
    counted = {
        "read best.npz": 1,
        "read config.json": 1,
        "read training_set.json": 1,
        "sha256 best.npz": 1,
    }
    assert f"counted {sorted(counted.items())}" in done.stdout


def test_a_scan_becomes_a_dicom_segmentation(predict, seg_workdir, scan, tmp_path):
    pytest.importorskip("highdicom", reason="needs highdicom: extra dicom-seg")
    result = predict(seg_workdir, scan, tmp_path / "out")
    assert result.returncode == 0, result.stderr
    names = sorted(path.name for path in (tmp_path / "out").glob("[!.]*"))
    assert names == ["scan.dcm", "scan_trust.json", "volumes.csv"]
    dataset = pydicom.dcmread(tmp_path / "out" / "scan.dcm")
    labels = [segment.SegmentLabel for segment in dataset.SegmentSequence]
    assert labels == ["femoral cartilage", "menisci"]
    assert dataset.PatientID == "42"
    nameless = predict(seg_workdir, scan, tmp_path / "new", "--anonymize")
    assert "--anonymize is for super-resolution" in nameless.stderr
    refused = predict(seg_workdir, scan, tmp_path / "new", "--probabilities")
    assert refused.returncode == 1
    assert (
        "--probabilities, --spread=volume and --segment are written as NIfTI"
        in refused.stderr
    )
    assert not (tmp_path / "new").exists()


def test_a_scan_of_another_format_is_refused(predict, silent_workdir, tmp_path):
    array = np.random.default_rng(0).integers(0, 900, (12, 13, 5)).astype(np.int16)
    nib.save(nib.Nifti1Image(array, np.diag([0.5, 0.5, 3.0, 1.0])), tmp_path / "a.nii")
    result = predict(silent_workdir, tmp_path / "a.nii", tmp_path / "out")
    assert result.returncode == 1
    assert "a.nii: DICOM results need a DICOM scan" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()
