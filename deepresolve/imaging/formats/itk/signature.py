"""How MetaImage and NRRD files are told from others, and where they keep voxels."""

from __future__ import annotations

import re

from deepresolve.imaging.file_kind import Kind, Role
from deepresolve.imaging.format_table import NUM_BYTES, Signature

META_IMAGE = Kind(Role.SCAN, "MetaImage")
NRRD = Kind(Role.SCAN, "NRRD")

# No header of text is longer.
TEXT_HEADER_BYTES = 2**16
# The key of a MetaImage that ends its header, and the field of NRRD; after each a name.
META_DATA_FILE = re.compile(
    rb"^\s*ElementDataFile[ \t]*=[ \t]*(.*?)[ \t]*\r?$\n?", re.M | re.I
)
NRRD_DATA_FILE = re.compile(rb"^data ?file:[ \t]*(.*?)\s*$", re.M | re.I)

_NRRD = re.compile(rb"NRRD000[1-9]\r?\n")
# A MetaImage begins with "Key = value" lines; its first key is one of these.
_META_IMAGE = re.compile(
    rb"\s*(ObjectType|NDims|Comment|ObjectSubType|Name|ID)[ \t]*=", re.IGNORECASE
)


def is_meta_image(start: bytes) -> bool:
    """Whether text is a MetaImage's header, which `TEXT_HEADER_BYTES` hold whole."""
    return bool(_META_IMAGE.match(start) and META_DATA_FILE.search(start))


def is_nrrd(start: bytes) -> bool:
    """Whether bytes begin an NRRD header."""
    return bool(_NRRD.match(start))


def judge(start: bytes, name: str) -> Kind | None:
    """MetaImage, NRRD or neither, whatever the name ends in."""
    if is_nrrd(start):
        return NRRD
    return META_IMAGE if is_meta_image(start) else None


def num_bytes(start: bytes) -> int:
    """A MetaImage is one by the line that ends its header; both name files in it."""
    is_text = _META_IMAGE.match(start) or is_nrrd(start)
    return TEXT_HEADER_BYTES if is_text else NUM_BYTES


def data_files(header: bytes) -> list[str]:
    """Names that stand where a header names the file with its voxels."""
    pattern = NRRD_DATA_FILE if is_nrrd(header) else META_DATA_FILE
    found = pattern.search(header)
    if found is None:
        return []
    # LIST is followed by names, a line each.
    lines = [found[1], *header[found.end() :].split(b"\n")]
    return [line.decode("utf-8", "replace").strip() for line in lines]


SIGNATURE = Signature(
    judge=judge,
    num_bytes=num_bytes,
    endings={
        **{".mha": META_IMAGE, ".mhd": META_IMAGE},
        **{".nrrd": NRRD, ".nhdr": NRRD},
    },
    data_files=data_files,
)
