"""Scan files in and out.

What a format is, and how to add one, stands in `format_table`; here is what everybody
calls, whatever the format.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pathlib
from typing import Any

import numpy as np

from deepresolve.imaging import format_table
from deepresolve.imaging import volume as volumes
from deepresolve.imaging.folders import kinds
from deepresolve.imaging.format_table import FORMATS, Format
from deepresolve.imaging.formats import label_maps, refusals, scan_search
from deepresolve.imaging.formats.choice import ONLY, Acquired, Choice, Contents
from deepresolve.imaging.formats.scan import Scan
from deepresolve.system import wording

__all__ = [
    "FORMATS",
    "Acquired",
    "Contents",
    "Scan",
    "check_image",
    "contents",
    "find_scans",
    "read_image",
    "read_label_map",
    "read_map",
    "scan_files",
    "scan_stem",
    "search",
    "sha256",
    "write",
]


def read_image(
    path: str | os.PathLike[str],
    *,
    slice_axis: int | None = None,
    choice: object = ONLY,
) -> volumes.Volume:
    """Reads a scan: a NIfTI, MetaImage or NRRD file, or a folder or zip of DICOM files.

    Args:
      path: the file or folder; its format is found by content. A `Scan` of `search`
        is not looked through again.
      slice_axis: 0, 1 or 2 in the scan's own axes, where the file says it wrongly.
      choice: a `Choice` of series, echo and volume, where the files hold several; or
        the options of another format.

    Returns:
      A Volume in the scan's own axes, integers or float32.

    Raises:
      FileNotFoundError: there is nothing at `path`.
      ValueError: it is no scan that can be read, is not one 3D volume, or its voxels
        are not finite or all alike; the message says how to mend it.
    """
    volume = _read(path, choice)
    if slice_axis is not None:
        volume = dataclasses.replace(volume, slice_axis=slice_axis)
    check_image(volume, pathlib.Path(path))
    return volume


def read_map(path: str | os.PathLike[str], *, choice: object = ONLY) -> volumes.Volume:
    """Reads a number for each voxel, which may be the same for all: a probability.

    Args:
      path: a file or folder that `read_image` reads.
      choice: as there.

    Returns:
      A Volume in the file's own axes, integers or float32.

    Raises:
      FileNotFoundError: there is nothing at `path`.
      ValueError: it cannot be read, is not one 3D volume, or has voxels that are not
        finite.
    """
    volume = _read(path, choice)
    _check_values(volume, pathlib.Path(path))
    return volume


def check_image(volume: volumes.Volume, path: pathlib.Path) -> None:
    """Refuses voxels that are no image.

    Args:
      volume: as its format reads it.
      path: of the scan, for messages.

    Raises:
      ValueError: it has one slice, or its voxels are not finite or all alike.
    """
    _check_values(volume, path)
    if volume.array.min() == volume.array.max():
        raise ValueError(
            f"{path}: every voxel is {volume.array.flat[0]}; expected an image. Export "
            "the scan again."
        )


def _check_values(volume: volumes.Volume, path: pathlib.Path) -> None:
    if min(volume.shape) < 2:
        raise ValueError(
            f"{path}: expected a 3D scan of several slices; got shape {volume.shape}."
        )
    num_bad = volume.array.size - np.count_nonzero(np.isfinite(volume.array))
    if num_bad:
        raise ValueError(
            f"{path}: {num_bad} voxels are NaN or infinite. Replace them (by 0 in the "
            "background) or export the scan again."
        )


def contents(path: str | os.PathLike[str], asked: Choice = ONLY) -> Contents:
    """Finds out which volumes of a scan are asked for, without reading voxels.

    Args:
      path: a file, or a folder of DICOM files.
      asked: a choice for many scans, `ALL` included. What a scan leaves no choice about
        is dropped: its one series or echo is taken as it is.

    Raises:
      FileNotFoundError: there is nothing at `path`.
      ValueError: it is no scan that can be read.
    """
    found, entry = _found(path)
    if entry.contents is not None:
        return entry.contents(found, asked)
    identity = entry.identity(found) if entry.identity else frozenset()
    acquired = (entry.acquired(found),) if entry.acquired else ()
    return Contents((ONLY,), identity, acquired)


def read_label_map(
    path: str | os.PathLike[str], *, image: volumes.Volume, ignore_affine: bool = False
) -> volumes.Volume:
    """Reads the label map that belongs to an image.

    Args:
      path: a file or folder that `read_image` reads; whole numbers 0 to 255 of any
        dtype. Its axes may be
        in another order, and it may cover a part of the image (see `label_maps`).
      image: the scan, as `read_image` gave it.
      ignore_affine: whether the label map's affine is known to be wrong: its voxels are
        then those of the image, one by one, if the shapes agree.

    Returns:
      A Volume of uint8 on the image's own grid: its affine, slice axis, thickness.

    Raises:
      FileNotFoundError: there is nothing at `path`.
      ValueError: values other than whole numbers 0 to 255, voxels that fall on none of
        the image's, or labels outside of the image.
    """
    label = _read(path)
    return label_maps.on_image(label, image, pathlib.Path(path), ignore_affine)


def write(path: str | os.PathLike[str], volume: volumes.Volume) -> None:
    """Writes a scan or label map: either the whole file or none.

    See `nifti.write` for what is kept.

    Args:
      path: its name tells the format, .nii or .nii.gz; an existing file is replaced.
      volume: what to write; a canonical one is restored first.

    Raises:
      ValueError: another suffix, or a dtype that the format has no place for.
      OSError: the disk is full or the folder missing; nothing is left behind.
    """
    path = pathlib.Path(path)
    names = []
    for entry in format_table.entries():
        if entry.write is not None:
            if path.name.lower().endswith(entry.suffixes):
                entry.write(path, volume)
                return
            suffixes = wording.either(entry.suffixes)
            names.append(f"the name of {entry.a_file} ends in {suffixes}")
    raise ValueError(f"{path}: {'; '.join(names)}.")


def find_scans(root: str | os.PathLike[str]) -> list[pathlib.Path]:
    """Lists the scans in a folder, for work on one after another.

    A scan is a NIfTI, MetaImage or NRRD file, by its bytes or its name; a pair .hdr and
    .img, as its .hdr; a file named .zip; or a folder that directly holds DICOM files
    (with all DICOM files below it). Such a folder may not hold other scans too: they
    may be the same one, converted, and would count twice. What should be a scan and
    cannot be read is listed, too: a link to nothing, a kind that is not read, a damaged
    file. Links are followed, each real folder is read once, and other files and hidden
    ones are passed over.

    Args:
      root: a folder, searched to any depth; a path that is one scan gives itself.

    Returns:
      Paths, sorted.

    Raises:
      FileNotFoundError: there is nothing at `root`.
      ValueError: it cannot be opened or holds no scan, or other scans lie in, or below,
        a folder of DICOM files.
    """
    return search(root).paths


def search(root: str | os.PathLike[str]) -> scan_search.Search:
    """Finds the scans in a folder, what else is there, and how many slices a scan has.

    Args:
      root: a folder, searched to any depth; a path that is one scan gives itself.

    Raises:
      FileNotFoundError: there is nothing at `root`.
      ValueError: it cannot be opened or holds no scan, or other scans lie in, or below,
        a folder of DICOM files.
    """
    return scan_search.find(pathlib.Path(root))


def scan_files(path: str | os.PathLike[str]) -> list[pathlib.Path]:
    """The files that a scan consists of: itself, or a folder's DICOM files, sorted.

    A header comes with the file beside it that holds its voxels.

    Raises:
      FileNotFoundError: there is nothing at `path`.
      ValueError: a part of it is missing, or cannot be read.
    """
    at = pathlib.Path(path)
    refusals.check_exists(at)
    is_folder = at.is_dir()
    with refusals.naming(at):
        for entry in format_table.entries():
            if entry.files_of is not None and entry.is_folder == is_folder:
                found = _find(entry, path)
                if found is not None:
                    return entry.files_of(found)
    return [] if is_folder else [at]


def sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a scan's file or files; those of several go in with their names.

    Args:
      path: a file, or a folder of DICOM files.

    Returns:
      64 hexadecimal digits.

    Raises:
      FileNotFoundError: there is nothing at `path`.
      ValueError: a part of it is missing, or cannot be read.
    """
    digest = hashlib.sha256()
    files = scan_files(path)
    path = pathlib.Path(path)
    for file in files:
        if path.is_dir() or len(files) > 1:
            name = file.relative_to(path if path.is_dir() else path.parent)
            digest.update(os.fsencode(name.as_posix()) + b"\0")
        with refusals.naming(path), file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def scan_stem(path: str | os.PathLike[str]) -> str:
    """The scan's name without folder and without .nii, .nii.gz, .hdr, .zip, ..."""
    path = pathlib.Path(path)
    name = path.name or path.resolve().name
    for ending in sorted({*format_table.every_ending(), ".gz"}, key=len, reverse=True):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def _read(path: str | os.PathLike[str], asked: object = ONLY) -> volumes.Volume:
    at = pathlib.Path(path)
    with refusals.naming(at):
        found, entry = _found(path)
        return entry.read(found, *_options(entry, at, asked))


def _options(entry: Format, path: pathlib.Path, asked: object) -> tuple[Any, ...]:
    """What a format's `read` takes beside the scan.

    Raises:
      ValueError: something is asked that is no question to the format.
    """
    if entry.options is not None and isinstance(asked, entry.options):
        return (asked,)
    if not isinstance(asked, Choice):
        raise ValueError(f"{path}: {asked} is nothing to ask of {entry.a_file}.")
    asked.refuse(path, entry.a_file)
    return () if entry.options is None else (entry.options(),)


def _found(path: str | os.PathLike[str]) -> tuple[Any, Format]:
    """What lies at a path, and its format.

    Raises:
      FileNotFoundError: there is nothing at `path`.
      ValueError: it is of no format, or what belongs to it cannot be read.
    """
    at = pathlib.Path(path)
    refusals.check_exists(at)
    for entry in format_table.entries():
        found = _find(entry, path)
        if found is not None:
            return found, entry
    raise refusals.unknown(at)


def _find(entry: Format, path: str | os.PathLike[str]) -> Any:
    """What of a format lies at a path, or was found there; None where nothing does."""
    if isinstance(path, Scan) and path.found is not None:
        return path.found if format_table.named(path.format) is entry else None
    at = pathlib.Path(path)
    if entry.find is not None:
        return entry.find(at)
    return at if kinds.is_of(at, entry.signature) else None
