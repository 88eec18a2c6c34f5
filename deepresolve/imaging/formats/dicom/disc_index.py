"""What the index of a disc (DICOMDIR) lists and the disc does not hold."""

from __future__ import annotations

import pathlib
from collections.abc import Collection, Mapping

from pydicom.tag import Tag

from deepresolve.imaging.folders.kinds import Opener
from deepresolve.imaging.formats.dicom import datasets, elements
from deepresolve.system import wording

_RECORDS = Tag("DirectoryRecordSequence")
_VERSION = ";1"  # Of ISO 9660, which some systems show.
_ENDING = ".DCM"  # Which some programs add.


def notes(
    indexes: Mapping[str, Opener], names: Collection[str], source: str
) -> list[str]:
    """Images that are not here, though others of their series are.

    Series of which nothing is here were not copied, which is a user's own choice.

    Args:
      indexes: openers by name, relative to `source`, with /.
      names: of all files that are here, relative to `source`, with /.
      source: the folder or zip, for messages.

    Returns:
      A text for each index that lists more.
    """
    here = {_plain(name) for name in names}
    found = []
    for name, open_file in indexes.items():
        missing, count = [], 0
        folder = pathlib.PurePosixPath(name).parent
        for listed in _series_of(open_file).values():
            # An image may lie beside the index, or below it.
            paths = [(folder / each).as_posix() for each in listed]
            lacking = [path for path in paths if _plain(path) not in here]
            if len(lacking) < len(paths):
                missing += lacking
                count += len(paths)
        if missing:
            found.append(
                f"{source}: {name} lists {count} images of the series that are here, "
                f"and {len(missing)} of them are not: "
                f"{wording.listed(sorted(missing))}. Copy the disc again."
            )
    return found


def _series_of(open_file: Opener) -> dict[str, list[str]]:
    """The files that an index lists, by the UID of their series."""
    found: dict[str, list[str]] = {}
    series = ""
    try:
        with elements.leniently():
            dataset = datasets.read_dataset(open_file, specific_tags=[_RECORDS])
            for record in dataset.get("DirectoryRecordSequence") or ():
                # A series' record comes before those of its images (PS3.3 F.2.2.2).
                series = record.get("SeriesInstanceUID") or series
                parts = elements.texts(record, "ReferencedFileID")
                if parts and record.get("DirectoryRecordType") == "IMAGE":
                    found.setdefault(series, []).append("/".join(parts))
    except elements.UNREADABLE:
        return {}  # An index is a help and never a hindrance.
    return found


def _plain(name: str) -> str:
    """A name without what systems add to it."""
    return name.upper().removesuffix(_VERSION).removesuffix(_ENDING)
