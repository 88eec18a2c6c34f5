"""DICOM told from the first bytes of a file, with or without preamble and mark.

A file of DICOM PS3.10 has 128 bytes of preamble, "DICM", and its meta information
(group 0002). Some programs leave out the former two, or all three: then a file begins
with elements in ascending order whose value representations and lengths make sense,
which neither text nor other binary files do.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator

from deepresolve.imaging.file_kind import Kind, Role
from deepresolve.imaging.folders.kinds import ending

SLICE = Kind(Role.SLICE, "DICOM")
FRAMES = Kind(Role.SLICE, "DICOM of many frames", has_frames=True)
ZIP = Kind(Role.SCAN, "zip")
PACKED_SLICE = Kind(
    Role.MISSING,
    "DICOM",
    "is DICOM packed by gzip; unpack it with `gunzip`",
    is_packed_slice=True,
)

_MARK_OFFSET, _MARK = 128, b"DICM"
_META_GROUP, _DIRECTORY_GROUP, _FIRST_GROUP = 0x0002, 0x0004, 0x0008
_META_SOP_CLASS, _SOP_CLASS = (0x0002, 0x0002), (0x0008, 0x0016)
_UID = re.compile(rb"[012](\.\d+)+[\0 ]*")
# Value representations (PS3.5 6.2), and those of them whose length takes 4 bytes.
_LONG = set(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_KNOWN = _LONG | set(
    b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()
)
_UNDEFINED = 0xFFFFFFFF
_ZIP_MAGIC = (b"PK\3\4", b"PK\5\6")
# Chance agrees with two explicit elements, or three implicit ones, in no real file.
_FEWEST = {True: 2, False: 3}
# No value before the pixels that is not a sequence or private is longer.
_LONGEST_VALUE = 2**16

DIRECTORY, DIRECTORY_NAME = "1.2.840.10008.1.3.10", "DICOMDIR"
_STORAGE = "1.2.840.10008.5.1.4.1.1."
# Storage classes that are no images (PS3.4 B.5), by how their UIDs begin.
_NO_IMAGES = {
    DIRECTORY: DIRECTORY_NAME,
    "1.3.12.2.1107.5.9.1": "Siemens non-image object",
    _STORAGE + "4.2": "spectroscopy",
    _STORAGE + "9.": "waveform",
    _STORAGE + "11.": "presentation state",
    _STORAGE + "66.1": "registration",
    _STORAGE + "66.2": "registration",
    _STORAGE + "66.3": "registration",
    _STORAGE + "66.4": "segmentation",
    _STORAGE + "66.5": "segmentation",
    _STORAGE + "66.7": "segmentation",
    _STORAGE + "66": "raw data",
    _STORAGE + "67": "real world value mapping",
    _STORAGE + "88.59": "key object selection",
    _STORAGE + "88.": "structured report",
    _STORAGE + "104.": "encapsulated document",
    _STORAGE + "481.3": "structure set",
}
# Storage classes whose files hold many slices each.
_MANY_FRAMES = {
    *(_STORAGE + n for n in ("4.1", "4.3", "4.4", "2.1", "2.2", "130", "128.1")),
    *(_STORAGE + n for n in ("7.1", "7.2", "7.3", "7.4")),
}


def judge(start: bytes, name: str) -> Kind | None:
    """A slice, something else in DICOM, a zip that may hold slices, or none of them.

    Args:
      start: the first `format_table.NUM_BYTES` of a file, or all of it.
      name: its name.
    """
    uid = sop_class(start)
    if uid is None:
        is_zip = start[:4] in _ZIP_MAGIC and ending(name) in ("", ".zip")
        return ZIP if is_zip else None
    if not uid and name.upper() == DIRECTORY_NAME:
        uid = DIRECTORY
    if what := no_image(uid):
        return Kind(Role.OBJECT, what)
    return FRAMES if has_frames(uid) else SLICE


def judge_packed(start: bytes, name: str) -> Kind | None:
    """A slice that is to be unpacked first; slices alone are not packed by gzip."""
    return None if sop_class(start) is None else PACKED_SLICE


def sop_class(start: bytes) -> str | None:
    """The SOPClassUID of a DICOM file.

    Args:
      start: the first `format_table.NUM_BYTES` of the file, or the whole.

    Returns:
      The UID, "" where the file is DICOM and does not say, None where it is no DICOM.
    """
    if start[_MARK_OFFSET:][:4] == _MARK:
        return _found(_elements(start[_MARK_OFFSET + 4 :], "<", explicit=True)) or ""
    for order in "<>":
        if len(start) < 8:
            continue
        group = struct.unpack_from(order + "H", start)[0]
        if group in (_META_GROUP, _DIRECTORY_GROUP, _FIRST_GROUP):
            for explicit in (True, False):
                elements = list(_elements(start, order, explicit=explicit))
                if len(elements) >= _FEWEST[explicit]:
                    return _found(elements) or ""
    return None


def no_image(uid: str) -> str | None:
    """What objects of a SOP class are where they are known to be no images."""
    if uid in _NO_IMAGES:
        return _NO_IMAGES[uid]
    starts = (s for s in _NO_IMAGES if s.endswith(".") and uid.startswith(s))
    return _NO_IMAGES.get(next(starts, ""))


def has_frames(uid: str) -> bool:
    """Whether objects of a SOP class hold many slices each."""
    return uid in _MANY_FRAMES


def _found(elements: Iterable[tuple[tuple[int, int], bytes]]) -> str | None:
    for tag, value in elements:
        if tag in (_META_SOP_CLASS, _SOP_CLASS) and _UID.fullmatch(value):
            return value.rstrip(b"\0 ").decode()
        if tag[0] == _DIRECTORY_GROUP:
            return DIRECTORY
    return None


def _elements(
    data: bytes, order: str, *, explicit: bool
) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Tags and values until the data end or make no sense."""
    offset, last = 0, (0, -1)
    while offset + 8 <= len(data):
        tag = struct.unpack_from(order + "HH", data, offset)
        if explicit:
            header = _explicit_header(data, offset, order)
        else:
            header = 8, struct.unpack_from(order + "L", data, offset + 4)[0]
        if tag <= last or header is None:
            return
        num_header, length = header
        if length % 2 or (length > _LONGEST_VALUE and length != _UNDEFINED):
            return
        offset += num_header
        yield tag, data[offset : offset + length]
        if length == _UNDEFINED:  # A sequence; what comes after it is not looked for.
            return
        offset, last = offset + length, tag


def _explicit_header(data: bytes, offset: int, order: str) -> tuple[int, int] | None:
    """Bytes of an element's header, and the length of its value."""
    kind = data[offset + 4 : offset + 6]
    if kind not in _KNOWN:
        return None
    if kind not in _LONG:
        return 8, struct.unpack_from(order + "H", data, offset + 6)[0]
    if offset + 12 > len(data):
        return None
    return 12, struct.unpack_from(order + "L", data, offset + 8)[0]
