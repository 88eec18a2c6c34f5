"""What a file of a user's folder is, as formats and folders say it to each other."""

from __future__ import annotations

import dataclasses
import enum


class Role(enum.Enum):
    """What a file means for a search."""

    SCAN = "a whole scan, or damaged under a scan's name"
    SLICE = "an image in DICOM"
    OBJECT = "something else in DICOM"
    HEADER = "the header of a pair of files"
    UNREAD = "a scan of a kind that is not read"
    MISSING = "stands for a file that is not here"
    BLANK = "holds nothing, or nothing but zeros"
    UNKNOWN = "binary, of no known kind"
    OTHER = "no scan"


@dataclasses.dataclass(frozen=True)
class Kind:
    """What one file is.

    Attributes:
      role: see `Role`.
      name: of its format, or its ending.
      why: of what is not read or missing: what to do; follows the path and a colon.
      has_frames: whether a slice's file holds many of them.
      is_packed_slice: whether it is a slice that is missing because it is packed.
    """

    role: Role
    name: str
    why: str = ""
    has_frames: bool = False
    is_packed_slice: bool = False
