"""A zip as one list of names; nothing of it is unpacked to disk."""

from __future__ import annotations

import contextlib
import functools
import pathlib
import posixpath
import stat
import zipfile
import zlib
from collections.abc import Iterator

from deepresolve.imaging.folders import placeholders, tree
from deepresolve.imaging.folders.listing import Listing
from deepresolve.imaging.formats import limits

# What a damaged zip makes `zipfile` raise.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError),
    UnicodeDecodeError,
)
_LONGEST_LINK = 4096


@contextlib.contextmanager
def listed(path: pathlib.Path) -> Iterator[Listing]:
    """All that a zip holds, as a folder would be.

    Args:
      path: the zip. What the openers give can be read until the context ends.

    Raises:
      ValueError: it is encrypted, damaged, names a path outside itself, or promises
        more than `limits` allows; while it is open, too.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not _is_folder(info)]
            _check_members(members, path)
            yield _of_members(archive, members)
    except _DAMAGED as error:
        raise ValueError(
            f"{path}: the zip cannot be read ({error}). Copy or zip it again."
        ) from error


def _name(info: zipfile.ZipInfo) -> str:
    # Some programs of Windows write its slashes, against PKWARE APPNOTE 4.4.17.
    return info.filename.replace("\\", "/")


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return _name(info).endswith("/")


def _of_members(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> Listing:
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


def _add_link(made: Listing, archive, info, info_of) -> None:
    """A link in a zip is a file that holds the path it leads to."""
    name = _name(info)
    target = archive.read(info)[:_LONGEST_LINK].decode("utf-8", "replace")
    if posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) in info_of:
        made.repeated.append(name)
    else:
        why = (
            f"is a link to {target}, which is not in the zip; zip the files themselves"
        )
        why = placeholders.why_missing(target.encode(), name) or why
        made.unreadable[name] = tree.Unreadable(pathlib.PurePosixPath(name), why)


def _check_members(members, path):
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


def _is_outside(name):
    """Whether a member would land outside the folder that a zip is unpacked to."""
    # Windows takes both kinds of slash, and knows drives.
    path = pathlib.PureWindowsPath(name)
    return bool(path.anchor) or ".." in path.parts
