"""DICOM in: the slices of one series, from a folder or a zip.

pydicom parses and decodes; which slices belong together is `dicom_series`, and where
they lie `dicom_geometry`.
"""

from __future__ import annotations

import math
import pathlib
import struct
from collections.abc import Mapping, Sequence

import numpy as np
import pydicom
import pydicom.errors

from deepresolve.imaging import volume as volumes
from deepresolve.imaging.formats import (
    dicom_geometry,
    dicom_limits,
    dicom_series,
    dicom_source,
    limits,
)
from deepresolve.imaging.formats.choice import ONLY, Choice

_BYTES_PER_VOXEL = 2
# What pydicom raises on elements or pixels that are cut short or cannot be decoded.
_UNREADABLE = (
    AttributeError,
    EOFError,
    KeyError,
    MemoryError,  # A length that is nonsense.
    NotImplementedError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    pydicom.errors.BytesLengthException,
    struct.error,
)


def matches(path: pathlib.Path) -> bool:
    """Whether this is a DICOM file, or a folder or zip with one in it."""
    with dicom_source.dicom_files(path) as files:
        return bool(files)


def is_dicom_file(path: pathlib.Path) -> bool:
    """Whether this one file is DICOM, and not only an index (DICOMDIR) of others."""
    return path.name != "DICOMDIR" and dicom_source.is_dicom(lambda: path.open("rb"))


def read(path: pathlib.Path, choice: Choice = ONLY) -> volumes.Volume:
    """Reads the slices of one series and echo, ordered along their normal.

    Voxels are array[column, row, slice], in the scanner's units: RescaleSlope and
    RescaleIntercept of each slice are applied (not vendors' private scalings). The
    slice spacing comes from the positions; SliceThickness, less than it where there are
    gaps, is kept beside it.

    Args:
      path: a folder or zip; files in it that are no DICOM image are passed over.
      choice: series, echo and volume; each needed where there are several.

    Returns:
      A Volume; the stored integer dtype, or int16 or int32 where rescaled whole
      numbers need it, else float32.

    Raises:
      ValueError: there is no image, or a choice is to be made (the message lists the
        series), or the slices do not make one whole 3D grid (the message names
        them), or the pixels cannot be decoded.
    """
    with dicom_source.dicom_files(path) as files:
        slices = _chosen(files, path, choice)
        _check_size(slices, files, path)
        stored = np.stack([_pixels(files[s.name], s.name, path) for s in slices])
    # (slice, row, column) -> (column, row, slice).
    array = _rescaled(stored, [s.rescale for s in slices]).transpose(2, 1, 0)
    affine = volumes.affine_from_dicom(
        slices[0].position_mm,
        dicom_geometry.slice_step_mm(slices),
        slices[0].orientation,
        slices[0].pixel_spacing_mm,
    )
    return volumes.Volume(array, affine, 2, _thickness_mm(slices))


def read_headers(path: pathlib.Path, choice: Choice = ONLY) -> list[pydicom.Dataset]:
    """All elements but the pixels of the slices that `read` stacks, in its order.

    Args:
      path: as for `read`.
      choice: as for `read`.

    Returns:
      A dataset a slice, with `file_meta`.

    Raises:
      ValueError: as for `read`, but for the pixels.
    """
    with dicom_source.dicom_files(path) as files:
        slices = _chosen(files, path, choice)
        return [_whole_header(files[s.name], s.name, path) for s in slices]


def contents(
    path: pathlib.Path, asked: Choice
) -> tuple[list[Choice], frozenset[tuple[str, str]]]:
    """What `read` is to be asked for, and whose scan it is; see `formats.contents`."""
    with dicom_source.dicom_files(path) as files:
        headers = _headers(files, path)
    identity = frozenset().union(*(header.identity for header in headers))
    return dicom_series.resolve(headers, asked), identity


def _chosen(files: Mapping, path, choice) -> list[dicom_series.SliceHeader]:
    """The slices of one series and echo, in order; checked to make one volume."""
    headers = _headers(files, path)
    slices = dicom_series.choose(headers, str(path), choice)
    _check_plain(slices, path)
    return dicom_geometry.order(slices, str(path))


def _headers(files: Mapping, path) -> list[dicom_series.SliceHeader]:
    headers = []
    for name, open_file in files.items():
        try:
            dataset = _dataset(
                open_file, stop_before_pixels=True, specific_tags=dicom_series.TAGS
            )
            headers.append(dicom_series.parse(name, dataset))
        except _UNREADABLE as error:
            raise _header_error(name, path, error) from error
    images = [header for header in headers if header is not None]
    if not images:
        raise ValueError(
            f"{path}: {len(files)} DICOM file(s) and no image among them. Expected the "
            "slices of a scan."
        )
    return images


def _whole_header(open_file, name, path) -> pydicom.Dataset:
    try:
        # A header that is not quite to the standard is read as it is.
        with pydicom.config.disable_value_validation():
            dataset = _dataset(open_file, stop_before_pixels=True)
            dataset.decode()  # Each element is parsed, and text is read as Unicode.
    except _UNREADABLE as error:
        raise _header_error(name, path, error) from error
    return dataset


def _dataset(open_file, **options) -> pydicom.Dataset:
    """What pydicom reads of a file that does not inflate beyond bounds."""
    with open_file() as stream:
        dicom_limits.check_deflated(stream)
        return pydicom.dcmread(stream, **options)


def _header_error(name, path, error):
    return ValueError(
        f"{path}: the header of {name} cannot be read ({error}). Copy or export the "
        "file again."
    )


def _check_size(slices: Sequence[dicom_series.SliceHeader], files, path) -> None:
    """Refuses slices that promise far more voxels than their files can hold."""
    promised = sum(math.prod(s.shape) * _BYTES_PER_VOXEL for s in slices)
    if promised <= limits.HARMLESS_BYTES:
        return
    stored = sum(dicom_source.num_bytes(files[s.name]) for s in slices)
    rows, columns = slices[0].shape
    limits.check_growth(
        promised,
        stored,
        f"{path}: {slices[0].name} and {len(slices) - 1} more slices say that they are "
        f"of {rows} x {columns} voxels, which",
    )


def _check_plain(slices: Sequence[dicom_series.SliceHeader], path) -> None:
    for header in slices:
        if header.num_frames > 1:
            raise ValueError(
                f"{path}: {header.name} is an enhanced DICOM file of "
                f"{header.num_frames} frames, which is not read. Convert it to NIfTI, "
                "e.g. with dcm2niix."
            )
        if header.num_samples != 1:
            raise ValueError(
                f"{path}: {header.name} is a colour image ({header.num_samples} "
                "samples per pixel); expected the scan's own grey values."
            )
        # MONOCHROME1 shows high values dark: no MR scanner writes it, and whether the
        # values are to be turned over the file does not say.
        if header.photometric != "MONOCHROME2":
            raise ValueError(
                f"{path}: {header.name} has the PhotometricInterpretation "
                f"{header.photometric!r}; expected 'MONOCHROME2', bright where values "
                "are high. Export the original series of the scanner, or convert it "
                "to NIfTI, e.g. with dcm2niix, and look at the result."
            )


def _pixels(open_file, name, path) -> np.ndarray:
    """(row, column) stored values."""
    syntax = None
    try:
        dataset = _dataset(open_file)
        syntax = dataset.file_meta.TransferSyntaxUID
        return dataset.pixel_array
    except _UNREADABLE as error:
        mend = "Copy or export the file again."
        if syntax is not None and syntax.is_compressed:
            mend = (
                f"The pixels are compressed ({syntax.name}): install a decoder, `pip "
                "install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg` or `python-"
                "gdcm`, or export the series uncompressed."
            )
        raise ValueError(
            f"{path}: the pixels of {name} cannot be read ({error!r}). {mend}"
        ) from error


def _rescaled(stored: np.ndarray, rescale: Sequence[tuple[float, float]]) -> np.ndarray:
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


def _fits(values, dtype):
    limits = np.iinfo(dtype)
    return limits.min <= values.min() and values.max() <= limits.max


def _thickness_mm(slices):
    """SliceThickness where all slices agree on one above 0, else None."""
    thicknesses = {header.slice_thickness_mm for header in slices}
    return thicknesses.pop() or None if len(thicknesses) == 1 else None
