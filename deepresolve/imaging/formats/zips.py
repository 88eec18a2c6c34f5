"""A zip as one list of names; nothing of it is unpacked to disk."""

from __future__ import annotations

import contextlib
import functools
import pathlib
import posixpath
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, cast

from deepresolve.imaging.folders import placeholders, tree
from deepresolve.imaging.folders.listing import Listing
from deepresolve.imaging.formats import limits

# What a damaged zip makes `zipfile` raise.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError),
    UnicodeDecodeError,
)
_LONGEST_LINK = 4096


class Archive:
    """A zip, which can be looked into again and again.

    Args:
      path: the zip.
    """

    def __init__(self, path: pathlib.Path):
        self._path = path
        self._archive: zipfile.ZipFile | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Within this context members can be listed and opened.

        Raises:
          ValueError: it is damaged, as a member may turn out while it is read.
        """
        try:
            with zipfile.ZipFile(self._path) as archive:
                self._archive = archive
                yield
        except _DAMAGED as error:
            raise ValueError(
                f"{self._path}: the zip cannot be read ({error}). Copy or zip it again."
            ) from error
        finally:
            self._archive = None

    def open(self, info: zipfile.ZipInfo) -> BinaryIO:
        """A member, as a file that is open for reading."""
        if self._archive is None:
            raise ValueError(f"{self._path}: the zip is not open.")
        return cast(BinaryIO, self._archive.open(info))  # Seekable, for reading.

    def listing(self) -> Listing:
        """All that it holds, as a folder would be.

        Raises:
          ValueError: it is encrypted, names a path outside itself, or promises more
            than `limits` allows.
        """
        if self._archive is None:
            raise ValueError(f"{self._path}: the zip is not open.")
        members = [info for info in self._archive.infolist() if not _is_folder(info)]
        _check_members(members, self._path)
        return _of_members(self, members)


def _name(info: zipfile.ZipInfo) -> str:
    # Some programs of Windows write its slashes, against PKWARE APPNOTE 4.4.17.
    return info.filename.replace("\\", "/")


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return _name(info).endswith("/")


def _of_members(archive: Archive, members: list[zipfile.ZipInfo]) -> Listing:
    made = Listing()
    info_of = {_name(info): info for info in members}
    for name, info in sorted(info_of.items()):
        parts = name.split("/")
        if any(map(tree.is_noise, parts)):
            made.noise[name] = functools.partial(archive.open, info)
            continue
        if any(part.startswith(".") and part != "." for part in parts):
            made.hidden[name] = functools.partial(archive.open, info)
        elif stat.S_ISLNK(info.external_attr >> 16):
            _add_link(made, archive, info, info_of)
        else:
            made.files[name] = functools.partial(archive.open, info)
    return made


def _add_link(
    made: Listing,
    archive: Archive,
    info: zipfile.ZipInfo,
    info_of: Mapping[str, zipfile.ZipInfo],
) -> None:
    """A link in a zip is a file that holds the path it leads to."""
    name = _name(info)
    with archive.open(info) as stream:
        target = stream.read()[:_LONGEST_LINK].decode("utf-8", "replace")
    if posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) in info_of:
        made.repeated.append(name)
    else:
        why = (
            f"is a link to {target}, which is not in the zip; zip the files themselves"
        )
        why = placeholders.why_missing(target.encode(), name) or why
        made.unreadable[name] = tree.Unreadable(pathlib.PurePosixPath(name), why)


def _check_members(members: Sequence[zipfile.ZipInfo], path: pathlib.Path) -> None:
    # Bit 0: encrypted (PKWARE APPNOTE 4.4.4).
    if any(info.flag_bits & 1 for info in members):
        raise ValueError(f"{path}: the zip is encrypted; unpack it to a folder first.")
    # zipfile never reads more of a member than is promised here.
    promised = sum(info.file_size for info in members)
    limits.check_growth(promised, path.stat().st_size, f"{path}: the zip")
    info_of: dict[str, zipfile.ZipInfo] = {}
    for info in members:
        other = info_of.setdefault(_name(info), info)
        if (other.CRC, other.file_size) != (info.CRC, info.file_size):
            raise ValueError(
                f"{path}: the zip holds {info.filename!r} twice, with other content. "
                "Unpack it, see which of the two is the scan's, and zip that again."
            )
        if _is_outside(info.filename):
            raise ValueError(
                f"{path}: the zip holds {info.filename!r}, a path outside itself; "
                "nothing of it is read. Zip the folder of the scan again."
            )


def _is_outside(name: str) -> bool:
    """Whether a member would land outside the folder that a zip is unpacked to."""
    # Windows takes both kinds of slash, and knows drives.
    path = pathlib.PureWindowsPath(name)
    return bool(path.anchor) or ".." in path.parts
