"""Which files of a folder without DICOM slices are scans, and what the others are."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Collection, Mapping

from deepresolve.imaging import format_table
from deepresolve.imaging.file_kind import Kind, Role
from deepresolve.imaging.folders import kinds, parts, slices, tree


@dataclasses.dataclass
class Sorted:
    """The files of one folder.

    Attributes:
      scans: kinds by path; "" for one that cannot be read.
      slices: what may be slices of a DICOM scan and cannot be read.
      objects: DICOM that is no image: what each is, by path.
      notes: what is not read and is no scan that is missed, a text each.
      others: files of other kinds.
    """

    scans: dict[pathlib.Path, str] = dataclasses.field(default_factory=dict)
    slices: list[pathlib.Path] = dataclasses.field(default_factory=list)
    objects: dict[pathlib.Path, str] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)
    others: list[pathlib.Path] = dataclasses.field(default_factory=list)


def sort_out(folder: tree.Folder, kind_of: Mapping[pathlib.Path, Kind]) -> Sorted:
    """Sorts the files of a folder, not of those below it.

    Args:
      folder: of the walk.
      kind_of: each of its files, as `kinds.judge_file` has it.
    """
    every = dict(kind_of)
    for problem in folder.unreadable:
        role = Role.MISSING if problem.may_be_scan else Role.BLANK
        every[pathlib.Path(problem.path)] = Kind(role, "", problem.why)
    names = {file.name for file in every}
    voxels = set()
    for file, kind in every.items():
        voxels |= parts.voxels_beside(file, kind, names)
    made = Sorted()
    stems = {_stem(file) for file, kind in every.items() if is_scan(kind)}
    for file, kind in sorted(every.items()):
        if file.name not in voxels:
            _add(made, file, kind, names, is_known=_stem(file) in stems)
    if made.slices and (made.scans or folder.folders):
        # They are no scan of their own with what else is here.
        made.scans |= dict.fromkeys(made.slices, "")
        made.slices.clear()
    return made


def is_scan(kind: Kind) -> bool:
    """Whether a file is to be read as a scan."""
    return kind.role in (Role.SCAN, Role.HEADER, Role.SLICE)


def _add(
    made: Sorted,
    file: pathlib.Path,
    kind: Kind,
    names: Collection[str],
    *,
    is_known: bool,
) -> None:
    """Puts a file in its place.

    Args:
      made: where.
      file: what.
      kind: of it.
      names: all of the folder.
      is_known: whether a scan has the same name.
    """
    name = file.name.lower()
    if is_scan(kind):
        made.scans[file] = kind.name
    elif kind.role is Role.OBJECT:
        made.objects[file] = kind.name
    elif kind.role is Role.UNREAD:
        if is_known:
            made.notes.append(f"{file} {kind.why}")
        else:
            made.scans[file] = ""
    elif name.endswith(slices.ENDINGS) or _may_be_slice(file, kind, names):
        made.slices.append(file)
    elif name.endswith(format_table.voxel_endings()) or (
        kind.why and name.endswith(_endings())
    ):
        made.scans[file] = ""
    elif kind.why and (kind.role is Role.MISSING or not kinds.is_side(file.name)):
        made.notes.append(f"{file} {kind.why}")
    elif (own := _scan_stood_for(file.name)) and own not in names:
        made.notes.append(f"{file} {slices.why_left(own, 'scan')}")
    else:
        made.others.append(file)


def _scan_stood_for(name: str) -> str:
    """As `slices.stood_for`, of scans: knee.nii.gz.gpg."""
    if kinds.is_side(name):
        return ""
    # More behind the name of a scan: knee.nii.gz.gpg, knee.nii.gz~.
    own = "|".join(map(re.escape, format_table.endings()))
    found = re.fullmatch(rf"(.+(?:{own}))[^a-z0-9].*", name, re.IGNORECASE)
    return found[1] if found else ""


def _endings() -> tuple[str, ...]:
    """What is not here is taken for a scan where its name ends so."""
    return (*format_table.every_ending(), *kinds.UNREAD_ENDINGS)


def _may_be_slice(file: pathlib.Path, kind: Kind, names: Collection[str]) -> bool:
    """Whether it is a packed one, not here under a bare name, or stands for one."""
    is_bare = not kinds.ending(file.name) and not kinds.is_side(file.name)
    own = slices.stood_for(file.name)
    return (
        kind.is_packed_slice
        or (kind.role is Role.MISSING and is_bare)
        or (own != "" and own not in names)
    )


def _stem(file: pathlib.Path) -> str:
    return file.name.lower().partition(".")[0]
