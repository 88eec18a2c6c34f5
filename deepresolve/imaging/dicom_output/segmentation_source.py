"""The images that a DICOM segmentation was drawn on, as far as it tells of them."""

from __future__ import annotations

import pydicom

from deepresolve.imaging.dicom_output.source import DicomSource

# Of the patient, the study and the segmentation's series.
_CARRIED = (
    *("SpecificCharacterSet", "PatientName", "PatientID", "IssuerOfPatientID"),
    *("PatientBirthDate", "PatientSex", "PatientAge", "StudyInstanceUID", "StudyID"),
    *("StudyDate", "StudyTime", "StudyDescription", "AccessionNumber"),
    *("ReferringPhysicianName", "FrameOfReferenceUID", "Laterality"),
    *("SeriesNumber", "SeriesDescription"),
)


def source_of(segmentation: pydicom.Dataset) -> DicomSource:
    """The images that a segmentation refers to, with its own patient and study.

    Args:
      segmentation: as its file has it.

    Raises:
      ValueError: it refers to no image.
    """
    headers = []
    for series in segmentation.get("ReferencedSeriesSequence", ()):
        for image in series.get("ReferencedInstanceSequence", ()):
            header = pydicom.Dataset()
            header.update({e.tag: e for e in segmentation if e.keyword in _CARRIED})
            header.SeriesInstanceUID = series.SeriesInstanceUID
            header.SOPClassUID = image.ReferencedSOPClassUID
            header.SOPInstanceUID = image.ReferencedSOPInstanceUID
            headers.append(header)
    if not headers:
        raise ValueError(
            "the segmentation does not say on which images it was drawn "
            "(ReferencedSeriesSequence), and a report refers to them. Export it with "
            "its images, or leave out --reports."
        )
    return DicomSource(tuple(headers))
