"""What a file is, judged by its bytes; by its name only where these do not tell.

Formats that are read say themselves how their files are told (`format_table`); here
stands what else a user's folder holds.
"""

from __future__ import annotations

import functools
import pathlib
import re
from collections.abc import Callable
from typing import BinaryIO

from deepresolve.imaging import format_table
from deepresolve.imaging.file_kind import Kind, Role
from deepresolve.imaging.folders import placeholders, unpacking

Opener = Callable[[], BinaryIO]


def opener(path: pathlib.Path) -> Opener:
    """What opens a file on disk."""
    return functools.partial(_open, path)


def _open(path: pathlib.Path) -> BinaryIO:
    return path.open("rb")


# Files that lie beside scans and are none, so that a broken one is no lost scan.
SIDE_ENDINGS = (
    *(".txt", ".json", ".csv", ".tsv", ".xlsx", ".xls", ".ods", ".xml", ".html"),
    *(".htm", ".md", ".rst", ".pdf", ".doc", ".docx", ".rtf", ".log", ".yaml"),
    *(".yml", ".bval", ".bvec", ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif"),
    *(".tiff", ".svg", ".mp4", ".avi", ".py", ".sh", ".m", ".r", ".ipynb", ".js"),
    *(".css", ".ini", ".cfg", ".toml", ".mat", ".npy", ".npz", ".pkl", ".exe"),
    *(".dll", ".inf", ".sha256", ".md5", ".lock", ".tmp", ".bak", ".dvc"),
)
_SIDE_NAMES = {
    *("readme", "license", "licence", "changes", "changelog", "version", "authors"),
    *("citation", "makefile", "todo", "notes", "install"),
}


def _unread(name: str, convert: str) -> Kind:
    why = f"is of the kind {name}, which is not read; {convert}, or move it away"
    return Kind(Role.UNREAD, name, why)


_DCM2NIIX = "convert it to NIfTI with dcm2niix"
_UNPACK = "unpack it"
_MGH = _unread("MGH (FreeSurfer)", "convert it with `mri_convert SCAN SCAN.nii.gz`")
_MINC = _unread("MINC", "convert it with `mnc2nii SCAN SCAN.nii`")
_PAR = _unread("PAR/REC (Philips)", _DCM2NIIX)
_FDF = _unread("FDF (Varian)", "convert it to NIfTI, e.g. with `fdf2nifti`")
_BRUKER = _unread("ParaVision (Bruker)", "convert it to NIfTI, e.g. with BrkRaw")
_AFNI = _unread("AFNI", "convert it with `3dAFNItoNIFTI SCAN`")
_TAR = _unread("tar archive", _UNPACK)
_COMPRESSED = _unread("compressed by bzip2, xz or zstd", _UNPACK)
_ARCHIVE = _unread("archive", _UNPACK)
_UNREAD_BEGINNINGS = (
    (re.compile(rb"# === DATA DESCRIPTION FILE|# CLINICAL TRYOUT\s+Research"), _PAR),
    (re.compile(rb"#!/usr/local/fdf/startup"), _FDF),
    (re.compile(rb"##TITLE=Parameter List"), _BRUKER),
    (re.compile(rb"BZh[1-9]1AY|\xfd7zXZ\0|\x28\xb5\x2f\xfd"), _COMPRESSED),
    (re.compile(rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07"), _ARCHIVE),
    (re.compile(rb".{257}ustar", re.DOTALL), _TAR),
)
UNREAD_ENDINGS = {
    **dict.fromkeys((".mgz", ".mgh", ".mgh.gz"), _MGH),
    **dict.fromkeys((".mnc", ".mnc.gz"), _MINC),
    **dict.fromkeys((".head", ".brik", ".brik.gz"), _AFNI),
    **dict.fromkeys((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"), _TAR),
    **dict.fromkeys((".bz2", ".xz", ".zst"), _COMPRESSED),
    **dict.fromkeys((".7z", ".rar"), _ARCHIVE),
    ".fdf": _FDF,
}
# Bruker's name for reconstructed images.
_BRUKER_VOXELS = "2dseq"

_ENDING = re.compile(r"(\.nii|\.tar)?\.[a-z][a-z0-9]{0,9}", re.IGNORECASE)


def judge(open_file: Opener, name: str) -> Kind:
    """Reads the beginning of a file, and says what it is.

    Args:
      open_file: opens it.
      name: its name, which may begin with folders.

    Returns:
      Its kind; a file that cannot be opened is missing.
    """
    try:
        with open_file() as stream:
            start = format_table.read_start(stream, format_table.signatures())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Kind(Role.MISSING, "", f"cannot be read ({reason})")
    return _judge_bytes(start, pathlib.PurePosixPath(name).name)


def judge_file(path: pathlib.Path) -> Kind:
    """`judge` for a file on disk."""
    return judge(opener(path), path.name)


def is_of(path: pathlib.Path, signature: format_table.Signature) -> bool:
    """Whether a path is a file that is a scan by a format's signature."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        start = format_table.read_start(stream, [signature])
    kind = signature.judge(start, path.name)
    return kind is not None and kind.role in (Role.SCAN, Role.HEADER)


def ending(name: str) -> str:
    """How a name ends, in small letters: .json, .nii.gz; "" where it does not."""
    found = _ENDING.fullmatch("".join(pathlib.PurePath(name).suffixes[-2:]))
    if found:
        return found[0].lower()
    last = _ENDING.fullmatch(pathlib.PurePath(name).suffix)
    return last[0].lower() if last else ""


def is_side(name: str) -> bool:
    """Whether files of such names lie beside scans, and are none."""
    lower = name.lower()
    return lower.endswith(SIDE_ENDINGS) or lower.rpartition("/")[2] in _SIDE_NAMES


def _judge_bytes(start: bytes, name: str) -> Kind:
    if not start:
        return Kind(Role.BLANK, ending(name), placeholders.EMPTY)
    if not is_side(name) and (why := placeholders.why_missing(start, name)):
        return Kind(Role.MISSING, ending(name), why)
    kind = _by_content(start, name)
    if kind is None and start.startswith(unpacking.GZIP):
        kind = _packed(unpacking.peek(start, format_table.NUM_BYTES), name)
    return kind or _by_name(start, name)


def _by_content(start: bytes, name: str) -> Kind | None:
    for signature in format_table.signatures():
        if kind := signature.judge(start, name):
            return kind
    return next((k for begin, k in _UNREAD_BEGINNINGS if begin.match(start)), None)


def _packed(start: bytes, name: str) -> Kind | None:
    """What is in a gzip file."""
    inner = name[: -len(".gz")] if name.lower().endswith(".gz") else name
    for signature in format_table.signatures():
        judge = signature.judge_packed
        if judge is not None and (kind := judge(start, inner)):
            return kind
    return _TAR if start[257:262] == b"ustar" else None


def _by_name(start: bytes, name: str) -> Kind:
    lower = name.lower()
    for endings in (format_table.endings(), UNREAD_ENDINGS):
        for suffix, kind in endings.items():
            if lower.endswith(suffix):
                return kind
    if lower == _BRUKER_VOXELS:
        return _BRUKER
    if placeholders.is_blank(start):
        return Kind(Role.BLANK, ending(name), placeholders.ZEROS)
    is_binary = b"\0" in start and not is_side(name)
    return Kind(Role.UNKNOWN if is_binary else Role.OTHER, ending(name))
