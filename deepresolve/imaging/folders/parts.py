"""Files that belong to another file: the voxels beside a header."""

from __future__ import annotations

import pathlib
from collections.abc import Collection, Mapping

from deepresolve.imaging import format_table
from deepresolve.imaging.file_kind import Kind, Role

# Of formats that are not read: endings of headers, and of what may hold their voxels.
_UNREAD_VOXELS = {".par": (".rec",), ".head": (".brik", ".brik.gz")}


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
    for signature in format_table.signatures():
        if signature.data_files and kind in signature.endings.values():
            with header.open("rb") as stream:
                start = format_table.read_start(stream, [signature])
            found |= set(signature.data_files(start))
    return found & set(names) - {header.name}


def _voxels() -> Mapping[str, tuple[str, ...]]:
    """Endings of headers, and of what may hold their voxels."""
    return _UNREAD_VOXELS | {
        ending: signature.voxel_endings
        for signature in format_table.signatures()
        for ending in signature.header_endings
    }


def _partners(name: str, names: Collection[str]) -> set[str]:
    """Names that are alike but for the ending; of the longest ending that fits."""
    voxels = _voxels()
    for ending in sorted(voxels, key=len, reverse=True):
        if name.lower().endswith(ending):
            stem = name.lower()[: -len(ending)]
            wanted = {stem + other for other in voxels[ending]}
            return {other for other in names if other.lower() in wanted}
    return set()
