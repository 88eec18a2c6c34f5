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


@pytest.fixture
def thick_knee(tmp_path):
    knee = phantom.knee(seed=11, shape=(72, 72, 37), spacing_mm=(0.8, 0.8, 0.8))
    path = tmp_path / "thick.nii.gz"
    formats.write(path, thicken(knee.image, 3))
    return path


def test_predict_super_resolves_and_segments(run_script, thick_knee, tmp_path):
    thin, cartilage = tmp_path / "thin.nii.gz", tmp_path / "cartilage.nii.gz"
    result = run_script(
        *("deepresolve", "predict", "--pretrained=sr_knee", "--learn=none"),
        *(f"--input={thick_knee}", f"--output={thin}"),
    )
    assert result.returncode == 0, result.stderr
    assert "note: sr_knee" in result.stderr
    assert WARNING in result.stderr
    assert nib.load(thin).shape == (72, 72, 39)
    trust = json.loads((tmp_path / "thin_trust.json").read_text(encoding="utf-8"))
    assert trust["self_test"]["written"] == "network"  # it gains on another knee
    result = run_script(
        *("deepresolve", "predict"),
        "--pretrained=seg_knee_phantom",
        f"--input={thin}",
        f"--output={cartilage}",
    )
    assert result.returncode == 0, result.stderr
    assert "note: seg_knee_phantom" in result.stderr
    labels = np.asarray(nib.load(cartilage).dataobj)
    assert labels.shape == (72, 72, 39)
    assert {0, 1, 2} <= set(
        np.unique(labels)
    )  # The patella is out of this knee's view.
    table = (tmp_path / "cartilage_volumes.csv").read_text(encoding="utf-8")
    assert "patellar cartilage" in table


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
