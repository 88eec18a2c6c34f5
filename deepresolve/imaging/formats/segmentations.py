"""DICOM segmentations as label maps: one file, with a name for each of its segments.

They are no scans, so no search for scans finds them; who takes label maps asks here.
highdicom reads them (extra `dicom-seg`).
"""

from __future__ import annotations

import os
import pathlib
import struct
from typing import Any, NamedTuple

import numpy as np
from pydicom import uid

from deepresolve.imaging.dicom_output import extra
from deepresolve.imaging.file_kind import Role
from deepresolve.imaging.folders import dicom_bytes, kinds
from deepresolve.imaging.format_table import NUM_BYTES
from deepresolve.imaging.formats.dicom.slice_header import side
from deepresolve.imaging.volume import Volume

# Binary and fractional ones, and those that hold a label map themselves (DICOM 2024d).
_CLASSES = (uid.SegmentationStorage, "1.2.840.10008.5.1.4.1.1.66.7")
# From this share of a voxel on, a fractional segment has it.
_SHARE = 0.5
_MOST_LABEL = 255
# Before and behind labels whose empty slices are not there: as smooth surfaces need.
_EMPTY_SLICES = 2
# What highdicom and pydicom raise of a damaged file.
_DAMAGES = (
    *(AttributeError, EOFError, IndexError, KeyError, RuntimeError, TypeError),
    *(ValueError, struct.error),
)
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


class Segmentation(NamedTuple):
    """What a file holds.

    Attributes:
      label_map: uint8, the number of each voxel's segment; 0 in none.
      label_names: what segments are called, by number.
    """

    label_map: Volume
    label_names: dict[int, str]


def is_one(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a file that holds a DICOM segmentation."""
    path = pathlib.Path(path)
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return dicom_bytes.sop_class(stream.read(NUM_BYTES)) in _CLASSES


def find(root: pathlib.Path) -> list[pathlib.Path]:
    """The segmentations in a folder, at any depth, sorted; a path that is one is it.

    DICOM images among them are taken for what they were drawn on.

    Raises:
      ValueError: other scans lie among them, which may be label maps, too.
    """
    if is_one(root):
        return [root]
    files = [p for p in sorted(root.rglob("*")) if not _is_hidden(p.relative_to(root))]
    found = [path for path in files if is_one(path)]
    others = (p for p in files if p.is_file() and _is_other_scan(p)) if found else ()
    if other := next(iter(others), None):
        raise ValueError(
            f"{root} holds DICOM segmentations ({found[0].name}) and other scans "
            f"({other.name}): which of them are label maps? Give each kind a folder."
        )
    return found


def _is_hidden(path: pathlib.Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _is_other_scan(path: pathlib.Path) -> bool:
    return kinds.judge_file(path).role in (Role.SCAN, Role.HEADER)


def read(path: str | os.PathLike[str]) -> Segmentation:
    """Reads a segmentation: binary, fractional (from one half on), or a label map.

    Its grid is that of its frames. Frames without any label are usually left out: where
    the file refers to more images than it has slices, or to one of many frames, empty
    slices go before the first and behind the last.

    Raises:
      ValueError: highdicom is not installed; the file is damaged, its frames make no
        volume, segments overlap, are numbered beyond 255, or are empty.
    """
    highdicom = extra.highdicom("Label maps in DICOM", "Or convert it to NIfTI.")
    try:
        found = highdicom.seg.segread(path)
        grid, array = _labels(found, path)
    except _DAMAGES as error:
        if str(error).startswith(f"{path}: "):
            raise
        raise ValueError(
            f"{path}: this DICOM segmentation cannot be read ({error}). Expected one "
            "volume of parallel slices; export it again, or convert it to NIfTI."
        ) from error
    # (slice, row, column) -> (column, row, slice).
    affine = _LPS_TO_RAS @ grid[:, [2, 1, 0, 3]]
    array = array.transpose(2, 1, 0)
    num_images = _num_images(found)
    if num_images > array.shape[2] or num_images == 1:
        array = np.pad(array, ((0, 0), (0, 0), (_EMPTY_SLICES, _EMPTY_SLICES)))
        affine[:3, 3] -= _EMPTY_SLICES * affine[:3, 2]
    if min(array.shape) < 2:
        raise ValueError(
            f"{path}: expected a 3D segmentation of several slices; got {array.shape}."
        )
    names = {
        int(number): str(found.get_segment_description(number).SegmentLabel)
        for number in found.segment_numbers
    }
    return Segmentation(Volume(array, affine, 2, side=side(found)), names)


def _labels(found: Any, path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    """Affine of (slice, row, column) in LPS, and the number of each voxel's segment."""
    numbers = [int(number) for number in found.segment_numbers]
    if max(numbers) > _MOST_LABEL:
        raise ValueError(
            f"{path}: segments are numbered up to {max(numbers)}; labels go up to "
            f"{_MOST_LABEL}. Export fewer segments."
        )
    if found.segmentation_type.value == "LABELMAP":
        whole = found.get_volume(combine_segments=True, dtype=np.uint8)
        return whole.affine, whole.array
    grid = found.get_volume_geometry()
    labels = np.zeros(grid.spatial_shape, np.uint8)
    for number in numbers:
        # A segment at a time: all at once are as many volumes.
        one = found.get_volume(segment_numbers=[number])
        mask = one.array[..., 0] >= _SHARE
        overlap = labels[mask & (labels > 0)]
        if overlap.size:
            names = [
                found.get_segment_description(n).SegmentLabel
                for n in (int(overlap[0]), number)
            ]
            raise ValueError(
                f"{path}: the segments {names[0]!r} and {names[1]!r} overlap in "
                f"{overlap.size} voxels; a label map has one tissue in each. Export "
                "segments that do not overlap."
            )
        labels[mask] = number
    return grid.affine, labels


def _num_images(found: Any) -> int:
    """How many images it says it was drawn on; 0 where it does not say."""
    return sum(
        len(series.get("ReferencedInstanceSequence", ()))
        for series in found.get("ReferencedSeriesSequence", ())
    )
