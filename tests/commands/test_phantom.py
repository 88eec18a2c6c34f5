import pathlib
import subprocess
import sys

import nibabel as nib
import numpy as np

from deepresolve.imaging import labels
from deepresolve.simulation import phantom
from deepresolve.simulation.phantom import lesions

ROOT = pathlib.Path(__file__).parent.parent.parent


def run(*flags):
    command = [sys.executable, "-m", "deepresolve", "phantom", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_writes_the_knee_of_the_seed_with_its_label_and_thick_slices(tmp_path):
    result = run(
        f"--output={tmp_path / 'thick.nii.gz'}",
        f"--label_output={tmp_path / 'label.nii.gz'}",
        *("--seed=3", "--side=left", "--downsample_factor=3"),
        *("--shape=24,20,19", "--spacing_mm=0.8,0.7,0.6"),
    )
    assert result.returncode == 0, result.stderr
    thick = nib.load(tmp_path / "thick.nii.gz")
    assert thick.shape == (24, 20, 7)  # ceil(19 / 3)
    np.testing.assert_allclose(thick.header.get_zooms(), (0.8, 0.7, 1.8), rtol=1e-6)
    knee = phantom.knee(
        seed=3, side="left", shape=(24, 20, 19), spacing_mm=(0.8, 0.7, 0.6)
    )
    label = np.asarray(nib.load(tmp_path / "label.nii.gz").dataobj)
    np.testing.assert_array_equal(label, knee.label.array)
    names = result.stdout.splitlines()[0].removeprefix(f"{tmp_path}/label.nii.gz: ")
    assert labels.parse_label_names(names) == phantom.LABEL_NAMES


def test_a_label_map_does_not_take_the_place_of_its_image(tmp_path):
    path = tmp_path / "knee.nii.gz"
    result = run(f"--output={path}", f"--label_output={tmp_path}/./knee.nii.gz")
    assert result.returncode == 1
    assert "--label_output are both" in result.stderr
    assert not path.exists()


def test_lesions_are_written_and_told(tmp_path):
    result = run(
        f"--output={tmp_path / 'knee.nii.gz'}",
        f"--lesion_output={tmp_path / 'lesion.nii.gz'}",
        *("--seed=3", "--side=left", "--lesions=cartilage,marrow"),
        *("--shape=24,24,20", "--spacing_mm=4,4,4"),
    )
    assert result.returncode == 0, result.stderr
    knee = phantom.labelled(
        seed=3,
        side="left",
        shape=(24, 24, 20),
        spacing_mm=(4, 4, 4),
        lesions=[lesions.draw(kind, 3) for kind in ("cartilage", "marrow")],
    )
    written = np.asarray(nib.load(tmp_path / "lesion.nii.gz").dataobj)
    np.testing.assert_array_equal(written, knee.lesion.array)
    names, *told, _ = result.stdout.splitlines()
    names = names.removeprefix(f"{tmp_path}/lesion.nii.gz: ")
    assert labels.parse_label_names(names) == phantom.LESION_NAMES
    for line, finding in zip(told, knee.findings, strict=True):
        x, y, z = finding.place_mm
        place = f"at ({x:.1f}, {y:.1f}, {z:.1f}) mm"
        assert line == f"{finding.lesion.describe()}, {place}"


def test_an_unknown_lesion_gets_the_list(tmp_path):
    result = run(f"--output={tmp_path / 'x.nii.gz'}", "--lesions=ligament")
    assert result.returncode == 1
    assert "kind must be one of cartilage, meniscus, marrow" in result.stderr


def test_wrong_side_is_a_usage_error():
    result = run("--output=x.nii.gz", "--side=middle")
    assert result.returncode != 0
    assert "should be one of <left|right>" in result.stderr
