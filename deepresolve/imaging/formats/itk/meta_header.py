"""The header of a MetaImage, looked through before ITK parses it.

ITK's parser ends the whole process on some damaged headers, so that it is given only
those that are as MetaIO's documentation has them (itk.org, "MetaIO/Documentation").
"""

from __future__ import annotations

import math
import re

# Programs add keys of their own, such as 0008|0060 for a DICOM element.
_LINE = re.compile(
    rb"[ \t]*([^\s=\0-\x1f]+)[ \t]*=[ \t]*([^\0-\x08\n-\x1f]*?)[ \t]*\r?"
)
_LONGEST_LINE = 1000
# Numbers in a value, by key; keys that mean the same have the same.
_NUM_VALUES = {
    **dict.fromkeys(("TransformMatrix", "Rotation", "Orientation"), 9),
    **dict.fromkeys(("Offset", "Position", "Origin", "CenterOfRotation"), 3),
    **dict.fromkeys(("ElementSpacing", "ElementSize", "DimSize"), 3),
    **dict.fromkeys(("NDims", "CompressedDataSize", "ElementNumberOfChannels"), 1),
    **dict.fromkeys(("CompressionLevel", "ElementMin", "ElementMax", "ID"), 1),
    **dict.fromkeys(("ParentID", "ElementToIntensityFunctionSlope"), 1),
    "ElementToIntensityFunctionOffset": 1,
}
_COUNTS = ("NDims", "DimSize", "CompressedDataSize", "ElementNumberOfChannels")
_TRUTHS = (
    *("BinaryData", "ElementByteOrderMSB", "BinaryDataByteOrderMSB", "CompressedData"),
)
_TYPES = {
    *("MET_CHAR", "MET_UCHAR", "MET_SHORT", "MET_USHORT", "MET_INT", "MET_UINT"),
    *("MET_LONG", "MET_ULONG", "MET_LONG_LONG", "MET_ULONG_LONG"),
    *("MET_FLOAT", "MET_DOUBLE"),
}
_NEEDED = ("NDims", "DimSize", "ElementType", "ElementDataFile")


def check(header: bytes) -> None:
    """Refuses a header that is not that of one 3D image of real numbers.

    Args:
      header: the lines up to the one of ElementDataFile.

    Raises:
      ValueError: a line, a key or a value is none that such a header has; the message
        begins in the middle of a sentence.
    """
    found: dict[str, str] = {}
    for line in header.rstrip(b"\r\n").split(b"\n"):
        match = _LINE.fullmatch(line)
        if match is None or len(line) > _LONGEST_LINE:
            raise ValueError(
                f"the line {line[:60]!r} of the header is none of its kind"
            )
        key, value = (part.decode("latin-1") for part in match.groups())
        if key in found:
            raise ValueError(f"the header has {key} twice")
        found[key] = value
    if missing := [key for key in _NEEDED if key not in found]:
        raise ValueError(f"the header lacks {', '.join(missing)}")
    if found["NDims"] != "3":
        raise ValueError(
            f"expected one 3D volume of real numbers; NDims is {found['NDims']}"
        )
    for key, value in found.items():
        if not _is_valid(key, value):
            raise ValueError(f"the header has {key} = {value[:60]!r}")


def _is_valid(key: str, value: str) -> bool:
    if key in _NUM_VALUES:
        values = [_number(text) for text in value.split()]
        is_count = all(v.is_integer() and 1 <= v < 2**31 for v in values)
        return (
            len(values) == _NUM_VALUES[key]
            and all(map(math.isfinite, values))
            and (is_count or key not in _COUNTS)
        )
    if key in _TRUTHS:
        return value in ("True", "False")
    if key == "HeaderSize":  # -1: the voxels are the end of their file.
        return value in ("-1", "0")
    return key != "ElementType" or value in _TYPES


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
