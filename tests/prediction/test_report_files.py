"""Reports beside measured segmentations."""

import types

import pydicom

from deepresolve.prediction.report_files import ReportFiles, measures_of


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


def test_a_plate_is_the_segment_that_was_taken_for_it():
    """By its number; a plate in several segments is none."""
    names = {
        3: "medial femoral cartilage",
        4: "lateral femoral cartilage",
        7: "tibia",
        9: "lateral tibial cartilage",
        11: "patellar cartilage",
        12: "medial meniscus",
        13: "a scar",
    }
    knee = types.SimpleNamespace(quantities={}, intervals={}, side="left", notes=())
    assert measures_of(knee, names).segments == {"LT": 9, "P": 11, "MM": 12}
    assert measures_of(knee, {5: "femoral cartilage"}).segments == {"F": 5}
