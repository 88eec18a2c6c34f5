"""What the makers of `world.scans` make is sound: readers agree, without a note."""

import nibabel as nib
import numpy as np
from world import scans, strangers

from deepresolve.imaging import formats


def test_a_nifti_file_is_read_as_nibabel_does(tmp_path, caplog):
    path = scans.nifti(tmp_path / "scan.nii.gz")
    volume = formats.read_image(path)
    expected = nib.load(path)
    np.testing.assert_array_equal(volume.array, expected.get_fdata())
    np.testing.assert_allclose(volume.affine, expected.affine)
    assert not caplog.messages


def test_a_dicom_series_is_read_as_dcm2niix_does(tmp_path, caplog):
    array = scans.dicom_stack(tmp_path / "scan")
    volume = formats.read_image(tmp_path / "scan")
    np.testing.assert_array_equal(volume.array, array)
    (theirs,) = strangers.dcm2niix(tmp_path / "scan")
    assert strangers.is_same(volume, theirs, atol_mm=1e-4)
    assert not caplog.messages
