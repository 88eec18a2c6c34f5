"""How NIfTI files, and the headers of Analyze 7.5, are told from others."""

from __future__ import annotations

from deepresolve.imaging.file_kind import Kind, Role
from deepresolve.imaging.format_table import Signature

NIFTI = Kind(Role.SCAN, "NIfTI")
PAIR = Kind(Role.HEADER, "NIfTI pair")

# Of a header that has its voxels in another file, and of these.
HEADER_ENDINGS = (".hdr", ".hdr.gz")
VOXEL_ENDINGS = (".img", ".img.gz")

# The header of an Analyze 7.5 file begins with its length, in either order of bytes.
_ANALYZE = ((348).to_bytes(4, "little"), (348).to_bytes(4, "big"))
_NIFTI_2_SIGNATURE = b"\0\r\n\x1a\n"


def magic(start: bytes) -> bytes | None:
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


def judge(start: bytes, name: str) -> Kind | None:
    """NIfTI in one file, the header of a pair, or neither.

    Args:
      start: the first bytes of a file, unpacked.
      name: its name, without .gz.
    """
    found = magic(start)
    if found is not None:
        return NIFTI if found.startswith(b"n+") else PAIR
    return PAIR if is_analyze(start) and name.lower().endswith(".hdr") else None


SIGNATURE = Signature(
    judge=judge,
    judge_packed=judge,
    endings={".nii.gz": NIFTI, ".nii": NIFTI},
    header_endings=HEADER_ENDINGS,
    voxel_endings=VOXEL_ENDINGS,
)
