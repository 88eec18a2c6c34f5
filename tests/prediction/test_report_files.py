"""Reports beside measured segmentations."""

import pydicom

from deepresolve.prediction.report_files import ReportFiles


def test_a_damaged_report_is_none(tmp_path):
    """So that it is written anew."""
    reports = ReportFiles(tmp_path)
    path = tmp_path / "knee_measures.dcm"
    assert not reports.are_of("knee", tmp_path / "knee.dcm", "0123")
    path.write_bytes(b"no DICOM")
    assert not reports.are_of("knee", tmp_path / "knee.dcm", "0123")


def test_a_report_of_other_numbers_is_none(tmp_path):
    other = pydicom.Dataset()
    other.SOPInstanceUID = "1.2.3"
    other.file_meta = pydicom.dataset.FileMetaDataset()
    other.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    other.save_as(tmp_path / "knee_measures.dcm", enforce_file_format=False)
    reports = ReportFiles(tmp_path)
    assert not reports.are_of("knee", tmp_path / "knee.dcm", "0123")
