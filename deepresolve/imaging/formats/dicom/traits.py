"""What tells slices of one series apart that lie at one place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pydicom
from pydicom import datadict

from deepresolve.imaging.formats.dicom import elements


@dataclasses.dataclass(frozen=True)
class Trait:
    """An element by which volumes of a series may differ.

    Attributes:
      title: what users read.
      keyword: of the element.
      is_contrast: whether slices that differ in it are not of one contrast. Others,
        such as times, differ between the slices of one volume, too.
    """

    title: str
    keyword: str
    is_contrast: bool = True


# In the order in which they are tried.
TRAITS = (
    Trait("echo", "EchoNumbers"),
    Trait("TE", "EchoTime"),
    Trait("ImageType", "ImageType"),
    Trait("component", "ComplexImageComponent"),
    Trait("b-value", "DiffusionBValue"),
    Trait("direction", "DiffusionGradientOrientation"),
    Trait("velocity direction", "VelocityEncodingDirection"),
    Trait("TI", "InversionTime"),
    Trait("flip angle", "FlipAngle"),
    Trait("TR", "RepetitionTime"),
    Trait("sequence", "SequenceName"),
    Trait("scanning sequence", "ScanningSequence"),
    Trait("description", "SeriesDescription"),
    Trait("protocol", "ProtocolName"),
    Trait("comment", "ImageComments", is_contrast=False),
    Trait("scan options", "ScanOptions"),
    Trait("stack", "StackID", is_contrast=False),
    Trait("time", "TemporalPositionIdentifier", is_contrast=False),
    Trait("acquisition", "AcquisitionNumber", is_contrast=False),
    Trait("trigger time", "TriggerTime", is_contrast=False),
    Trait("acquisition time", "AcquisitionTime", is_contrast=False),
    Trait("acquisition time", "AcquisitionDateTime", is_contrast=False),
    Trait("acquisition time", "FrameAcquisitionDateTime", is_contrast=False),
    Trait("content time", "ContentTime", is_contrast=False),
    Trait("dimensions", "DimensionIndexValues", is_contrast=False),
)
_NUMERIC = ("DS", "FD", "FL", "IS")
_B_VALUE = "DiffusionBValue"
_DIRECTION = "DiffusionGradientDirectionSequence"
# Vendors' own b-values: private creator, where it usually stands, the element.
_PRIVATE_B_VALUES = (
    ("SIEMENS MR HEADER", 0x0019, 0x0C),
    ("GEMS_PARM_01", 0x0043, 0x39),
    ("Philips Imaging DD 001", 0x2001, 0x03),
)
TAGS = (
    *(trait.keyword for trait in TRAITS),
    _DIRECTION,
    *(pydicom.tag.Tag(group, 0x10) for _, group, _ in _PRIVATE_B_VALUES),
    *(pydicom.tag.Tag(group, 0x1000 + at) for _, group, at in _PRIVATE_B_VALUES),
)


def of(
    dataset: pydicom.Dataset,
) -> tuple[Mapping[str, tuple[str, ...]], tuple[str, ...]]:
    """The traits that a slice has, by keyword, and what stands in place of numbers."""
    found, left_out = {}, []
    for trait in TRAITS:
        values = elements.texts(dataset, trait.keyword)
        if values and datadict.dictionary_VR(trait.keyword) in _NUMERIC:
            numbers = elements.numbers(values)
            if numbers is None:
                left_out.append(f"{elements.title(trait.keyword)} is {values[0]!r}")
            # Without what its writer filled it up with: "30" for "30.000".
            values = tuple(f"{number:.12g}" for number in numbers or ())
        if values:
            found[trait.keyword] = values
    if _B_VALUE not in found and (value := _private_b_value(dataset)):
        found[_B_VALUE] = (value,)
    for item in dataset.get(_DIRECTION) or ():
        if values := elements.texts(item, "DiffusionGradientOrientation"):
            found["DiffusionGradientOrientation"] = values
    return found, tuple(left_out)


def _private_b_value(dataset: pydicom.Dataset) -> str | None:
    for creator, group, element in _PRIVATE_B_VALUES:
        try:
            value = dataset.private_block(group, creator)[element].value
        except elements.UNREADABLE:
            continue
        if isinstance(value, (list, pydicom.multival.MultiValue)):
            value = value[0] if value else ""
        elif isinstance(value, bytes):  # Of an element whose kind is not told.
            value = value.decode("latin-1").split("\\")[0].strip(" \0")
        values = elements.numbers([str(value)])
        if values:
            # GE adds a multiple of 1e9, which says something else.
            return f"{values[0] % 1e9:g}"
    return None
