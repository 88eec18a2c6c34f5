"""Commands without --workdir, as their user runs them."""

import hashlib
import json
import pathlib

import nibabel as nib
import numpy as np
import pydicom
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.degradation import thicken
from deepresolve.simulation import phantom

PRETRAINED = pathlib.Path(__file__).parents[2] / "deepresolve" / "runs" / "pretrained"
WARNING = "not for diagnosis"


def thick(path, shape, spacing_mm):
    """The path of a synthetic scan with slices three times as thick."""
    knee = phantom.knee(seed=11, shape=shape, spacing_mm=(spacing_mm,) * 3)
    formats.write(path, thicken(knee.image, 3))
    return path


@pytest.fixture
def thick_knee(tmp_path):
    return thick(tmp_path / "thick.nii.gz", (72, 72, 37), 0.8)


@pytest.fixture(scope="module")
def whole_knee(tmp_path_factory):
    """With all of the joint in its field of view."""
    path = tmp_path_factory.mktemp("scans") / "thick.nii.gz"
    return thick(path, (128, 128, 88), 1.0)


PREDICT = ("deepresolve", "predict", "--pretrained=sr_knee", "--learn=none")


@pytest.fixture(scope="module")
def segmented(run_script, whole_knee, tmp_path_factory):
    """A folder with thin slices and their tissues, and what the command said."""
    folder = tmp_path_factory.mktemp("segmented")
    given = (f"--input={whole_knee}", f"--output={folder / 'thin.nii.gz'}")
    flags = ("--segment", "--label_grid=both", "--min_piece=0.2")
    result = run_script(*PREDICT, *given, *flags)
    assert result.returncode == 0, result.stderr
    return folder, result.stderr


def test_thin_slices_are_segmented_in_the_same_command(segmented, whole_knee):
    folder, said = segmented
    for name in ("sr_knee", "seg_knee"):
        assert f"note: {name}, a network" in said
    assert WARNING in said
    image, fine = (nib.load(folder / f"thin{n}.nii.gz") for n in ("", "_label_map"))
    assert fine.shape == image.shape == (128, 128, 90)
    np.testing.assert_allclose(fine.affine, image.affine)
    coarse = nib.load(folder / "thin_label_map_thick.nii.gz")
    scan = nib.load(whole_knee)
    assert coarse.shape == scan.shape
    np.testing.assert_allclose(coarse.affine, scan.affine, atol=1e-6)
    for labels in (fine, coarse):
        array = np.asarray(labels.dataobj)
        assert array.dtype == np.uint8 and set(range(10)) == set(np.unique(array))
    of_fine, of_coarse = (
        np.bincount(np.asarray(labels.dataobj).ravel())[1:]
        * abs(np.linalg.det(labels.affine))
        for labels in (fine, coarse)
    )
    np.testing.assert_allclose(of_coarse, of_fine, rtol=0.15)
    assert "femoral cartilage" in (folder / "thin_volumes.csv").read_text()
    trust = json.loads((folder / "thin_trust.json").read_text(encoding="utf-8"))
    # It gains on another knee than those of its training.
    assert trust["self_test"]["written"] == "network" and "anatomy" in trust
    assert trust["provenance"]["model"]["segmented_by"].startswith("seg_cnn, weights")


def test_a_scan_is_segmented(run_script, whole_knee, tmp_path):
    output = tmp_path / "cartilage.nii.gz"
    given = (f"--input={whole_knee}", f"--output={output}")
    result = run_script("deepresolve", "predict", "--pretrained=seg_knee", *given)
    assert result.returncode == 0, result.stderr
    assert "note: seg_knee" in result.stderr
    labels, scan = nib.load(output), nib.load(whole_knee)
    assert labels.shape == scan.shape
    found = {*np.unique(labels.dataobj)}
    assert {1, 5, 6} <= found  # femoral cartilage on its bone
    assert len(found) > 4
    table = (tmp_path / "cartilage_volumes.csv").read_text(encoding="utf-8")
    assert "patellar cartilage" in table


def test_flags_of_a_segmentation_need_one(run_script, thick_knee, tmp_path):
    given = (f"--input={thick_knee}", f"--output={tmp_path / 'thin.nii.gz'}")
    result = run_script(*PREDICT, *given, "--label_grid=both")
    assert result.returncode == 1
    assert "--label_grid: only with --segment" in result.stderr
    for flag, why in (
        ("--min_piece=0.2", ()),
        ("--probabilities", ("--segment",)),  # which has none to write
    ):
        result = run_script(*PREDICT, *given, flag, *why)
        assert result.returncode == 1
        name = flag.partition("=")[0]
        assert f"{name}: only for a run of segmentation" in result.stderr
    dicom = ("--output_format=dicom", f"--output={tmp_path / 'series'}")
    result = run_script(*PREDICT, f"--input={thick_knee}", *dicom, "--segment")
    assert result.returncode == 1
    assert "--segment are written as NIfTI alone" in result.stderr


def test_a_workdir_of_the_package_is_announced_too(run_script, thick_knee, tmp_path):
    result = run_script(
        *("deepresolve", "predict", "--workdir=pretrained:sr_knee"),
        *(
            "--learn=none",
            f"--input={thick_knee}",
            f"--output={tmp_path / 'thin.nii.gz'}",
        ),
    )
    assert result.returncode == 0, result.stderr
    assert WARNING in result.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--workdir=runs/sr", "--pretrained=sr_knee"], "Give one of them"),
        (["--checkpoint=last"], "there is no last.npz"),
    ],
)
def test_flags_that_contradict_are_refused(
    run_script, thick_knee, tmp_path, flags, message
):
    given = [f"--input={thick_knee}", f"--output={tmp_path}/thin.nii.gz", *flags]
    result = run_script("deepresolve", "predict", *given)
    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "thin.nii.gz").exists()


def test_export_names_the_weights_of_the_package(run_script, tmp_path):
    result = run_script("deepresolve", "export", f"--output={tmp_path}/sr")
    assert result.returncode == 0, result.stderr
    assert WARNING in result.stderr
    path = tmp_path / "sr/1/assets.extra/deepresolve.json"
    weights = (PRETRAINED / "sr_knee" / "best.npz").read_bytes()
    described = json.loads(path.read_text(encoding="utf-8"))
    assert described["model_sha256"] == hashlib.sha256(weights).hexdigest()


def test_dicom_names_the_network_of_the_package(run_script, write_stack, tmp_path):
    pixels = np.random.default_rng(3).integers(0, 900, (4, 72, 72), dtype=np.int16)
    scan, _ = write_stack(
        each=lambda n: {
            "pixels": pixels[n],
            "SOPInstanceUID": f"1.2.826.0.1.99.3.{n}",
            "StudyInstanceUID": "1.2.826.0.1.99.1",
        }
    )
    result = run_script(
        *("deepresolve", "predict", "--pretrained=sr_knee", "--learn=none"),
        f"--input={scan}",
        f"--output={tmp_path / 'thin'}",
        "--output_format=dicom",
    )
    assert result.returncode == 0, result.stderr
    image = pydicom.dcmread(tmp_path / "thin" / "0001.dcm")
    equipment = image.ContributingEquipmentSequence[0]
    assert equipment.ManufacturerModelName == "sr_views pretrained:sr_knee"
    weights = (PRETRAINED / "sr_knee" / "best.npz").read_bytes()
    assert hashlib.sha256(weights).hexdigest() in equipment.ContributionDescription
