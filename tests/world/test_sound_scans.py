"""What the makers of `world.scans` make is sound: readers agree, without a note."""

import shutil
import subprocess

import nibabel as nib
import numpy as np
import pytest
from world import scans

from deepresolve.imaging import formats


def test_a_nifti_file_is_read_as_nibabel_does(tmp_path, caplog):
    path = scans.nifti(tmp_path / "scan.nii.gz")
    volume = formats.read_image(path)
    expected = nib.load(path)
    np.testing.assert_array_equal(volume.array, expected.get_fdata())
    np.testing.assert_allclose(volume.affine, expected.affine)
    assert not caplog.messages


def test_a_dicom_series_is_read_as_dcm2niix_does(tmp_path, caplog):
    if not shutil.which("dcm2niix"):
        pytest.skip("needs dcm2niix")
    array = scans.dicom_stack(tmp_path / "scan")
    volume = formats.read_image(tmp_path / "scan")
    np.testing.assert_array_equal(volume.array, array)
    subprocess.run(
        ["dcm2niix", "-f", "out", "-o", tmp_path, tmp_path / "scan"],
        check=True,
        capture_output=True,
    )
    theirs = nib.as_closest_canonical(nib.load(tmp_path / "out.nii"))
    ours = nib.as_closest_canonical(nib.Nifti1Image(volume.array, volume.affine))
    np.testing.assert_array_equal(ours.get_fdata(), theirs.get_fdata())
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-4)
    assert not caplog.messages
