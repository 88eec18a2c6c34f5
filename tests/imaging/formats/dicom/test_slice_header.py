"""What one slice says of itself."""

import pydicom
import pytest

from deepresolve.imaging.formats.dicom import slice_header


def test_a_header_says_what_was_written(headers):
    header = headers[2]
    assert (header.name, header.series_number) == ("slice2.dcm", 4)
    assert (header.shape, header.num_bytes, header.num_samples) == ((5, 3), 2, 1)
    assert header.photometric == "MONOCHROME2"
    assert header.position_mm == (-10, -20, 8)
    assert header.orientation == (1, 0, 0, 0, 1, 0)
    assert header.pixel_spacing_mm == (0.5, 0.75)
    assert header.rescale == (2, 0)
    assert (header.echo_time_ms, header.echo_number) == (30, None)
    assert header.slice_thickness_mm is None


def test_what_has_no_pixels_is_no_image():
    report = pydicom.Dataset()
    report.SOPClassUID = pydicom.uid.EnhancedSRStorage
    assert not list(slice_header.parse("report", report))


def test_an_image_without_a_size_is_damaged():
    cut_short = pydicom.Dataset()
    cut_short.SOPClassUID = pydicom.uid.MRImageStorage
    with pytest.raises(ValueError, match="slice7: an image without Rows and Columns"):
        list(slice_header.parse("slice7", cut_short))


def test_whose_scan_it_is(write_stack):
    folder, _ = write_stack(PatientID=" P7 ", StudyInstanceUID="1.2.3")
    dataset = pydicom.dcmread(next(folder.iterdir()))
    (header,) = slice_header.parse("a", dataset)
    assert header.identity == {("PatientID", "P7"), ("StudyInstanceUID", "1.2.3")}


@pytest.mark.parametrize(
    ("kind", "is_image"),
    [
        (pydicom.uid.EnhancedSRStorage, False),
        ("1.3.12.2.1107.5.9.1", False),  # Siemens' own, of no image.
        (pydicom.uid.EnhancedMRImageStorage, True),
        ("1.2.840.1\x0008.5", True),  # Damaged.
    ],
)
def test_what_has_no_size_is_no_image_if_it_says_so(kind, is_image):
    dataset = pydicom.Dataset()
    with pydicom.config.disable_value_validation():
        dataset.SOPClassUID = kind
    if is_image:
        with pytest.raises(ValueError, match="cut short or damaged"):
            list(slice_header.parse("a", dataset))
    else:
        assert not list(slice_header.parse("a", dataset))
