"""Our reader beside dcm2niix: the same voxels in the same places."""

import itertools
import shutil
import subprocess

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.formats.choice import Choice

WORLD_MM = 1e-3


@pytest.fixture
def dcm2niix(tmp_path):
    """Converts a folder; gives the images by the names of their files."""
    if shutil.which("dcm2niix") is None:
        pytest.skip("needs dcm2niix, of the Debian package of that name")

    def convert(folder):
        target = tmp_path / f"{folder.name}_nifti"
        target.mkdir()
        command = ["dcm2niix", "-b", "n", "-z", "n", "-f", "out", "-o", str(target)]
        subprocess.run([*command, str(folder)], check=True, capture_output=True)
        return {file.name: nib.load(file) for file in target.glob("*.nii")}

    return convert


def assert_same(volume, image):
    """Each voxel has one value in both, and one place: axes are turned, no more."""
    transform = nib.orientations.ornt_transform(
        nib.io_orientation(image.affine), nib.io_orientation(volume.affine)
    )
    image = image.as_reoriented(transform)
    np.testing.assert_allclose(image.affine, volume.affine, atol=WORLD_MM)
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), volume.array)


def all_orientations():
    """48: which way rows, columns and slices run, each way along each axis."""
    for axes in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            turned = np.zeros((3, 3))
            turned[range(3), axes] = signs
            yield turned


@pytest.mark.parametrize("degrees", [0, 20])
def test_all_48_orientations(degrees, write_slice, dcm2niix, tmp_path):
    tilt = np.deg2rad(degrees)
    oblique = np.array(
        [
            *([1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)]),
            [0, np.sin(tilt), np.cos(tilt)],
        ]
    ) @ [
        [np.cos(tilt), -np.sin(tilt), 0],
        [np.sin(tilt), np.cos(tilt), 0],
        [0, 0, 1],
    ]
    voxels = np.random.default_rng(5).integers(0, 900, (4, 7, 6), dtype=np.int16)
    for number, turned in enumerate(all_orientations()):
        row, column, step = turned @ oblique.T
        folder = tmp_path / f"scan{number}"
        folder.mkdir()
        for k, pixels in enumerate(voxels):
            write_slice(
                folder / f"{k}.dcm",
                pixels,
                position=(-33, 21, 55) + 2.5 * k * step,
                ImageOrientationPatient=[*row, *column],
                InstanceNumber=k + 1,
                Modality="MR",
                Manufacturer="SIEMENS",
                SliceThickness=2.5,
            )
        (image,) = dcm2niix(folder).values()
        assert_same(formats.read_image(folder), image)


def test_real_head(real_scans, dcm2niix):
    folder = real_scans / "brain_t1_dicom"
    (image,) = dcm2niix(folder).values()
    assert_same(formats.read_image(folder), image)


def test_real_knee_of_two_echoes(real_scans, dcm2niix):
    folder = real_scans / "knee_mese_dicom"
    images = dcm2niix(folder)
    assert sorted(images) == ["out_e1.nii", "out_e2.nii"]
    for echo in (1, 2):
        volume = formats.read_image(folder, choice=Choice(echo=echo))
        assert_same(volume, images[f"out_e{echo}.nii"])
