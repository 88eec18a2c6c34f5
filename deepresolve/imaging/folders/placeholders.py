"""Files that stand where a scan should be, while its content is elsewhere."""

from __future__ import annotations

import re
from collections.abc import Collection

EMPTY = "is empty (0 bytes); copy or export it again"
_ANNEX = (
    "is a pointer of git-annex whose content is not here; get it with `git annex get` "
    "or `datalad get`"
)
_LFS = "is a pointer of Git LFS whose content is not here; get it with `git lfs pull`"
_SHORTCUT = "is a shortcut to a file, not the file; copy the file itself"
ZEROS = "begins with nothing but zeros, as a failed copy does; copy it again"
_PAGE = "is a page of the web in place of the file; download it again"
_DVC = "is kept by DVC and not here; get it with `dvc pull`"
_UNFINISHED = "is an unfinished download; fetch it again"
CLOUD = "is in iCloud and not on this machine; download it"

_BEGINNINGS = (
    # An unlocked file, and a link as Git writes it where there are none.
    (re.compile(rb"[\\/]annex[\\/]objects[\\/]"), _ANNEX),
    (re.compile(rb"[^\0\r\n]{0,1000}\.git[\\/]annex[\\/]objects[\\/]"), _ANNEX),
    (re.compile(rb"version https://(git-lfs|hawser)\.github\.com/spec/"), _LFS),
    (re.compile(rb"version http://git-media\.io/v/"), _LFS),
    # Of Windows (MS-SHLLINK 2.1), macOS and Cygwin.
    (re.compile(rb"\x4c\0\0\0\x01\x14\x02\0"), _SHORTCUT),
    (re.compile(rb"book\0\0\0\0mark\0\0\0\0"), _SHORTCUT),
    (re.compile(rb"!<symlink>"), _SHORTCUT),
    (re.compile(rb"\s*<(!doctype html|html|\?xml [^>]*>\s*<error>)", re.I), _PAGE),
)
_UNFINISHED_ENDINGS = (
    *(".part", ".partial", ".crdownload", ".filepart", ".download", ".aria2"),
)
# Fewer zeros than these may be the beginning of voxels.
_MANY_ZEROS = 512
_HIDDEN_CLOUD = re.compile(r"\.(?P<name>.+)\.icloud")


def why_missing(start: bytes, name: str) -> str | None:
    """Why a file is not what its name says; None where it may be.

    Args:
      start: its first bytes, 4096 or all.
      name: its name.
    """
    if name.lower().endswith(_UNFINISHED_ENDINGS):
        return _UNFINISHED
    return next((why for begin, why in _BEGINNINGS if begin.match(start)), None)


def is_blank(start: bytes) -> bool:
    """Whether a file of no known kind is the trace of a copy that failed."""
    return len(start) >= _MANY_ZEROS and not start.strip(b"\0")


def stand_ins(names: Collection[str]) -> dict[str, str]:
    """Names of files that are not here but others stand for; why they are missing.

    Args:
      names: all of a folder.
    """
    found = {
        match["name"]: CLOUD
        for name in names
        if (match := _HIDDEN_CLOUD.fullmatch(name))
    }
    found |= {name[: -len(".dvc")]: _DVC for name in names if name.endswith(".dvc")}
    return {name: why for name, why in found.items() if name and name not in names}
