"""Headers without the patient (PS3.15 Basic Application Level Confidentiality).

The profile lists what must go. Here stands what may stay, so that an element nobody
thought of goes too: how the image was made and where it lies, nothing of whom, when or
where. UIDs are replaced; the pixels are not touched.
"""

from __future__ import annotations

import hmac
import os
import uuid

import pydicom

from deepresolve import __version__
from deepresolve.imaging.dicom_output import attributes, codes

_KEPT = frozenset(
    (
        *("SpecificCharacterSet", "ImageType", "SOPClassUID", "Modality"),
        *("Manufacturer", "ManufacturerModelName", "BodyPartExamined"),
        *("ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType"),
        *("AngioFlag", "SliceThickness", "RepetitionTime", "EchoTime"),
        *("InversionTime", "NumberOfAverages", "ImagingFrequency", "ImagedNucleus"),
        *("EchoNumbers", "MagneticFieldStrength", "SpacingBetweenSlices"),
        *("NumberOfPhaseEncodingSteps", "EchoTrainLength", "PercentSampling"),
        *("PercentPhaseFieldOfView", "PixelBandwidth", "ReconstructionDiameter"),
        *("AcquisitionMatrix", "InPlanePhaseEncodingDirection", "FlipAngle"),
        *("VariableFlipAngleFlag", "SAR", "dBdt", "PatientPosition"),
        *("SeriesNumber", "AcquisitionNumber", "InstanceNumber"),
        *("ImagePositionPatient", "ImageOrientationPatient", "Laterality"),
        *("ImageLaterality", "SliceLocation", "SamplesPerPixel"),
        *("PhotometricInterpretation", "Rows", "Columns", "PixelSpacing"),
        *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
        *("WindowCenter", "WindowWidth", "RescaleIntercept", "RescaleSlope"),
        *("RescaleType", "BurnedInAnnotation", "LossyImageCompression"),
        "ReferencedFrameNumber",
        *("LossyImageCompressionRatio", "LossyImageCompressionMethod"),
    )
)
_REPLACED = (
    *("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"),
    "FrameOfReferenceUID",
)


class Anonymizer:
    """Takes the patient out of headers; one for all scans of a command.

    A UID becomes the same new one wherever it occurs, so that results of one study stay
    together, on whatever machine they are made. The new ones come from the old by a key
    that is kept nowhere: nobody finds the old by trying.
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)

    def anonymized(self, header: pydicom.Dataset, source: str) -> pydicom.Dataset:
        """The header without what is not known to be harmless.

        Args:
          header: of an acquired slice; stays as it is.
          source: the folder or zip, for messages.

        Raises:
          ValueError: text is burned into the pixels.
        """
        if header.get("BurnedInAnnotation") == "YES":
            raise ValueError(
                f"{source}: text is burned into the pixels (BurnedInAnnotation is "
                "YES); --anonymize removes names from headers alone. Take a series "
                "without it."
            )
        result = pydicom.Dataset()
        for element in header:
            if element.keyword in _KEPT:
                result.add(element)
        for keyword in _REPLACED:
            setattr(result, keyword, self._new_uid(str(header[keyword].value)))
        result, _ = attributes.cleaned(result)
        mark(result)
        return result

    def _new_uid(self, old: str) -> str:
        """A UID of the kind that is made of a UUID (PS3.5 B.2)."""
        digest = hmac.digest(self._key, old.encode(), "sha256")
        return f"2.25.{uuid.UUID(bytes=digest[:16], version=4).int}"


def mark(dataset: pydicom.Dataset) -> None:
    """States in the dataset that its patient was removed, and how (PS3.15 E.1)."""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = (
        f"DeepResolve {__version__[:16]}: what is not known harmless removed"
    )
    dataset.DeidentificationMethodCodeSequence = [codes.item(codes.BASIC_PROFILE)]
    dataset.LongitudinalTemporalInformationModified = "REMOVED"
