import pydicom
import pytest

from deepresolve.imaging.formats.dicom import slice_header


@pytest.fixture
def headers(write_stack):
    """The headers of four slices, as `parse` reads them."""
    folder, _ = write_stack(EchoTime=30, RescaleSlope=2)
    return [
        header
        for file in sorted(folder.iterdir())
        for header in slice_header.parse(file.name, pydicom.dcmread(file))
    ]
