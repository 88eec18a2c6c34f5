import pathlib
import shutil

import nibabel as nib
import numpy as np
import pytest
from pydicom import uid

from deepresolve.imaging.dicom_output.source import read_source


def test_headers_are_in_the_order_of_the_volume(whole_stack):
    folder, _ = whole_stack(each=lambda n: {"position": (0, 0, -4 * n)})
    places = [h.ImagePositionPatient[2] for h in read_source(folder).headers]
    assert places == [-12, -8, -4, 0]


def test_the_headers_pixels_are_left_out(whole_stack):
    folder, _ = whole_stack()
    assert all("PixelData" not in header for header in read_source(folder).headers)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"SOPClassUID": uid.CTImageStorage}, "of CT Image Storage; DICOM results are"),
        ({"SOPClassUID": None}, "of no SOP class"),
        ({"StudyInstanceUID": None}, "no StudyInstanceUID"),
        ({"StudyInstanceUID": ""}, "no StudyInstanceUID"),
    ],
)
def test_what_no_series_can_be_derived_from_is_refused(tags, message, whole_stack):
    folder, _ = whole_stack(**tags)
    with pytest.raises(ValueError, match=message):
        read_source(folder)


@pytest.mark.parametrize(
    "keyword",
    ["StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName"],
)
def test_slices_of_two_studies_or_persons_are_refused(keyword, whole_stack):
    folder, _ = whole_stack(each=lambda n: {keyword: "1.2.3"} if n == 2 else {})
    with pytest.raises(ValueError, match=f"2 values of {keyword};"):
        read_source(folder)


def test_a_zip_is_as_good_as_its_folder(whole_stack, tmp_path):
    folder, _ = whole_stack()
    path = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    found = read_source(pathlib.Path(path)).headers
    assert list(found) == list(read_source(folder).headers)


def test_another_format_is_refused(tmp_path):
    path = tmp_path / "a.nii"
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)), path)
    with pytest.raises(ValueError, match=r"a.nii: DICOM results need a DICOM scan"):
        read_source(path)


def test_what_the_standard_does_not_allow_is_left_out_and_told(whole_stack, caplog):
    """Warnings are errors here. An age has four letters, and 16 a decimal string."""
    folder, _ = whole_stack(PatientSex="Q")
    for file in folder.iterdir():
        raw = file.read_bytes()
        file.write_bytes(raw.replace(b"AS\x04\x00071Y", b"AS\x04\x0071  "))
    header = read_source(folder).headers[0]
    assert "PatientAge" not in header
    assert header.PatientSex is None  # Must be there.
    assert f"{folder}: PatientAge (0010,1010) is '71': left out." in caplog.messages
    assert f"{folder}: PatientSex (0010,0040) is 'Q': left out." in caplog.messages
