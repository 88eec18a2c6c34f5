"""Images as a segmentation refers to them."""

import pydicom
import pytest

from deepresolve.imaging.dicom_output.segmentation_source import source_of


def item(**elements):
    made = pydicom.Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def test_headers_have_the_patient_and_the_images():
    images = [
        item(ReferencedSOPClassUID="1.2.3", ReferencedSOPInstanceUID=f"1.2.3.{n}")
        for n in range(3)
    ]
    series = item(SeriesInstanceUID="1.2.9", ReferencedInstanceSequence=images)
    segmentation = item(
        PatientID="17",
        StudyInstanceUID="1.2.8",
        SOPInstanceUID="1.2.7",
        SeriesInstanceUID="1.2.6",
        Rows=5,
        ReferencedSeriesSequence=[series],
    )
    headers = source_of(segmentation).headers
    assert [h.SOPInstanceUID for h in headers] == ["1.2.3.0", "1.2.3.1", "1.2.3.2"]
    assert {h.SeriesInstanceUID for h in headers} == {"1.2.9"}
    assert {(h.PatientID, h.StudyInstanceUID) for h in headers} == {("17", "1.2.8")}
    assert not any("Rows" in header for header in headers)


def test_a_segmentation_of_no_images_is_refused():
    with pytest.raises(ValueError, match="does not say on which images it was drawn"):
        source_of(item(StudyInstanceUID="1.2.8"))
