"""Where DICOM files come from: one file, a folder, or a zip that stays packed."""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from deepresolve.imaging.formats import limits

_ENDINGS = (".dcm", ".ima")
Opener = Callable[[], BinaryIO]


def is_dicom(open_file: Opener) -> bool:
    """Whether the file has the mark that follows the preamble (DICOM PS3.10 7.1)."""
    with open_file() as stream:
        return stream.read(132)[128:] == b"DICM"


def num_bytes(open_file: Opener) -> int:
    """Length of a file; of a zip's member when unpacked."""
    with open_file() as stream:
        return stream.seek(0, os.SEEK_END)


@contextlib.contextmanager
def dicom_files(path: pathlib.Path) -> Iterator[Mapping[str, Opener]]:
    """The DICOM files at `path`, each by name with the function that opens it.

    Files of other kinds, hidden ones and DICOMDIR indices are left out. Folders are
    searched to any depth. Nothing of a zip is unpacked to disk. The functions work
    until the context ends.

    Args:
      path: a file, folder or zip.

    Yields:
      Names, sorted and relative to `path`, and openers.

    Raises:
      ValueError: a file in it is named .dcm or .ima and is no DICOM, or the zip is
        encrypted, damaged, names a path outside itself, or promises more than
        `limits` allows.
    """
    if path.is_file() and zipfile.is_zipfile(path):
        with _zip_members(path) as members:
            yield _checked(members)
    elif path.is_file():
        yield _only_dicom({path.name: functools.partial(path.open, "rb")})
    else:
        yield _checked(
            {
                str(file.relative_to(path)): functools.partial(file.open, "rb")
                for file in path.rglob("*")
                if file.is_file()
            }
        )


@contextlib.contextmanager
def _zip_members(path):
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            _check_members(members, path)
            yield {
                info.filename: functools.partial(archive.open, info) for info in members
            }
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError) as error:
        raise ValueError(
            f"{path}: the zip cannot be read ({error}). Copy or zip it again."
        ) from error


def _check_members(members, path):
    # Bit 0: encrypted (PKWARE APPNOTE 4.4.4).
    if any(info.flag_bits & 1 for info in members):
        raise ValueError(f"{path}: the zip is encrypted; unpack it to a folder first.")
    # zipfile never reads more of a member than is promised here.
    promised = sum(info.file_size for info in members)
    limits.check_growth(promised, path.stat().st_size, f"{path}: the zip")
    for info in members:
        if _is_outside(info.filename):
            raise ValueError(
                f"{path}: the zip holds {info.filename!r}, a path outside itself; "
                "nothing of it is read. Zip the folder of the scan again."
            )


def _is_outside(name):
    """Whether a member would land outside the folder that a zip is unpacked to."""
    # Windows takes both kinds of slash, and knows drives.
    path = pathlib.PureWindowsPath(name)
    return bool(path.anchor) or ".." in path.parts


def _only_dicom(files):
    return {
        name: files[name]
        for name in sorted(files)
        if not _is_passed_over(name) and is_dicom(files[name])
    }


def _checked(files):
    """The DICOM files; a slice cut short must not be left out of its series."""
    found = _only_dicom(files)
    for name in sorted(set(files) - set(found)):
        if name.lower().endswith(_ENDINGS) and not _is_passed_over(name):
            raise ValueError(
                f"{name} is named as DICOM but has no DICM mark at byte 128: it is "
                "damaged or not in the DICOM file format. Export it again, or move it "
                "away."
            )
    return found


def _is_passed_over(name):
    parts = pathlib.PurePath(name).parts
    return any(part.startswith(".") for part in parts) or parts[-1] == "DICOMDIR"
