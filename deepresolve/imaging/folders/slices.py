"""Which files of a listing are the slices of a DICOM scan, and which may have been.

Whatever else lies there is no slice by its bytes. But what cannot be read, and is named
as slices are, may well be one: the scan is then not whole.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping

from deepresolve.imaging import format_table
from deepresolve.imaging.file_kind import Kind, Role
from deepresolve.imaging.folders import kinds
from deepresolve.imaging.folders.kinds import Opener
from deepresolve.imaging.folders.listing import Listing

ENDINGS = (".dcm", ".ima", ".dicom")
# More behind such an ending: IM0001.dcm.gpg, IM0001.dcm~.
_MORE = re.compile(r"(.+\.(?:dcm|ima|dicom))[^a-z0-9/][^/]*", re.IGNORECASE)
# Files beside others that may be what is left of them.
_LEFTOVERS = (".bak", ".tmp", ".lock")
_NUMBER = re.compile(r"\d+")
_NOT_DICOM = (
    "is named as DICOM but is none: it is damaged or of another kind; export it again"
)


@dataclasses.dataclass
class Contents:
    """A listing, sorted out.

    Attributes:
      slices: DICOM images, openers by name.
      frames: those of them that hold many slices each.
      missing: what may be a slice and cannot be read: reasons by name.
      objects: what else is DICOM: what each is, by name.
      scans: other scans, by name.
      passed_over: what cannot be read or is not, and is no slice: reasons by name.
      others: files that are no scan, by name.
      listing: all of it.
    """

    listing: Listing
    slices: dict[str, Opener] = dataclasses.field(default_factory=dict)
    frames: list[str] = dataclasses.field(default_factory=list)
    missing: dict[str, str] = dataclasses.field(default_factory=dict)
    objects: dict[str, str] = dataclasses.field(default_factory=dict)
    scans: dict[str, Kind] = dataclasses.field(default_factory=dict)
    passed_over: dict[str, str] = dataclasses.field(default_factory=dict)
    others: dict[str, Kind] = dataclasses.field(default_factory=dict)


def sort_out(listing: Listing, known: Mapping[str, Kind] | None = None) -> Contents:
    """Judges every file of a listing.

    Args:
      listing: a folder or zip.
      known: kinds that were judged already, by name.
    """
    known = known or {}
    kind_of = {
        name: known.get(name) or kinds.judge(open_file, name)
        for name, open_file in listing.files.items()
    }
    made = Contents(listing)
    for name, kind in kind_of.items():
        if kind.role is Role.SLICE:
            made.slices[name] = listing.files[name]
            made.frames += [name] if kind.has_frames else []
        elif kind.role is Role.OBJECT:
            made.objects[name] = kind.name
    looks = _Looks(made.slices or _missing_names(listing, kind_of))
    here = kind_of.keys() | listing.unreadable.keys()
    for name, kind in kind_of.items():
        if name not in made.slices and name not in made.objects:
            _add(made, name, kind, looks, here)
    _add_what_is_no_file(made, looks)
    return made


def _add_what_is_no_file(made: Contents, looks: _Looks) -> None:
    """Adds hidden files that hold slices, empty folders, and what cannot be read."""
    listing = made.listing
    for names, what in (
        (listing.hidden, "is a hidden file that holds a slice"),
        (listing.noise, "is named as what systems leave behind, and holds a slice"),
    ):
        for name, open_file in names.items():
            if open_file and kinds.judge(open_file, name).role is Role.SLICE:
                made.passed_over[name] = what
    for name in listing.empty_folders:
        if looks.fit(name):
            made.missing[name] = "is named as a slice, and is a folder without a file"
    for name, problem in listing.unreadable.items():
        may_be = problem.may_be_scan and not kinds.is_side(name)
        is_missing = may_be or looks.fit(name)
        (made.missing if is_missing else made.passed_over)[name] = problem.why


def stood_for(name: str) -> str:
    """The slice that a name has more behind: "" where it is no such name.

    What was packed, encrypted, saved before a change or is not there yet keeps the name
    of the slice, and adds to it: IM0001.dcm.gpg.
    """
    if kinds.is_side(name) and not name.lower().endswith(_LEFTOVERS):
        return ""
    found = _MORE.fullmatch(name)
    return found[1] if found else ""


def why_left(own: str, kind: str) -> str:
    """What is to be told of a file that has a scan's name and more behind it.

    Args:
      own: the scan's name, of nothing that is here.
      kind: what the file is not.
    """
    own = own.rpartition("/")[2]
    return (
        f"is no {kind}, and {own} itself is not here; unpack or decrypt it, or copy "
        f"{own} again"
    )


def _add(
    made: Contents, name: str, kind: Kind, looks: _Looks, here: Collection[str]
) -> None:
    own = stood_for(name) or looks.stood_for(name, kind)
    is_scan = kind.role in (Role.SCAN, Role.HEADER)
    if is_scan or name.lower().endswith(tuple(format_table.endings())):
        made.scans[name] = kind
    elif looks.fit(name) or looks.may_fit(name, kind):
        made.missing[name] = kind.why or _NOT_DICOM
    elif own and own not in here:
        made.missing[name] = kind.why or why_left(own, "DICOM")
    elif kind.why and (kind.role is Role.MISSING or not kinds.is_side(name)):
        made.passed_over[name] = kind.why
    else:
        made.others[name] = kind


def _missing_names(listing: Listing, kind_of: Mapping[str, Kind]) -> list[str]:
    """Names of what is not here, but may be slices."""
    files = [name for name, kind in kind_of.items() if kind.role is Role.MISSING]
    links = [n for n, problem in listing.unreadable.items() if problem.may_be_scan]
    return [name for name in (*files, *links) if not kinds.is_side(name)]


class _Looks:
    """How the names of slices look."""

    def __init__(self, names: Collection[str]):
        self._shapes = {_shape(name) for name in names}
        self._endings = {kinds.ending(name) for name in names}

    def fit(self, name: str) -> bool:
        """Whether the name is that of a slice: .dcm, or alike but for its numbers."""
        return name.lower().endswith(ENDINGS) or _shape(name) in self._shapes

    def stood_for(self, name: str, kind: Kind) -> str:
        """As the function of that name, for slices whose names have no ending."""
        is_binary = kind.role in (Role.UNKNOWN, Role.UNREAD, Role.BLANK)
        bare = name.rpartition(".")[0]
        is_bare = is_binary and bare and not kinds.is_side(name)
        return bare if is_bare and _shape(bare) in self._shapes else ""

    def may_fit(self, name: str, kind: Kind) -> bool:
        """Whether a slice may have left this, under a name of its own."""
        if kind.role is Role.MISSING:
            return not kinds.is_side(name)
        is_alike = kinds.ending(name) in self._endings
        if kind.role is Role.BLANK:  # Markers, such as DONE, have no number.
            return is_alike and bool(_NUMBER.search(name.rpartition("/")[2]))
        return is_alike and kind.role is Role.UNKNOWN


def _shape(name: str) -> str:
    return _NUMBER.sub("#", name.rpartition("/")[2].lower())
