"""Files that belong to another file: the voxels beside a header."""

from __future__ import annotations

import pathlib
from collections.abc import Collection

from deepresolve.imaging.folders import kinds, marks
from deepresolve.imaging.folders.kinds import Kind, Role

# Endings of headers, and of what may hold their voxels.
_VOXELS = {
    ".hdr": (".img", ".img.gz"),
    ".hdr.gz": (".img.gz", ".img"),
    ".par": (".rec",),
    ".head": (".brik", ".brik.gz"),
}
# Where a header names the file with its voxels.
_DATA_FILE = {
    kinds.META_IMAGE: marks.META_DATA_FILE,
    kinds.NRRD: marks.NRRD_DATA_FILE,
}


def voxels_beside(header: pathlib.Path, kind: Kind, names: Collection[str]) -> set[str]:
    """Names in a header's folder that are its voxels.

    Args:
      header: any file.
      kind: of it.
      names: all of the folder.
    """
    # Text, under the ending of a header, has no voxels of ours.
    is_header = kind.role is not Role.OTHER
    found = _partners(header.name, names) if is_header else set()
    if kind in _DATA_FILE:
        with header.open("rb") as stream:
            text = stream.read(marks.TEXT_HEADER_BYTES)
        if match := _DATA_FILE[kind].search(text):
            # LIST is followed by names, a line each.
            lines = [match[1], *text[match.end() :].split(b"\n")]
            found |= {line.decode("utf-8", "replace").strip() for line in lines}
    return found & set(names) - {header.name}


def _partners(name: str, names: Collection[str]) -> set[str]:
    """Names that are alike but for the ending; of the longest ending that fits."""
    for ending in sorted(_VOXELS, key=len, reverse=True):
        if name.lower().endswith(ending):
            stem = name.lower()[: -len(ending)]
            wanted = {stem + other for other in _VOXELS[ending]}
            return {other for other in names if other.lower() in wanted}
    return set()
