"""Which elements of the acquired slices a derived image carries on."""

from __future__ import annotations

from collections.abc import Sequence

import pydicom

from deepresolve.imaging.dicom_output import sound
from deepresolve.imaging.formats.dicom import elements

# Not text or numbers: pixels, tables, overlays, what nobody knows the meaning of.
_BULK = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")
_REPEATING_GROUPS = (0x5000, 0x6000)  # Curves and overlays, up to 50FF and 60FF.

_TEXTS = ("LO", "LT", "PN", "SH", "ST", "UC", "UT")

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
    # Of a file of several frames, and of one frame of it.
    *("ReferencedFrameNumber", "DimensionOrganizationSequence"),
    *("DimensionIndexSequence", "DimensionIndexValues", "DimensionOrganizationType"),
    *("ConcatenationUID", "InConcatenationNumber", "InConcatenationTotalNumber"),
    *("ConcatenationFrameOffsetNumber", "SOPInstanceUIDOfConcatenationSource"),
    *(
        "RepresentativeFrameNumber",
        "FrameAcquisitionDateTime",
        "FrameReferenceDateTime",
    ),
    *("FrameAcquisitionDuration", "FrameComments", "FrameLabel", "FrameType"),
    *("TemporalPositionIdentifier", "VolumetricProperties", "PixelPresentation"),
    *("VolumeBasedCalculationTechnique", "ConversionSourceAttributesSequence"),
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


def cleaned(dataset: pydicom.Dataset) -> tuple[pydicom.Dataset, list[str]]:
    """The public elements, at any depth, without bulk data.

    What DICOM does not allow is mended or left out; what an MR image must at least have
    empty is added. The dataset itself stays as it is.

    Returns:
      A dataset, and what is to be told of elements that were not sound.
    """
    told: list[str] = []
    result = _public(dataset, told)
    if not result.get("SpecificCharacterSet"):
        told += _foreign_letters(result)
    _add_empty(result)
    return result, told


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
    if result.get("ImageLaterality"):
        result.pop("Laterality", None)  # Of a series alone whose images have none.
    result.update(_cautious(headers))
    _add_empty(result)
    return result


def _foreign_letters(dataset: pydicom.Dataset) -> list[str]:
    """Texts that some character set was used for, which the header does not name."""
    return [
        f"{elements.title(element.keyword)} has letters beyond ASCII, and no "
        "SpecificCharacterSet tells which: taken as Latin-1"
        for element in dataset
        if element.VR in _TEXTS and not str(element.value).isascii()
    ]


def _add_empty(dataset: pydicom.Dataset) -> None:
    """Adds what an MR image must have, empty where nothing is known."""
    for keyword in _AT_LEAST_EMPTY:
        if keyword not in dataset:
            setattr(dataset, keyword, None)
    if "ImageLaterality" not in dataset and "Laterality" not in dataset:
        dataset.Laterality = None


def _cautious(headers: Sequence[pydicom.Dataset]) -> pydicom.Dataset:
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


def _public(dataset: pydicom.Dataset, told: list[str]) -> pydicom.Dataset:
    result = pydicom.Dataset()
    for tag in sorted(dataset.keys()):  # Not parsed yet: what fails is left out.
        repeating = tag.group & 0xFF00 in _REPEATING_GROUPS
        if tag.is_private or tag.element == 0 or repeating:
            continue
        element, text = sound.element_of(dataset, tag)
        if text and text not in told:
            told.append(text)
        if element is None or element.VR in _BULK:
            continue
        value = element.value
        if element.VR == "SQ":
            value = [_public(item, told) for item in value]
        with elements.leniently():
            result.add_new(tag, element.VR, value)
    return result
