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


def test_predict_super_resolves_and_segments(run_script, whole_knee, tmp_path):
    thin, cartilage = tmp_path / "thin.nii.gz", tmp_path / "cartilage.nii.gz"
    result = run_script(
        *("deepresolve", "predict", "--pretrained=sr_knee", "--learn=none"),
        *(f"--input={whole_knee}", f"--output={thin}"),
    )
    assert result.returncode == 0, result.stderr
    assert "note: sr_knee" in result.stderr
    assert WARNING in result.stderr
    assert nib.load(thin).shape == (128, 128, 90)
    trust = json.loads((tmp_path / "thin_trust.json").read_text(encoding="utf-8"))
    assert trust["self_test"]["written"] == "network"  # it gains on another knee
    result = run_script(
        *("deepresolve", "predict"),
        "--pretrained=seg_knee",
        f"--input={thin}",
        f"--output={cartilage}",
    )
    assert result.returncode == 0, result.stderr
    assert "note: seg_knee" in result.stderr
    labels = np.asarray(nib.load(cartilage).dataobj)
    assert labels.shape == (128, 128, 90)
    assert set(range(10)) == set(np.unique(labels))
    table = (tmp_path / "cartilage_volumes.csv").read_text(encoding="utf-8")
    assert "patellar cartilage" in table


def test_thin_slices_are_segmented_in_the_same_command(
    run_script, whole_knee, tmp_path
):
    thin = tmp_path / "thin.nii.gz"
    command = ("deepresolve", "predict", "--pretrained=sr_knee", "--learn=none")
    given = (f"--input={whole_knee}", f"--output={thin}")
    segmented = ("--segment", "--label_grid=both", "--min_piece=0.2")
    result = run_script(*command, *given, *segmented)
    assert result.returncode == 0, result.stderr
    for name in ("sr_knee", "seg_knee"):
        assert f"note: {name}, a network" in result.stderr
    image, fine = nib.load(thin), nib.load(tmp_path / "thin_label_map.nii.gz")
    assert fine.shape == image.shape
    np.testing.assert_allclose(fine.affine, image.affine)
    coarse = nib.load(tmp_path / "thin_label_map_thick.nii.gz")
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
    assert "femoral cartilage" in (tmp_path / "thin_volumes.csv").read_text()
    trust = json.loads((tmp_path / "thin_trust.json").read_text(encoding="utf-8"))
    assert trust["self_test"]["written"] == "network" and "anatomy" in trust
    assert trust["provenance"]["model"]["segmented_by"].startswith("seg_cnn, weights")

    result = run_script(*command, *given, "--label_grid=both")
    assert result.returncode == 1
    assert "--label_grid: only with --segment" in result.stderr
    for flag, why in (
        ("--min_piece=0.2", ()),
        ("--probabilities", ("--segment",)),  # which has none to write
    ):
        result = run_script(*command, *given, flag, *why)
        assert result.returncode == 1
        name = flag.partition("=")[0]
        assert f"{name}: only for a run of segmentation" in result.stderr
    dicom = ("--output_format=dicom", f"--output={tmp_path / 'series'}")
    result = run_script(*command, f"--input={whole_knee}", *dicom, "--segment")
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
