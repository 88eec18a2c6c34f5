"""Which scans a folder holds, and what else lies in it."""

from __future__ import annotations

import dataclasses
import pathlib
from collections import Counter
from collections.abc import Mapping, Sequence

import pydicom

from deepresolve.imaging.file_kind import Kind, Role
from deepresolve.imaging.folders import (
    dicom_bytes,
    kinds,
    listing,
    scan_files,
    slices,
    summary,
    tree,
)
from deepresolve.imaging.folders.kinds import Opener
from deepresolve.imaging.folders.scan_files import is_scan
from deepresolve.imaging.formats import refusals
from deepresolve.imaging.formats.dicom import disc_index, elements, source, split_series
from deepresolve.imaging.formats.scan import Scan

_FRAMES = pydicom.tag.Tag("NumberOfFrames")


@dataclasses.dataclass
class Search:
    """What a search found.

    Attributes:
      root: where.
      scans: sorted by path.
      num_files: all but hidden ones and those that systems leave.
      beside: what else is there.
    """

    root: pathlib.Path
    scans: list[Scan] = dataclasses.field(default_factory=list)
    num_files: int = 0
    beside: summary.Beside = dataclasses.field(default_factory=summary.Beside)

    @property
    def paths(self) -> list[pathlib.Path]:
        """Of the scans."""
        return [scan.path for scan in self.scans]

    def describe(self) -> list[str]:
        """What became of the files, in a line; then what is off, a line each."""
        where = f"{self.root}/" if self.root.is_dir() else str(self.root)
        notes = [f"note: {text}" for text in self.beside.notes]
        if len(self.scans) == 1 and self.scans[0].path == self.root:
            scan = self.scans[0]
            if scan.found is not None:
                num_missing = len(scan.found.contents.missing)
                numbers = (self.num_files, scan.num_slices, num_missing)
                return [summary.of_slices(where, *numbers, self.beside), *notes]
        found = self._kinds_found()
        return [summary.of_scans(where, self.num_files, found, self.beside), *notes]

    def _kinds_found(self) -> dict[str, int]:
        """How many scans of each kind, as the summary names it."""
        dicom = [scan.num_slices for scan in self.scans if scan.found and scan.kind]
        found = Counter(s.kind for s in self.scans if not (s.found and s.kind))
        num_bad = found.pop("", 0)
        named = {_dicom(dicom): len(dicom)} if dicom else {}
        named |= dict(summary.sorted_counts(found))
        return named | ({"that cannot be read": num_bad} if num_bad else {})


def find(root: pathlib.Path) -> Search:
    """Finds the scans at a path, and what else is there.

    Args:
      root: a folder, searched to any depth, or one scan.

    Raises:
      FileNotFoundError: there is nothing at `root`.
      ValueError: it cannot be opened, holds no scan, or other scans lie in, or below, a
        folder of DICOM files, or among the folders of one series.
    """
    refusals.check_exists(root)
    found = _Searcher(root).found
    if not found.scans:
        lines = "".join(f"\n  {line}" for line in found.describe()[1:])
        also = found.beside.counted()
        there = f" There are: {also}." if also else ""
        raise ValueError(
            f"{root}: no scan here. {refusals.expected_in_folder()}.{there}{lines}"
        )
    found.scans = sorted(split_series.join(found.scans), key=lambda scan: scan.path)
    return found


class _Searcher:
    """Goes through the folders, and counts what it finds."""

    def __init__(self, root: pathlib.Path):
        self.found = Search(root)
        self._indexes: dict[str, Opener] = {}  # Of discs, beside or above scans.
        if root.is_dir():
            self._search(tree.walk(root))
            self._compare_with_indexes()
            return
        kind = kinds.judge_file(root)
        if kind == dicom_bytes.ZIP and (found := _slices_of(root)):
            self._add_dicom_files(*found)
        else:
            self.found.num_files = 1
            self.found.scans.append(Scan(root, kind.name if is_scan(kind) else ""))

    def _search(self, folder: tree.Folder) -> None:
        kind_of = {file: kinds.judge_file(file) for file in folder.files}
        if any(kind.role is Role.SLICE for kind in kind_of.values()):
            self._add_dicom(folder, kind_of)
            return
        self._add_files(folder, kind_of)
        for below in folder.folders:
            self._search(below)

    def _add_dicom(
        self, folder: tree.Folder, kind_of: Mapping[pathlib.Path, Kind]
    ) -> None:
        known = {file.name: kind for file, kind in kind_of.items()}
        contents = slices.sort_out(listing.of_folder(folder), known)
        if contents.scans:
            raise ValueError(
                f"{folder.path}: holds DICOM files ({next(iter(contents.slices))}) and "
                f"other scans ({next(iter(contents.scans))}). Move the one kind "
                "elsewhere: a folder of DICOM files is one scan."
            )
        found = source.DicomFiles(folder.path, contents)
        self._add_dicom_files(found, _num_slices(contents))

    def _add_dicom_files(self, found: source.DicomFiles, num_slices: int) -> None:
        """One DICOM scan; what it passes over is told when it is read."""
        contents = found.contents
        kind = "" if contents.missing else "DICOM"
        scan = Scan(found.path, kind, "dicom", found, num_slices)
        self.found.scans.append(scan)
        files = contents.listing
        self.found.num_files += len(files.files) + len(files.unreadable)
        at = "" if scan.path == self.found.root else f"{self._name(scan.path)}/"
        beside = self.found.beside
        beside.others += (at + name for name in contents.others)
        beside.objects |= {at + n: what for n, what in contents.objects.items()}
        beside.num_hidden += len(files.hidden)
        beside.repeated += (at + name for name in files.repeated)

    def _add_files(
        self, folder: tree.Folder, kind_of: Mapping[pathlib.Path, Kind]
    ) -> None:
        """What lies in a folder that holds no slice that can be read."""
        files = scan_files.sort_out(folder, kind_of)
        for path, kind in files.scans.items():
            self.found.scans.append(Scan(path, kind))
        if files.slices:
            self.found.scans.append(Scan(folder.path, ""))
        self.found.num_files += len(kind_of) + len(folder.unreadable)
        beside = self.found.beside
        beside.others += map(self._name, files.others)
        beside.objects |= {self._name(f): what for f, what in files.objects.items()}
        for file, what in files.objects.items():
            if what == summary.INDEX:
                self._indexes[self._name(file)] = kinds.opener(file)
        beside.num_hidden += len(folder.hidden)
        beside.repeated += map(self._name, folder.repeated)
        beside.notes += files.notes

    def _compare_with_indexes(self) -> None:
        """Tells of what the index of a disc lists and no scan holds."""
        names = [
            f"{self._name(scan.path)}/{name}"
            for scan in self.found.scans
            if self._indexes and scan.found
            for name in scan.found.contents.slices
        ]
        where = str(self.found.root)
        self.found.beside.notes += disc_index.notes(self._indexes, names, where)

    def _name(self, path: pathlib.Path) -> str:
        return path.relative_to(self.found.root).as_posix()


def _dicom(num_slices: Sequence[int]) -> str:
    """What the summary calls them: DICOM series of 20 slices, of 10 to 20 slices."""
    counts = sorted(set(num_slices))
    number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"DICOM series of {number} slices"


def _num_slices(contents: slices.Contents) -> int:
    in_frames = sum(_num_frames(contents.slices[name]) for name in contents.frames)
    return len(contents.slices) - len(contents.frames) + in_frames


def _num_frames(open_file: Opener) -> int:
    """NumberOfFrames; 1 of a file that does not say, which reading will tell."""
    try:
        with open_file() as stream:
            dataset = pydicom.filereader.read_partial(
                stream, stop_when=lambda tag, vr, length: tag > _FRAMES, force=True
            )
            return elements.num_frames(dataset)
    except elements.UNREADABLE:
        return 1


def _slices_of(path: pathlib.Path) -> tuple[source.DicomFiles, int] | None:
    """The DICOM in a zip; None without any, or of one that reading will refuse."""
    try:
        found = source.at(path)
        with found.opening():
            num_slices = _num_slices(found.contents)
    except ValueError:
        return None
    return (found, num_slices) if found.contents.slices else None
