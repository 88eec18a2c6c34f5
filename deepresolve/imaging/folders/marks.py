"""How files of the formats that are read begin; of pairs also how their names end."""

from __future__ import annotations

import re

GZIP = b"\x1f\x8b"
NRRD = re.compile(rb"NRRD000[1-9]\r?\n")
# The key of a MetaImage that ends its header, and the field of NRRD; after each a name.
META_DATA_FILE = re.compile(
    rb"^\s*ElementDataFile[ \t]*=[ \t]*(.*?)[ \t]*\r?$\n?", re.M | re.I
)
NRRD_DATA_FILE = re.compile(rb"^data ?file:[ \t]*(.*?)\s*$", re.M | re.I)
# A MetaImage begins with "Key = value" lines; its first key is one of these.
META_IMAGE = re.compile(
    rb"\s*(ObjectType|NDims|Comment|ObjectSubType|Name|ID)[ \t]*=", re.IGNORECASE
)
# No header of text is longer.
TEXT_HEADER_BYTES = 2**16
# The header of an Analyze 7.5 file begins with its length, in either order of bytes.
_ANALYZE = ((348).to_bytes(4, "little"), (348).to_bytes(4, "big"))
_NIFTI_2_SIGNATURE = b"\0\r\n\x1a\n"

# Of a header that has its voxels in another file, and of these.
HEADER_ENDINGS = (".hdr", ".hdr.gz")
VOXEL_ENDINGS = (".img", ".img.gz")
PAIR_ENDINGS = (*HEADER_ENDINGS, *VOXEL_ENDINGS)


def nifti(start: bytes) -> bytes | None:
    """The magic of a NIfTI header; None where there is none.

    Args:
      start: the first 348 bytes of a file, unpacked.

    Returns:
      b"n+1" or, of NIfTI-2, b"n+2"; of a pair's header b"ni1" or b"ni2".
    """
    # nifti1.h: 4 bytes at 344. nifti2.h: 8 bytes at 4.
    if start[344:348] in (b"n+1\0", b"ni1\0"):
        return start[344:347]
    if start[4:7] in (b"n+2", b"ni2") and start[7:12] == _NIFTI_2_SIGNATURE:
        return start[4:7]
    return None


def is_analyze(start: bytes) -> bool:
    """Whether bytes may begin an Analyze header, which has no magic of its own."""
    return start[:4] in _ANALYZE


def is_meta_image(start: bytes) -> bool:
    """Whether text is a MetaImage's header, which `TEXT_HEADER_BYTES` hold whole."""
    return bool(META_IMAGE.match(start) and META_DATA_FILE.search(start))


def is_nrrd(start: bytes) -> bool:
    """Whether bytes begin an NRRD header."""
    return bool(NRRD.match(start))
