"""Series whose slices lie in several folders: halves are no scans of their own."""

from __future__ import annotations

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Hashable, Mapping, Sequence

from deepresolve.imaging.folders import slices
from deepresolve.imaging.folders.kinds import Opener
from deepresolve.imaging.folders.listing import Listing
from deepresolve.imaging.formats.dicom import datasets, elements, slice_header
from deepresolve.system import wording

# What slices of one volume have in common.
_ALIKE = ("SeriesInstanceUID", "EchoTime", "ImageOrientationPatient", "Rows", "Columns")


@dataclasses.dataclass(frozen=True)
class Scan:
    """What is to be read as one scan, or is one that cannot be read.

    Attributes:
      path: for `formats.read_image`, which says what is wrong where something is.
      kind: "NIfTI", "DICOM", ...; "" where it cannot be read.
      contents: of a folder or zip of DICOM files.
      num_slices: of these; as far as they say.
    """

    path: pathlib.Path
    kind: str
    contents: slices.Contents | None = None
    num_slices: int = 0


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
        whole = slices.Contents(Listing())
        for scan in halves:
            found.remove(scan)
            at = scan.path.relative_to(above).as_posix()
            whole.slices |= {f"{at}/{n}": o for n, o in scan.contents.slices.items()}
            whole.missing |= {f"{at}/{n}": w for n, w in scan.contents.missing.items()}
        num_slices = sum(scan.num_slices for scan in halves)
        kind = "" if whole.missing else "DICOM"
        found.append(Scan(above, kind, whole, num_slices))
    return found


def _halves(scans: Sequence[Scan]) -> list[list[Scan]]:
    """Groups of folders that share a series and no place."""
    # Of a folder that is not whole, too: else its other half would pass for a scan.
    folders = [s for s in scans if s.contents and s.contents.slices and s.path.is_dir()]
    if len(folders) < 2:
        return []
    groups: dict[Hashable, list[Scan]] = {}
    for scan in folders:
        first = next(iter(scan.contents.slices.values()))
        if (key := _values(first, _ALIKE)) is not None and key[0]:
            groups.setdefault(key, []).append(scan)
    return [g for g in groups.values() if len(g) > 1 and _are_apart(g)]


def _are_apart(scans: Sequence[Scan]) -> bool:
    """Whether every slice says where it lies, and no folder repeats another one.

    At a place that two of them share is one image: a copy. A folder whose places are
    all another's is a copy or a repetition of it; so is one whose images are another's
    and lie elsewhere: a program gave two scans the same UIDs.
    """
    found = [_places(scan) for scan in scans]
    if any(places is None for places in found):
        return False
    return not any(itertools.starmap(_are_repeated, itertools.combinations(found, 2)))


def _are_repeated(one: Mapping, other: Mapping) -> bool:
    """Whether two folders, images by place, are no halves of one scan."""
    common = one.keys() & other.keys()
    if len(common) in (len(one), len(other)):
        return True
    if any(one[place] != other[place] for place in common):
        return True
    images = set(filter(None, one.values())) & set(other.values())
    return not images <= {one[place] for place in common}


def _places(scan: Scan) -> dict[tuple[float, ...], str] | None:
    """The images of a folder by where they lie; None where one does not say."""
    found: dict[tuple[float, ...], str] = {}
    for name, open_file in scan.contents.slices.items():
        try:
            with elements.leniently():
                dataset = datasets.read_dataset(
                    open_file,
                    stop_before_pixels=True,
                    specific_tags=list(slice_header.TAGS),
                )
                headers = list(slice_header.parse(name, dataset))
        except elements.UNREADABLE:
            return None
        for header in headers:
            if not header.position_mm:
                return None
            found[header.position_mm] = header.instance_uid
    return found


def _values(open_file: Opener, keywords: Sequence[str]) -> tuple | None:
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
