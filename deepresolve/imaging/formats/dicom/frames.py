"""Enhanced MR: the frames of a file, each as the header of a classic slice.

A file of several frames says what it says in functional groups (PS3.3 C.7.6.16): what
all frames share, and what each has for itself. Which macro stands where is the
scanner's choice, and some write one frame a file. Flattened, a frame is no different
from a classic slice, and nothing else needs to know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pydicom
from pydicom.sequence import Sequence

from deepresolve.imaging.formats.dicom import elements

_SHARED, _PER_FRAME = (
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)
# Of Philips, private, in a frame's groups: what a classic slice of it would say.
_PHILIPS = pydicom.tag.Tag(0x2005, 0x140F)
_OF_PHILIPS = ("EchoNumbers", "TemporalPositionIdentifier", "TriggerTime")
TAGS = (
    *(_SHARED, _PER_FRAME, "DimensionIndexSequence", "ConcatenationUID"),
    *("InConcatenationNumber", "InConcatenationTotalNumber"),
)
_MACROS = (
    *("FrameContentSequence", "PlanePositionSequence", "PlaneOrientationSequence"),
    *("PixelMeasuresSequence", "PixelValueTransformationSequence"),
    *("FrameAnatomySequence", "FrameVOILUTSequence", "TemporalPositionSequence"),
    *("MREchoSequence", "MRImageFrameTypeSequence", "MRDiffusionSequence"),
    *("MRTimingAndRelatedParametersSequence", "MRModifierSequence"),
    *("MRAveragesSequence", "CardiacSynchronizationSequence"),
    *("MRImagingModifierSequence", "MRReceiveCoilSequence"),
    "MRVelocityEncodingSequence",
    # Of Legacy Converted Enhanced MR: what has no macro, as it was in the slices.
    "UnassignedSharedConvertedAttributesSequence",
    "UnassignedPerFrameConvertedAttributesSequence",
)
# What the macros call otherwise than a classic slice does.
_CLASSIC = {
    "EffectiveEchoTime": "EchoTime",
    "FrameType": "ImageType",
    "InversionTimes": "InversionTime",
    "NominalCardiacTriggerDelayTime": "TriggerTime",
    "TemporalPositionIndex": "TemporalPositionIdentifier",
    "FrameAcquisitionNumber": "AcquisitionNumber",
    "FrameLaterality": "ImageLaterality",
}
_NO_DIMENSION = {
    pydicom.tag.Tag(keyword)
    for keyword in ("InStackPositionNumber", "ImagePositionPatient")
}


def flattened(
    dataset: pydicom.Dataset, file: str
) -> Iterator[tuple[int | None, pydicom.Dataset]]:
    """The frames of a file: their numbers, from 1, and headers.

    Args:
      dataset: of a file; one without functional groups is its own only frame, None.
      file: its name, for messages.

    Raises:
      ValueError: there are not as many frames as groups.
    """
    groups = _items(dataset, _PER_FRAME)
    shared = _items(dataset, _SHARED)
    if not groups and not shared:
        yield None, dataset
        return
    promised = elements.OptionalNumbers(dataset).whole("NumberOfFrames") or 1
    groups = groups or [pydicom.Dataset()] * (promised == 1)
    if len(groups) != promised:
        raise ValueError(
            f"{file}: has {promised} frames and describes {len(groups)} of them in "
            f"{elements.title(_PER_FRAME)}. Export the series again."
        )
    base = _without_groups(dataset)
    for group in shared:
        _adopt(base, group)
    for number, group in enumerate(groups, start=1):
        flat = _copy(base)
        _adopt(flat, group)
        _adopt_dimensions(flat)
        yield number, flat


def part(dataset: pydicom.Dataset) -> tuple[str, int | None, int | None] | None:
    """Which part of a concatenation a file is (PS3.3 C.7.6.16.2.2.4); else None."""
    optional = elements.OptionalNumbers(dataset)
    whole = elements.text(dataset, "ConcatenationUID")
    number = optional.whole("InConcatenationNumber")
    total = optional.whole("InConcatenationTotalNumber")
    return (whole, number, total) if whole else None


def check_parts(
    parts: Mapping[str, tuple[str, int | None, int | None]], source: str
) -> None:
    """Refuses a concatenation of which a file is missing.

    Args:
      parts: by file, as `part` gives them.
      source: the folder or zip, for messages.

    Raises:
      ValueError: names the parts that are not there.
    """
    found: dict[str, set[int]] = {}
    total: dict[str, int] = {}
    for whole, number, count in parts.values():
        found.setdefault(whole, set()).add(number or 0)
        total[whole] = max(total.get(whole, 0), number or 0, count or 0)
    for whole, numbers in found.items():
        missing = set(range(1, total[whole] + 1)) - numbers
        if missing:
            raise ValueError(
                f"{source}: part {', '.join(map(str, sorted(missing)))} of "
                f"{total[whole]} of a concatenation (ConcatenationUID {whole}) is "
                f"missing; there are {', '.join(sorted(parts))}. Export the whole "
                "series again."
            )


def _items(dataset: pydicom.Dataset, tag: int | str) -> list[pydicom.Dataset]:
    value = dataset[tag].value if tag in dataset else None
    return list(value) if isinstance(value, Sequence) else []


def _without_groups(dataset: pydicom.Dataset) -> pydicom.Dataset:
    base = _copy(dataset)
    for keyword in (_SHARED, _PER_FRAME):
        if keyword in base:
            del base[keyword]
    return base


def _copy(dataset: pydicom.Dataset) -> pydicom.Dataset:
    """A dataset of its own; elements are parsed when they are asked for, as before."""
    result = dataset[:]
    if "file_meta" in dataset.__dict__:
        result.file_meta = dataset.file_meta
    return result


def _adopt(flat: pydicom.Dataset, group: pydicom.Dataset) -> None:
    """Takes the elements of a group's macros for those of the slice itself."""
    for macro in _MACROS:
        for item in _items(group, macro)[:1]:
            flat.update(item)
            for keyword, classic in _CLASSIC.items():
                if keyword in item and (values := item[keyword].value) is not None:
                    _rename(flat, keyword, classic, values)
    for item in _items(group, _PHILIPS)[:1]:
        for keyword in _OF_PHILIPS:
            if keyword in item and keyword not in flat:
                flat[keyword] = item[keyword]


def _rename(flat: pydicom.Dataset, keyword: str, classic: str, values: Any) -> None:
    several = isinstance(values, (list, pydicom.multival.MultiValue))
    if several and classic != "ImageType":
        values = values[0] if values else None
    del flat[keyword]
    if isinstance(values, float):
        values = f"{values:.10g}"
    _set(flat, classic, values)


def _adopt_dimensions(flat: pydicom.Dataset) -> None:
    """Keeps of DimensionIndexValues what is not the place in the stack."""
    pointers = [
        item.get("DimensionIndexPointer")
        for item in _items(flat, "DimensionIndexSequence")
    ]
    values = elements.texts(flat, "DimensionIndexValues")
    if len(pointers) == len(values):
        kept = [
            int(value)
            for pointer, value in zip(pointers, values, strict=True)
            if pointer not in _NO_DIMENSION
        ]
        _set(flat, "DimensionIndexValues", kept or None)


def _set(flat: pydicom.Dataset, keyword: str, values: Any) -> None:
    """Sets an element anew: the old one may be another frame's, too."""
    flat.pop(keyword, None)
    setattr(flat, keyword, values)
