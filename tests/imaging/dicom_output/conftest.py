"""Slices of whole headers, as a scanner writes them, and what to make of them."""

import pydicom
import pytest
from world import strangers

from deepresolve.imaging import formats
from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.intensity import to_dtype

STUDY_UID, FRAME_UID = "1.2.826.0.1.99.1", "1.2.826.0.1.99.2"
# Nobody's. Every text that tells of the patient, the day or the place has the word.
SECRET = "Secret"  # noqa: S105 (no password)


def _item(**elements):
    item = pydicom.Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def _nested_private():
    item = _item(CodeValue="T-D9200", CodingSchemeDesignator="99X", CodeMeaning="Knee")
    item.private_block(0x0009, "SECRET INC", create=True).add_new(1, "LO", SECRET)
    return item


WHOLE = {
    "SpecificCharacterSet": "ISO_IR 100",
    "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
    "Modality": "MR",
    "StudyInstanceUID": STUDY_UID,
    "FrameOfReferenceUID": FRAME_UID,
    "StudyID": "SECRET1",
    "StudyDate": "20210203",
    "StudyTime": "101112",
    "SeriesDate": "20210203",
    "AcquisitionDate": "20210203",
    "ContentDate": "20210203",
    "ContentTime": "101112",
    "AccessionNumber": "SECRET2",
    "StudyDescription": f"Knee {SECRET}",
    "SeriesDescription": f"Sag PD {SECRET}",
    "ProtocolName": SECRET,
    "PatientName": f"M\xfcller{SECRET}^Jos\xe9",
    "PatientID": SECRET,
    "PatientBirthDate": "19500101",
    "PatientSex": "F",
    "PatientAge": "071Y",
    "PatientComments": SECRET,
    "ReferringPhysicianName": f"{SECRET}^Doctor",
    "OperatorsName": f"{SECRET}^Operator",
    "InstitutionName": SECRET,
    "StationName": "SECRET3",
    "DeviceSerialNumber": SECRET,
    "Manufacturer": "Maker",
    "ManufacturerModelName": "Model 3T",
    "BodyPartExamined": "KNEE",
    "Laterality": "R",
    "PatientPosition": "FFS",
    "PositionReferenceIndicator": None,
    "ScanningSequence": "SE",
    "SequenceVariant": "NONE",
    "ScanOptions": None,
    "MRAcquisitionType": "2D",
    "RepetitionTime": "2450",
    "EchoTime": "12.5",
    "EchoTrainLength": "1",
    "MagneticFieldStrength": "3",
    "SliceThickness": "4",
    "SpacingBetweenSlices": "4",
    "AcquisitionNumber": "1",
    "PerformedProcedureStepID": SECRET,
    "SmallestImagePixelValue": -500,
    "StackID": "1",
}


@pytest.fixture
def whole_stack(write_stack):
    """As `write_stack`, with all that an MR image has, and private elements."""

    def write(name="scan", each=lambda number: {}, **tags):
        folder, voxels = write_stack(
            name,
            each=lambda n: {
                "SOPInstanceUID": f"1.2.826.0.1.99.3.{n}",
                "InstanceNumber": n + 1,
                "TriggerTime": str(10 * n),
                **each(n),
            },
            **{**WHOLE, **tags},
        )
        for file in folder.iterdir():
            slice_ = pydicom.dcmread(file)
            slice_.file_meta.MediaStorageSOPInstanceUID = slice_.SOPInstanceUID
            block = slice_.private_block(0x0019, "SECRET INC", create=True)
            block.add_new(0x01, "LO", SECRET)
            slice_.AnatomicRegionSequence = [_nested_private()]
            slice_.add_new(0x60003000, "OW", b"\0\0")
            slice_.save_as(file)
        return folder, voxels

    return write


@pytest.fixture
def processing():
    return Processing("computed super-resolution x3", "sr_cnn", "0123456789abcdef" * 4)


@pytest.fixture
def thin():
    """Reads a folder and interpolates it to three slices for one, in whole numbers."""

    def make(folder, dtype=None):
        scan = formats.read_image(folder)
        volume = interpolate(scan, 3)
        return volume.with_array(to_dtype(volume.array, dtype or scan.array.dtype))

    return make


@pytest.fixture
def errors_of():
    return strangers.errors_of
