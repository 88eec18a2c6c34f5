"""Series whose slices lie in several folders: halves are no scans of their own."""

from __future__ import annotations

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Hashable, Mapping, Sequence

from deepresolve.imaging.file_kind import Kind
from deepresolve.imaging.folders import dicom_bytes, listing, slices, tree
from deepresolve.imaging.folders.kinds import Opener
from deepresolve.imaging.formats.dicom import datasets, elements, headers
from deepresolve.imaging.formats.dicom.slice_header import SliceHeader
from deepresolve.imaging.formats.dicom.source import DicomFiles
from deepresolve.imaging.formats.scan import Scan
from deepresolve.system import wording

# What slices of one volume have in common.
_ALIKE = ("SeriesInstanceUID", "EchoTime", "ImageOrientationPatient", "Rows", "Columns")

# What the slices of a folder say of themselves, by file.
_Headers = Mapping[str, Sequence[SliceHeader]]

# SOPInstanceUIDs by place, mm.
_Images = Mapping[tuple[float, ...], str]


def join(scans: Sequence[Scan]) -> list[Scan]:
    """Makes one scan of folders that hold the slices of one series.

    Such are alike in what the slices of a volume have in common, and no two of them
    have a slice at one place: copies and repetitions stay apart.

    Args:
      scans: all that were found.

    Raises:
      ValueError: other scans lie between them, so that no folder is the whole series.
    """
    found = list(scans)
    for halves in _halves(scans):
        paths = [scan.path for scan in halves]
        above = pathlib.Path(os.path.commonpath(paths))
        others = [s for s in found if s not in halves and _is_below(s.path, above)]
        if others:
            names = sorted(str(path.relative_to(above)) for path in paths)
            raise ValueError(
                f"{above}: {wording.listed(names)} "
                "hold slices of one series, which is one scan, and other scans lie "
                f"beside them ({others[0].path.relative_to(above)}). Move the slices "
                "of the series into one folder."
            )
        found = [scan for scan in found if scan not in halves]
        found.append(_joined(above, halves))
    return found


def _joined(above: pathlib.Path, halves: Mapping[Scan, _Headers]) -> Scan:
    """The folder above halves as one scan, its files neither judged nor read again."""
    known: dict[str, Kind] = {}
    said: dict[str, tuple[SliceHeader, ...]] = {}
    for scan, of_file in halves.items():
        at = scan.path.relative_to(above).as_posix()
        contents = scan.found.contents
        for name, parts in of_file.items():
            is_many = name in contents.frames
            known[f"{at}/{name}"] = dicom_bytes.FRAMES if is_many else dicom_bytes.SLICE
            said[f"{at}/{name}"] = tuple(
                dataclasses.replace(header, file=f"{at}/{name}") for header in parts
            )
    contents = slices.sort_out(listing.of_folder(tree.walk(above)), known)
    kind = "" if contents.missing else "DICOM"
    found = DicomFiles(above, contents, headers=said)
    num_slices = sum(scan.num_slices for scan in halves)
    return Scan(above, kind, "dicom", found, num_slices)


def _halves(scans: Sequence[Scan]) -> list[dict[Scan, _Headers]]:
    """Groups of folders that share a series and no place, with their headers."""
    # Of a folder that is not whole, too: else its other half would pass for a scan.
    folders = [
        scan
        for scan in scans
        if scan.found and scan.found.contents.slices and scan.path.is_dir()
    ]
    if len(folders) < 2:
        return []
    groups: dict[Hashable, list[Scan]] = {}
    for scan in folders:
        first = next(iter(scan.found.contents.slices.values()))
        if (key := _values(first, _ALIKE)) is not None and key[0]:
            groups.setdefault(key, []).append(scan)
    found = (_headers(group) for group in groups.values() if len(group) > 1)
    return [group for group in found if group and _are_apart(list(group.values()))]


def _headers(scans: Sequence[Scan]) -> dict[Scan, _Headers]:
    """Of folders, as far as every slice can be read; else nothing."""
    found: dict[Scan, _Headers] = {}
    for scan in scans:
        try:
            files = scan.found.contents.slices
            found[scan] = headers.by_file(files, str(scan.path))
        except ValueError:
            return {}
    return found


def _are_apart(folders: Sequence[_Headers]) -> bool:
    """Whether every slice says where it lies, and no folder repeats another one.

    At a place that two of them share is one image: a copy. A folder whose places are
    all another's is a copy or a repetition of it; so is one whose images are another's
    and lie elsewhere: a program gave two scans the same UIDs.
    """
    every = [list(itertools.chain(*of_file.values())) for of_file in folders]
    if not all(header.position_mm for header in itertools.chain(*every)):
        return False
    found = [{h.position_mm: h.instance_uid for h in of_folder} for of_folder in every]
    return not any(itertools.starmap(_are_repeated, itertools.combinations(found, 2)))


def _are_repeated(one: _Images, other: _Images) -> bool:
    """Whether two folders, images by place, are no halves of one scan."""
    common = one.keys() & other.keys()
    if len(common) in (len(one), len(other)):
        return True
    if any(one[place] != other[place] for place in common):
        return True
    images = set(filter(None, one.values())) & set(other.values())
    return not images <= {one[place] for place in common}


def _values(
    open_file: Opener, keywords: Sequence[str]
) -> tuple[str | None, ...] | None:
    """Elements as texts; None where the file cannot be read so far."""
    try:
        dataset = datasets.read_dataset(
            open_file, stop_before_pixels=True, specific_tags=list(keywords)
        )
        values = [dataset.get(keyword) for keyword in keywords]
    except elements.UNREADABLE:
        return None
    return tuple(None if value is None else str(value) for value in values)


def _is_below(path: pathlib.Path, folder: pathlib.Path) -> bool:
    return path != folder and path.is_relative_to(folder)
