"""Other programs' readers of the same files."""

import pathlib
import shutil
import subprocess
import tempfile

import nibabel as nib
import numpy as np
import pytest

WORLD_MM = 1e-3


def dcm2niix(folder):
    """The volumes that dcm2niix makes of a folder of DICOM files."""
    if shutil.which("dcm2niix") is None:
        pytest.skip("needs dcm2niix, of the Debian package of that name")
    with tempfile.TemporaryDirectory() as target:
        command = ["dcm2niix", "-b", "n", "-z", "n", "-f", "%s_%p_%d", "-o", target]
        subprocess.run([*command, str(folder)], check=True, capture_output=True)
        files = sorted(pathlib.Path(target).glob("*.nii"))
        return [volume for file in files for volume in _volumes(nib.load(file))]


def _volumes(image):
    """Those of a 4D image, each by itself."""
    array = np.asanyarray(image.dataobj)
    array = array.reshape(*array.shape[:3], -1)
    return [
        nib.Nifti1Image(np.array(array[..., n]), image.affine)
        for n in range(array.shape[3])
    ]


def is_same(volume, image, atol_mm=WORLD_MM):
    """Whether each voxel has one value in both, and one place: axes may be turned."""
    transform = nib.orientations.ornt_transform(
        nib.io_orientation(image.affine), nib.io_orientation(volume.affine)
    )
    image = image.as_reoriented(transform)
    return (
        image.shape == volume.shape
        and np.allclose(image.affine, volume.affine, rtol=0, atol=atol_mm)
        and np.array_equal(np.asanyarray(image.dataobj), volume.array)
    )


def errors_of(path):
    """What a checker of the standard, dciodvfy, says against a DICOM file."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("needs dciodvfy, of the Debian package dicom3tools")
    result = subprocess.run(["dciodvfy", str(path)], capture_output=True)
    lines = (result.stdout + result.stderr).decode(errors="replace").splitlines()
    return {line for line in lines if line.startswith("Error")}
