"""Which elements of the acquired slices a derived image carries on."""

from __future__ import annotations

from collections.abc import Sequence

import pydicom
from pydicom import valuerep

# Not text or numbers: pixels, tables, overlays, what nobody knows the meaning of.
_BULK = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")
_REPEATING_GROUPS = (0x5000, 0x6000)  # Curves and overlays, up to 50FF and 60FF.
_LONGEST_DS = 16

# True of an acquired slice or series alone, or stated anew for the derived one.
_NOT_CARRIED = (
    # The image and its series.
    *("ImageType", "SOPClassUID", "SOPInstanceUID", "InstanceNumber", "ImageComments"),
    *("InstanceCreationDate", "InstanceCreationTime", "InstanceCreatorUID"),
    *("ContentDate", "ContentTime", "SeriesDate", "SeriesTime", "SeriesNumber"),
    *("SeriesInstanceUID", "SeriesDescription", "SeriesDescriptionCodeSequence"),
    "TimezoneOffsetFromUTC",  # The new dates are of this machine.
    *("OperatorsName", "ReferencedPerformedProcedureStepSequence"),
    *("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
    *("PerformedProcedureStepEndDate", "PerformedProcedureStepEndTime"),
    *("PerformedProcedureStepID", "PerformedProcedureStepDescription"),
    *("PerformedProtocolCodeSequence", "CommentsOnThePerformedProcedureStep"),
    # What it was made of.
    *("ReferencedImageSequence", "ReferencedSeriesSequence", "SourceImageSequence"),
    *("ReferencedInstanceSequence", "DerivationDescription", "DerivationCodeSequence"),
    # Its place.
    *("ImagePositionPatient", "ImageOrientationPatient", "ImagePosition"),
    *("ImageOrientation", "Location", "SliceLocation", "SliceThickness"),
    *("SpacingBetweenSlices", "StackID", "InStackPositionNumber"),
    *("ImagesInAcquisition", "PixelSpacing", "PixelAspectRatio"),
    # Its pixels, and how they are shown.
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PlanarConfiguration"),
    *("PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "SmallestImagePixelValue", "LargestImagePixelValue"),
    *("SmallestPixelValueInSeries", "LargestPixelValueInSeries"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleIntercept"),
    *("RescaleSlope", "RescaleType", "ModalityLUTSequence", "VOILUTSequence"),
    *("RealWorldValueMappingSequence", "PresentationLUTShape", "IconImageSequence"),
    *("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction"),
    *("LossyImageCompression", "LossyImageCompressionRatio"),
    *("LossyImageCompressionMethod", "BurnedInAnnotation"),
    # Where it came from on the network, and seals that it breaks.
    *("QueryRetrieveLevel", "RetrieveAETitle", "InstanceAvailability"),
    *("MACParametersSequence", "DigitalSignaturesSequence"),
    *("EncryptedAttributesSequence", "OriginalAttributesSequence"),
)

# Type 2 in an MR image (PS3.3 A.4.3): there, and empty where unknown.
_AT_LEAST_EMPTY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "StudyID", "AccessionNumber"),
    *("ReferringPhysicianName", "Manufacturer", "PositionReferenceIndicator"),
    *("PatientPosition", "ScanOptions", "MRAcquisitionType", "RepetitionTime"),
    *("EchoTime", "EchoTrainLength"),
)


def cleaned(dataset: pydicom.Dataset) -> pydicom.Dataset:
    """The public elements, at any depth, without bulk data.

    Numbers longer than DICOM allows are shortened to 16 characters. What an MR image
    must at least have empty is added. The dataset itself stays as it is.
    """
    result = _public(dataset)
    _add_empty(result)
    return result


def carried(headers: Sequence[pydicom.Dataset]) -> pydicom.Dataset:
    """What all slices agree on and is as true of an image derived from them.

    Args:
      headers: as `cleaned` gives them, at least one.

    Returns:
      A dataset of its own.
    """
    result = pydicom.Dataset()
    for element in headers[0]:
        others = (header.get(element.tag) for header in headers[1:])
        if element.keyword not in _NOT_CARRIED and all(o == element for o in others):
            result.add(element)
    if "SpecificCharacterSet" not in result and any(
        "SpecificCharacterSet" in header for header in headers
    ):
        result.SpecificCharacterSet = "ISO_IR 192"  # UTF-8 has them all.
    result.update(_cautious(headers))
    _add_empty(result)
    return result


def _add_empty(dataset):
    """Adds what an MR image must have, empty where nothing is known."""
    for keyword in _AT_LEAST_EMPTY:
        if keyword not in dataset:
            setattr(dataset, keyword, None)
    if "ImageLaterality" not in dataset and "Laterality" not in dataset:
        dataset.Laterality = None


def _cautious(headers):
    """What one slice says is said of all: lossy pixels, and text burned into them."""
    result = {}
    for keyword, bad, good in (
        ("LossyImageCompression", "01", "00"),
        ("BurnedInAnnotation", "YES", "NO"),
    ):
        values = {header.get(keyword) for header in headers}
        if bad in values:
            result[keyword] = bad
        elif values == {good}:
            result[keyword] = good
    found = pydicom.Dataset()
    for keyword, value in result.items():
        setattr(found, keyword, value)
    for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        worst = next((header for header in headers if keyword in header), None)
        if worst is not None and result.get("LossyImageCompression") == "01":
            found.add(worst[keyword])
    return found


def _public(dataset):
    result = pydicom.Dataset()
    for element in dataset:
        tag = element.tag
        repeating = tag.group & 0xFF00 in _REPEATING_GROUPS
        if tag.is_private or tag.element == 0 or repeating or element.VR in _BULK:
            continue
        value = element.value
        if element.VR == "SQ":
            value = [_public(item) for item in value]
        elif element.VR == "DS" and not element.is_empty:
            value = _short(value)
        with pydicom.config.disable_value_validation():  # The source's own faults.
            result.add_new(tag, element.VR, value)
    return result


def _short(value):
    if isinstance(value, pydicom.multival.MultiValue):
        return [_short(each) for each in value]
    return value if len(str(value)) <= _LONGEST_DS else decimal(float(value))


def decimal(number: float) -> valuerep.DSfloat:
    """A number as DICOM writes it: 16 characters, of which it is the value."""
    text = valuerep.format_number_as_ds(float(number))
    return valuerep.DSfloat(text)
