"""DICOM in: the slices of one volume, from a folder or a zip.

pydicom parses and decodes. What a slice says is `slice_header`; which slices belong
together, and where they lie, is `stacking`.
"""

from __future__ import annotations

import dataclasses
import logging
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pydicom

from deepresolve.imaging.folders import dicom_bytes
from deepresolve.imaging.folders.kinds import Opener
from deepresolve.imaging.format_table import Format, Signature
from deepresolve.imaging.formats.choice import ONLY, Acquired, Choice, Contents
from deepresolve.imaging.formats.dicom import frames, headers
from deepresolve.imaging.formats.dicom import pixels as dicom_pixels
from deepresolve.imaging.formats.dicom import source as dicom_source
from deepresolve.imaging.formats.dicom.slice_header import SliceHeader
from deepresolve.imaging.formats.dicom.source import DicomFiles
from deepresolve.imaging.formats.dicom.stacking import completeness, geometry, series
from deepresolve.imaging.formats.dicom.stacking import copies as dicom_copies
from deepresolve.imaging.formats.dicom.stacking import notes as dicom_notes
from deepresolve.imaging.volume import Volume, affine_from_dicom

_LOGGER = logging.getLogger(__name__)


def matches(path: pathlib.Path) -> bool:
    """Whether this is a DICOM file, or a folder or zip with one in it."""
    return find(path) is not None


def find(path: pathlib.Path) -> DicomFiles | None:
    """The DICOM at a path, looked through; None where there is none.

    What may have been slices of a scan counts as such: reading tells why it is not
    read.
    """
    found = dicom_source.at(path)
    return found if found.is_dicom else None


def read(path: pathlib.Path | DicomFiles, choice: Choice = ONLY) -> Volume:
    """Reads the slices of one volume, ordered along their normal.

    Voxels are array[column, row, slice], in the scanner's units: RescaleSlope and
    RescaleIntercept of each slice are applied (not vendors' private scalings). The
    slice spacing comes from the positions; SliceThickness, less than it where there are
    gaps, is kept beside it, and so is MRAcquisitionType, where all slices agree.

    Args:
      path: a folder or zip, or what `find` found there; files in it that are no DICOM
        image are passed over.
      choice: series, echo and volume; each needed where there are several.

    Returns:
      A Volume; the stored integer dtype, or int16 or int32 where rescaled whole
      numbers need it, else float32.

    Raises:
      ValueError: there is no image, or a choice is to be made (the message lists what
        there is), or the slices do not make one whole 3D grid (the message names
        them), or the pixels cannot be decoded.
    """
    found = _found(path)
    source = str(found.path)
    with found.opened(tell=True) as files:
        slices, notes = _chosen(found, choice)
        dicom_pixels.check_size(slices, files, source)
        stored = dicom_pixels.read(slices, files, source)
    line = geometry.Line.through(slices)
    spacing_mm = geometry.spacing_mm(slices)
    thickness_mm, told = dicom_notes.thickness_mm(slices, spacing_mm)
    encoding, unlike = dicom_notes.slice_encoding(slices)
    for note in [*notes, *dicom_notes.of(slices), *told, *unlike]:
        _LOGGER.warning("%s: %s", source, note)
    # (slice, row, column) -> (column, row, slice).
    array = _rescaled(stored, [s.rescale for s in slices]).transpose(2, 1, 0)
    affine = affine_from_dicom(
        line.first_mm,
        line.step_mm,
        geometry.orthonormal(slices[0].orientation),
        slices[0].pixel_spacing_mm,
    )
    side = _acquired(slices).side
    return Volume(array, affine, 2, thickness_mm, slice_encoding=encoding, side=side)


def read_headers(
    path: pathlib.Path | DicomFiles, choice: Choice = ONLY
) -> list[pydicom.Dataset]:
    """All elements but the pixels of the slices that `read` stacks, in its order.

    Args:
      path: a folder or zip, or what `find` found there; files in it that are no DICOM
        image are passed over.
      choice: series, echo and volume; each needed where there are several.

    Returns:
      A dataset a slice, with `file_meta`; of a frame what its functional groups say as
      a classic slice says it, see `frames`, with its number, where the file has
      several, in ReferencedFrameNumber.

    Raises:
      ValueError: there is no image, or a choice is to be made (the message lists what
        there is), or the slices do not make one whole 3D grid (the message names
        them).
    """
    found = _found(path)
    with found.opened() as files:
        slices, _ = _chosen(found, choice)
        return headers.whole(slices, files, str(found.path))


def contents(path: pathlib.Path | DicomFiles, asked: Choice) -> Contents:
    """What `read` is to be asked for, and whose scan it is, without reading voxels.

    Args:
      path: a folder or zip, or what `find` found there.
      asked: a choice for many scans, `ALL` included.

    Raises:
      ValueError: there is no image, or none that was asked for.
    """
    found = _found(path)
    with found.opened():
        every, _ = _images(found)
    choices = tuple(series.resolve(every, asked))
    chosen = [_slices_of(every, str(found.path), choice) for choice in choices]
    return Contents(
        choices,
        _identity(every),
        tuple(_acquired(slices) if slices else Acquired() for slices in chosen),
        tuple(_identity(slices or every) for slices in chosen),
    )


def _slices_of(
    every: Sequence[SliceHeader], source: str, choice: Choice
) -> list[SliceHeader]:
    """Of a volume; none where it cannot be told: who reads it will say why."""
    try:
        return series.choose(every, source, choice)
    except ValueError:
        return []


def _identity(slices: Sequence[SliceHeader]) -> frozenset[tuple[str, str]]:
    return frozenset().union(*(header.identity for header in slices))


def _acquired(slices: Sequence[SliceHeader]) -> Acquired:
    """That on which all slices of a volume agree."""
    times = {header.echo_time_ms for header in slices}
    sides = {header.side for header in slices}
    numbers = {header.echo_number for header in slices}
    return Acquired(
        times.pop() if len(times) == 1 else None,
        sides.pop() if len(sides) == 1 else "unknown",
        numbers.pop() if len(numbers) == 1 else None,
    )


def files_of(path: pathlib.Path | DicomFiles) -> list[pathlib.Path]:
    """The DICOM files of a folder, sorted.

    Raises:
      ValueError: what may be a slice cannot be read; the message names it.
    """
    found = _found(path)
    with found.opened() as files:
        return [found.path / name for name in files]


def _found(path: pathlib.Path | DicomFiles) -> DicomFiles:
    return path if isinstance(path, DicomFiles) else dicom_source.at(path)


def _chosen(found: DicomFiles, choice: Choice) -> tuple[list[SliceHeader], list[str]]:
    """The slices of one volume, in order and checked; and what is to be told."""
    source = str(found.path)
    every, copies = _images(found)
    slices = series.choose(every, source, choice)
    notes = dicom_notes.of_copies(copies, len(found.files))
    for header in slices:
        _check_plain(header, source)
    wholes = {header.part[0] for header in slices if header.part}
    parts = {h.file: h.part for h in every if h.part and h.part[0] in wholes}
    frames.check_parts(parts, source)
    notes += dicom_notes.of_echoes(slices, every)
    ordered = geometry.order(slices, source)
    return ordered, [*notes, *completeness.notes(ordered, every)]


def _images(found: DicomFiles) -> tuple[list[SliceHeader], list[str]]:
    """Every image once; and the names of files that are copies."""
    source = str(found.path)
    return dicom_copies.without(
        found.read_headers(),
        lambda first, second: _is_same_image(first, second, found.files, source),
        source,
    )


def _is_same_image(
    first: str, second: str, files: Mapping[str, Opener], source: str
) -> bool:
    with files[first]() as one, files[second]() as other:
        if one.read() == other.read():
            return True
    pair = {name: files[name] for name in (first, second)}
    said = [
        [dataclasses.replace(header, file="") for header in of_file]
        for of_file in headers.by_file(pair, source).values()
    ]
    pixels = [dicom_pixels.decoded(o, name, source) for name, o in pair.items()]
    return said[0] == said[1] and np.array_equal(pixels[0], pixels[1])


def _check_plain(header: SliceHeader, source: str) -> None:
    if header.frame is None and header.num_frames > 1:
        raise ValueError(
            f"{source}: {header.file} has {header.num_frames} frames and no functional "
            "groups (5200,9230) that say where they lie. Export the series as MR or "
            "Enhanced MR images, or convert it to NIfTI, e.g. with dcm2niix."
        )
    if "MOSAIC" in header.traits.get("ImageType", ()):
        raise ValueError(
            f"{source}: {header.name} is a mosaic of many slices in one image (MOSAIC "
            "in ImageType), and where they lie only its maker's own elements say. "
            "Convert the series to NIfTI, e.g. with dcm2niix."
        )
    if header.num_samples != 1:
        raise ValueError(
            f"{source}: {header.name} is a colour image ({header.num_samples} samples "
            "per pixel); expected the scan's own grey values."
        )
    # MONOCHROME1 shows high values dark: no MR scanner writes it, and whether the
    # values are to be turned over the file does not say.
    if header.photometric != "MONOCHROME2":
        raise ValueError(
            f"{source}: {header.name} has the PhotometricInterpretation "
            f"{header.photometric!r}; expected 'MONOCHROME2', bright where values are "
            "high. Export the original series of the scanner, or convert it to NIfTI, "
            "e.g. with dcm2niix, and look at the result."
        )


def _rescaled(stored: np.ndarray, rescale: Sequence[tuple[float, ...]]) -> np.ndarray:
    """(slice, row, column) values with each slice's slope and intercept applied."""
    factors = np.array(rescale)
    if stored.dtype.kind in "iu" and np.all(factors == (1, 0)):
        return stored
    slope, intercept = factors.T[:, :, None, None]
    values = stored * slope + intercept
    if stored.dtype.kind in "iu" and np.all(factors == np.trunc(factors)):
        for dtype in (stored.dtype, np.int16, np.int32):
            if _fits(values, dtype):
                return values.astype(dtype)
    return values.astype(np.float32)


def _fits(values: np.ndarray, dtype: npt.DTypeLike) -> bool:
    limits = np.iinfo(dtype)
    return limits.min <= values.min() and values.max() <= limits.max


FORMAT = Format(
    titles=("DICOM",),
    signature=Signature(
        judge=dicom_bytes.judge,
        judge_packed=dicom_bytes.judge_packed,
        endings={".zip": dicom_bytes.ZIP},
    ),
    expected="a folder or zip of DICOM files",
    find=find,
    read=read,
    options=Choice,
    contents=contents,
    files_of=files_of,
    is_folder=True,
)
