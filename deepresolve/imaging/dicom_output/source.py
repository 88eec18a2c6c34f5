"""The acquired slices that a result was made of, without their pixels."""

from __future__ import annotations

import dataclasses
import logging
import pathlib
from collections.abc import Sequence

import pydicom
from pydicom import uid

from deepresolve.imaging.dicom_output import attributes, codes, pulse_sequence
from deepresolve.imaging.dicom_output.anonymization import Anonymizer
from deepresolve.imaging.formats import dicom
from deepresolve.imaging.formats.choice import ONLY, Choice
from deepresolve.imaging.formats.dicom import elements

_LOGGER = logging.getLogger(__name__)

_OF_MR = (
    uid.MRImageStorage,
    uid.EnhancedMRImageStorage,
    uid.LegacyConvertedEnhancedMRImageStorage,
)
# Others may be lossy or lossless; there the slice itself has to tell.
_ALWAYS_LOSSY = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLSNearLossless)

# What tells one person's study from another's.
_ALIKE = (
    *("StudyInstanceUID", "FrameOfReferenceUID", "StudyDate", "AccessionNumber"),
    *("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate"),
    "PatientSex",
)


@dataclasses.dataclass(frozen=True, eq=False)
class DicomSource:
    """The headers of the series that a volume was read from.

    Attributes:
      headers: one a slice, in the order of the volume: public elements alone. Of a
        frame as a classic slice has them, with its number in ReferencedFrameNumber.
      anonymous: whether results are to tell nothing of the patient.
    """

    headers: tuple[pydicom.Dataset, ...]
    anonymous: bool = False


def read_source(
    path: pathlib.Path,
    *,
    choice: Choice = ONLY,
    anonymizer: Anonymizer | None = None,
) -> DicomSource:
    """Reads the headers of the slices that `formats.read_image` stacks.

    Args:
      path: a folder or zip of DICOM files.
      choice: series, echo and volume, where the files hold several.
      anonymizer: what removes the patient from the headers; None leaves them.

    Raises:
      ValueError: it is no DICOM, not of MR, a slice lacks the UIDs by which a result
        refers to it, or slices are of several studies, persons or frames of reference.
    """
    found = dicom.find(path)
    if found is None:
        raise ValueError(
            f"{path}: DICOM results need a DICOM scan, whose patient and study they "
            "carry on; this one is of another format. Give a folder or zip of DICOM "
            "files, or leave out --output_format."
        )
    raw = dicom.read_headers(found, choice)
    headers, told = _prepared(raw)
    for text in told:
        _LOGGER.warning("%s: %s.", path, text)
    for header in headers:
        _check(header, path)
    for keyword in _ALIKE:
        _check_alike(headers, keyword, path)
    if not headers[0].get("FrameOfReferenceUID"):
        # Places are then comparable within this series alone, and the results' with it.
        own = uid.generate_uid(prefix=None)
        for header in headers:
            header.FrameOfReferenceUID = own
    if anonymizer is not None:
        headers = [anonymizer.anonymized(header, str(path)) for header in headers]
    return DicomSource(tuple(headers), anonymizer is not None)


def image_references(headers: Sequence[pydicom.Dataset]) -> list[pydicom.Dataset]:
    """Items of SourceImageSequence (PS3.3 C.7.6.1.1.4), one for each file.

    Args:
      headers: as `DicomSource` has them.
    """
    items: dict[str, pydicom.Dataset] = {}
    frames: dict[str, list[int]] = {}
    for header in headers:
        item = items.setdefault(str(header.SOPInstanceUID), pydicom.Dataset())
        item.ReferencedSOPClassUID = header.SOPClassUID
        item.ReferencedSOPInstanceUID = header.SOPInstanceUID
        if frame := header.get("ReferencedFrameNumber"):
            frames.setdefault(str(header.SOPInstanceUID), []).append(int(frame))
    for instance, item in items.items():
        if instance in frames:
            item.ReferencedFrameNumber = sorted(frames[instance])
        item.PurposeOfReferenceCodeSequence = [codes.item(codes.SOURCE_IMAGE)]
    return list(items.values())


def _check(header: pydicom.Dataset, path: pathlib.Path) -> None:
    with elements.leniently():
        kind = uid.UID(elements.text(header, "SOPClassUID"))
    if kind not in _OF_MR:
        raise ValueError(
            f"{path}: the slices are of {kind.name or 'no SOP class'}; DICOM results "
            "are made of MR and Enhanced MR images alone. Write NIfTI: leave out "
            "--output_format."
        )
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        if not header.get(keyword):
            raise ValueError(
                f"{path}: a slice has no {keyword}, by which a DICOM result refers to "
                "it. Export the series again, or write NIfTI."
            )


def _check_alike(
    headers: Sequence[pydicom.Dataset], keyword: str, path: pathlib.Path
) -> None:
    values = {str(header.get(keyword) or "") for header in headers}
    if len(values) > 1:
        raise ValueError(
            f"{path}: slices of one series have {len(values)} values of {keyword}; a "
            "DICOM result has one. Export the series again, or write NIfTI."
        )


def _prepared(
    raw: Sequence[pydicom.Dataset],
) -> tuple[list[pydicom.Dataset], list[str]]:
    """Sound headers as a classic MR image has them, and what is to be told of them."""
    headers: list[pydicom.Dataset] = []
    told: dict[str, None] = {}
    for header in raw:
        result, texts = attributes.cleaned(header)
        told |= dict.fromkeys(texts)
        if result.get("SOPClassUID") != uid.MRImageStorage:
            pulse_sequence.describe(result)
        if header.file_meta.get("TransferSyntaxUID") in _ALWAYS_LOSSY:
            result.LossyImageCompression = "01"
        headers.append(result)
    return headers, list(told)
