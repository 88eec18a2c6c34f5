"""The headers of many files: the one place where slices are read for what they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pydicom

from deepresolve.imaging.folders.kinds import Opener
from deepresolve.imaging.formats.dicom import datasets, elements, frames, slice_header
from deepresolve.imaging.formats.dicom.slice_header import SliceHeader


def by_file(
    files: Mapping[str, Opener], source: str
) -> dict[str, tuple[SliceHeader, ...]]:
    """What the slices in each file say of themselves; each file is opened once.

    Args:
      files: by name the functions that open them.
      source: the folder or zip, for messages.

    Returns:
      By name, in the order of `files`: a header a frame; () of what is no image.

    Raises:
      ValueError: a file cannot be read so far.
    """
    found = {}
    for name, open_file in files.items():
        try:
            # A header that is not quite to the standard is read as it is.
            with elements.leniently():
                dataset = datasets.read_dataset(
                    open_file,
                    stop_before_pixels=True,
                    specific_tags=list(slice_header.TAGS),
                )
                found[name] = tuple(slice_header.parse(name, dataset))
        except elements.UNREADABLE as error:
            raise _error(name, source, error) from error
    return found


def whole(
    slices: Iterable[SliceHeader], files: Mapping[str, Opener], source: str
) -> list[pydicom.Dataset]:
    """All elements but the pixels of slices, in their order; see `dicom.read_headers`.

    Args:
      slices: as `by_file` has them.
      files: by name the functions that open them; each is opened once.
      source: the folder or zip, for messages.

    Raises:
      ValueError: a file cannot be read so far.
    """
    slices = list(slices)
    frames_of: dict[str, dict[int | None, pydicom.Dataset]] = {}
    for name in {header.file for header in slices}:
        try:
            with elements.leniently():
                dataset = datasets.read_dataset(files[name], stop_before_pixels=True)
                frames_of[name] = dict(frames.flattened(dataset, name))
        except elements.UNREADABLE as error:
            raise _error(name, source, error) from error
    for header in slices:
        if header.num_frames > 1:
            frames_of[header.file][header.frame].ReferencedFrameNumber = header.frame
    return [frames_of[header.file][header.frame] for header in slices]


def _error(name: str, source: str, error: Exception) -> ValueError:
    return ValueError(
        f"{source}: the header of {name} cannot be read ({error}). Copy or export the "
        "file again."
    )
