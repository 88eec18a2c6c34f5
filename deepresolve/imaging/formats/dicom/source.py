"""Where DICOM files come from: one file, a folder, or a zip that stays packed."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import pathlib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager

from deepresolve.imaging.file_kind import Role
from deepresolve.imaging.folders import (
    dicom_bytes,
    kinds,
    listing,
    slices,
    summary,
    tree,
)
from deepresolve.imaging.folders.kinds import Opener
from deepresolve.imaging.formats import zips
from deepresolve.imaging.formats.dicom import disc_index, headers
from deepresolve.imaging.formats.dicom.slice_header import SliceHeader
from deepresolve.system import wording

_LOGGER = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, eq=False)
class DicomFiles:
    """The DICOM at a path: what lies there, walked through and judged once.

    Whoever found it hands it on to whoever reads it, so that no slice is opened again
    to learn what it is.

    Attributes:
      path: a file, folder or zip.
      contents: all that lies there, sorted out.
      opening: a context in which the files can be opened; of a zip it opens that.
      headers: those that were read already, by file.
    """

    path: pathlib.Path
    contents: slices.Contents
    opening: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    headers: Mapping[str, tuple[SliceHeader, ...]] = dataclasses.field(
        default_factory=dict
    )

    @property
    def files(self) -> Mapping[str, Opener]:
        """The images, openers by name; where there are none, what else is DICOM."""
        if self.contents.slices:
            return self.contents.slices
        every = self.contents.listing.files
        objects = self.contents.objects.items()
        return {name: every[name] for name, what in objects if what != summary.INDEX}

    @property
    def is_dicom(self) -> bool:
        """Whether there is any, or what may have been slices of a scan."""
        return bool(self.files or self.contents.missing)

    @contextlib.contextmanager
    def opened(self, *, tell: bool = False) -> Iterator[Mapping[str, Opener]]:
        """The `files`; what they can be opened by works until the context ends.

        Args:
          tell: whether to warn of what is passed over though it may be a scan.

        Raises:
          ValueError: what may be a slice cannot be read, or slices lie in a zip within;
            or a zip is damaged.
        """
        self._check()
        with self.opening():
            if tell:
                self._tell()
            yield self.files

    def read_headers(self) -> list[SliceHeader]:
        """Of all images, each file opened once at most; in a context of `opened`.

        Raises:
          ValueError: a header cannot be read, or there is no image.
        """
        unread = {n: o for n, o in self.files.items() if n not in self.headers}
        known = {**self.headers, **headers.by_file(unread, str(self.path))}
        found = [header for name in self.files for header in known[name]]
        if not found:
            raise ValueError(
                f"{self.path}: {len(self.files)} DICOM file(s) and no image among "
                "them. Expected the slices of a scan."
            )
        return found

    def _check(self) -> None:
        """A slice that cannot be read must not be left out of its series."""
        missing = dict(self.contents.missing)
        for name, kind in self.contents.scans.items():
            is_zip = kind == dicom_bytes.ZIP and self.contents.slices
            if is_zip and _may_hold_slices(self.path / name):
                missing[name] = "is a zip that may hold slices; unpack it"
        if missing:
            lines = "".join(
                f"\n  {name} {why}" for name, why in sorted(missing.items())
            )
            raise ValueError(
                f"{self.path}: a scan is not read without some of its slices, and what "
                f"may be slices cannot be read:{lines}\nMend them, or move away what "
                "is no part of the scan."
            )

    def _tell(self) -> None:
        contents = self.contents
        for name, why in sorted(contents.passed_over.items()):
            _LOGGER.warning("%s: passed over: %s %s.", self.path, name, why)
        if contents.scans:
            _LOGGER.warning(
                "%s: other scans lie among the DICOM files and are passed over: %s.",
                *(self.path, wording.listed(sorted(contents.scans))),
            )
        every, objects = contents.listing.files, contents.objects.items()
        indexes = {n: every[n] for n, what in objects if what == summary.INDEX}
        for note in disc_index.notes(indexes, contents.slices, str(self.path)):
            _LOGGER.warning("%s", note)


def at(path: pathlib.Path) -> DicomFiles:
    """Looks through a file, folder or zip; of none of them anything is unpacked.

    What is DICOM is judged by bytes. Folders are searched to any depth, and links
    followed.

    Raises:
      ValueError: a zip is encrypted, damaged, names a path outside itself, or promises
        more than `limits` allows.
    """
    if path.is_file() and zipfile.is_zipfile(path):
        archive = zips.Archive(path)
        with archive.opened():
            contents = slices.sort_out(archive.listing())
        return DicomFiles(path, contents, archive.opened)
    if path.is_file():
        return DicomFiles(path, _of_file(path))
    return DicomFiles(path, slices.sort_out(listing.of_folder(tree.walk(path))))


@contextlib.contextmanager
def dicom_files(
    path: pathlib.Path | DicomFiles, *, tell: bool = False
) -> Iterator[Mapping[str, Opener]]:
    """The DICOM images at a path, each by name with the function that opens it.

    Args:
      path: a file, folder or zip; or what was found there.
      tell: whether to warn of what is passed over though it may be a scan.

    Yields:
      Names, sorted and relative to `path`, and openers; as `DicomFiles.opened`.

    Raises:
      ValueError: as `at` and `DicomFiles.opened`.
    """
    found = path if isinstance(path, DicomFiles) else at(path)
    with found.opened(tell=tell) as files:
        yield files


def num_bytes(open_file: Opener) -> int:
    """Length of a file; of a zip's member when unpacked."""
    with open_file() as stream:
        return stream.seek(0, os.SEEK_END)


def _of_file(path: pathlib.Path) -> slices.Contents:
    """A file by itself: whatever else it is, it is no slice that is missing."""
    kind, opener = kinds.judge_file(path), kinds.opener(path)
    made = slices.Contents(listing.Listing(files={path.name: opener}))
    if kind.role is Role.SLICE:
        made.slices[path.name] = opener
        made.frames += [path.name] if kind.has_frames else []
    elif kind.role is Role.OBJECT:
        made.objects[path.name] = kind.name
    return made


def _may_hold_slices(path: pathlib.Path) -> bool:
    """Whether a zip among slices has any; True of one that cannot be looked into."""
    archive = zips.Archive(path)
    try:
        with archive.opened():
            contents = slices.sort_out(archive.listing())
    except ValueError:
        return True
    return bool(contents.slices or contents.missing)
