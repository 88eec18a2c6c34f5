"""Where DICOM files come from: one file, a folder, or a zip that stays packed."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import pathlib
import zipfile
from collections.abc import Iterator, Mapping

from deepresolve.imaging.folders import (
    dicom_bytes,
    kinds,
    listing,
    slices,
    summary,
    tree,
)
from deepresolve.imaging.folders.kinds import Opener, Role
from deepresolve.imaging.formats import zips
from deepresolve.imaging.formats.dicom import disc_index
from deepresolve.system import wording

_LOGGER = logging.getLogger(__name__)


def num_bytes(open_file: Opener) -> int:
    """Length of a file; of a zip's member when unpacked."""
    with open_file() as stream:
        return stream.seek(0, os.SEEK_END)


@contextlib.contextmanager
def dicom_files(
    path: pathlib.Path, *, tell: bool = False
) -> Iterator[Mapping[str, Opener]]:
    """The DICOM images at `path`, each by name with the function that opens it.

    What is DICOM is judged by bytes. Files of other kinds, hidden ones and DICOM that
    is no image are left out; where there is no image, the latter are given. Folders are
    searched to any depth, and links followed. Nothing of a zip is unpacked to disk. The
    functions work until the context ends.

    Args:
      path: a file, folder or zip.
      tell: whether to warn of what is passed over though it may be a scan.

    Yields:
      Names, sorted and relative to `path`, and openers.

    Raises:
      ValueError: what may be a slice cannot be read, or slices lie in a zip within; or
        the zip is encrypted, damaged, names a path outside itself, or promises more
        than `limits` allows.
    """
    if path.is_file() and zipfile.is_zipfile(path):
        with zips.listed(path) as members:
            yield _checked(slices.sort_out(members), path, tell)
    elif path.is_file():
        kind = kinds.judge_file(path)
        is_dicom = kind.role is Role.SLICE or _is_object(kind.role, kind.name)
        opener = functools.partial(path.open, "rb")
        yield {path.name: opener} if is_dicom else {}
    else:
        contents = slices.sort_out(listing.of_folder(tree.walk(path)))
        yield _checked(contents, path, tell)


def _is_object(role: Role, name: str) -> bool:
    return role is Role.OBJECT and name != summary.INDEX


def _checked(
    contents: slices.Contents, path: pathlib.Path, tell: bool
) -> Mapping[str, Opener]:
    """The images; a slice that cannot be read must not be left out of its series."""
    zipped = [n for n, kind in contents.scans.items() if kind == dicom_bytes.ZIP]
    for name in zipped:
        if contents.slices and _may_hold_slices(path / name):
            contents.missing[name] = "is a zip that may hold slices; unpack it"
    if contents.missing:
        raise ValueError(
            f"{path}: a scan is not read without some of its slices, and what may be "
            f"slices cannot be read:{contents.why_not_whole()}\nMend them, or move "
            "away what is no part of the scan."
        )
    if tell:
        for name, why in sorted(contents.passed_over.items()):
            _LOGGER.warning("%s: passed over: %s %s.", path, name, why)
        if contents.scans:
            _LOGGER.warning(
                "%s: other scans lie among the DICOM files and are passed over: %s.",
                *(path, wording.listed(sorted(contents.scans))),
            )
        found = contents.listing.files
        indexes = {
            n: found[n] for n, what in contents.objects.items() if what == summary.INDEX
        }
        for note in disc_index.notes(indexes, contents.slices, str(path)):
            _LOGGER.warning("%s", note)
    if contents.slices:
        return contents.slices
    objects = {n for n, what in contents.objects.items() if what != summary.INDEX}
    return {n: o for n, o in contents.listing.files.items() if n in objects}


def _may_hold_slices(path: pathlib.Path) -> bool:
    """Whether a zip among slices has any; True of one that cannot be looked into."""
    try:
        with zips.listed(path) as members:
            contents = slices.sort_out(members)
    except ValueError:
        return True
    return bool(contents.slices or contents.missing)
