"""Slices of a page against voxels of the scan and its label map."""

import os
import pathlib

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume
from deepresolve.reports.knee_page import meshes, slices
from deepresolve.reports.preview import packing

DATA = pathlib.Path(os.environ.get("DEEPRESOLVE_DATA", ""))
NAMES = {1: "femoral cartilage", 2: "femur"}


def knee():
    """Sagittal slices of 0.5 x 0.5 x 1 mm; a plate in a bone that fills the scan."""
    array = np.full((100, 90, 60), 2, np.uint8)
    array[40:50, 30:45, 25:31] = 1
    affine = np.array([[0, 0, -1.0, 9], [0, -0.5, 0, 8], [-0.5, 0, 0, 7], [0, 0, 0, 1]])
    return Volume(array, affine)


def stacked(found, name):
    return np.stack(list(found.volumes[name]), axis=2)


def test_a_scan_is_cut_around_its_soft_tissues():
    labels = knee()
    scan = labels.with_array(
        np.random.default_rng(0).integers(0, 999, labels.shape, np.int16)
    )
    found = slices.slices(labels, NAMES, scan)
    # 8 mm on all sides of the plate.
    box = slice(24, 66), slice(14, 61), slice(17, 39)
    assert found.facts["shape"] == (42, 47, 22)
    np.testing.assert_array_equal(stacked(found, "labels"), labels.array[box])
    low, high = found.facts["range"]
    expected = np.clip((scan.array[box] - low) / (high - low), 0, 1) * 255
    assert np.abs(stacked(found, "scan") - expected).max() <= 0.5 + 1e-6
    sagittal, coronal, axial = found.facts["planes"]
    assert sagittal["edges"] == ("S", "P", "I", "A")
    assert 8 <= sagittal["start"] < 14 and 16 <= coronal["start"] < 31
    assert 16 <= axial["start"] < 26


def test_the_scan_may_have_other_axes():
    labels = knee()
    scan = labels.with_array(
        np.random.default_rng(0).integers(0, 999, labels.shape, np.int16)
    )
    turned = nib.as_closest_canonical(nib.Nifti1Image(scan.array, scan.affine))
    other = Volume(np.asarray(turned.dataobj), turned.affine, slice_axis=0)
    first, second = (slices.slices(labels, NAMES, image) for image in (scan, other))
    assert first.facts == second.facts
    np.testing.assert_array_equal(stacked(first, "scan"), stacked(second, "scan"))


def test_a_label_map_alone_is_shown_whole():
    found = slices.slices(knee(), NAMES, None)
    assert found.facts["grey"] == "labels" and set(found.volumes) == {"labels"}
    np.testing.assert_array_equal(stacked(found, "labels"), knee().array)
    assert [one["name"] for one in found.facts["classes"]] == list(NAMES.values())


def test_a_value_without_a_name_and_one_that_is_missing():
    labels = knee()
    labels.array[:5] = 4
    classes = slices.slices(labels, NAMES, None).facts["classes"]
    assert [(one["name"], one["held"]) for one in classes[2:]] == [
        ("value 3", False),
        ("value 4", True),
    ]


def test_what_cannot_be_shown_is_refused():
    labels = knee()
    with pytest.raises(ValueError, match="Labels up to 255 can be shown; got 300"):
        high = labels.with_array(labels.array.astype(np.int16) + 298)
        slices.slices(high, NAMES, None)
    fewer = labels.crop([slice(0, 100), slice(0, 90), slice(0, 50)])
    with pytest.raises(ValueError, match="different slices: 50 and 60"):
        slices.slices(labels, NAMES, fewer)
    moved = Volume(labels.array, labels.affine + np.eye(4, k=3) * 0.4)
    with pytest.raises(ValueError, match=r"do not lie|different slices"):
        slices.slices(labels, NAMES, moved)


def test_a_whole_knee_stays_small():
    """Labels of an OAI knee, and voxels of a real scan with its noise behind them."""
    if not (DATA / "knee_dess_labels.nii.gz").is_file():
        pytest.skip("needs DEEPRESOLVE_DATA")
    path = DATA / "knee_dess_labels.nii.gz"
    labels = formats.read_label_map(path, image=formats.read_image(path))
    real = formats.read_image(DATA / "knee_dess_half.nii.gz").array
    voxels = np.tile(real[64:448, 64:448], (1, 1, 4))
    names = {5: "femur", 6: "tibia", 7: "patella", 8: "fibula"}
    found = slices.slices(labels, names, labels.with_array(voxels))
    texts = [packing.pack(pixels) for pixels in found.volumes.values()]
    size = sum(len(piece) for text in texts for piece in text)
    for mesh in meshes.of_bones(labels, names):
        size += sum(map(len, meshes.packed(mesh).values()))
    # The plates of that knee take another 0.9 million letters.
    assert 4e6 < size < 7e6
