"""Stored values of slices, decoded once a file."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pydicom
from pydicom import uid

from deepresolve.imaging.folders.kinds import Opener
from deepresolve.imaging.formats import limits
from deepresolve.imaging.formats.dicom import datasets, elements
from deepresolve.imaging.formats.dicom import source as dicom_source
from deepresolve.imaging.formats.dicom.slice_header import SliceHeader

_LOGGER = logging.getLogger(__name__)
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
# Whole numbers without which pixels are no voxels; the latter two of integers alone.
_NEEDED = ("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation")
_OF_INTEGERS = ("BitsStored", "PixelRepresentation")
_BITS_AS_THEY_ARE = (uid.RLELossless, uid.DeflatedExplicitVRLittleEndian)
# What reads compressed pixels that pydicom does not decode by itself.
_DECODERS = {
    "JPEG-LS": "pyjpegls",
    "JPEG 2000": "pylibjpeg pylibjpeg-openjpeg",
    "High-Throughput JPEG 2000": "pylibjpeg pylibjpeg-openjpeg",
    "JPEG": "pylibjpeg pylibjpeg-libjpeg",
}


def check_size(
    slices: Sequence[SliceHeader], files: Mapping[str, Opener], source: str
) -> None:
    """Refuses slices that promise far more voxels than their files can hold.

    Args:
      slices: of one volume. A file is decoded whole, whichever frames are among them.
      files: by name the functions that open them.
      source: the folder or zip, for messages.

    Raises:
      ValueError: they unpack to more than is ever read, or to far more than a scan of
        so many bytes does (`limits`).
    """
    first_of = {header.file: header for header in slices}
    promised = sum(
        math.prod(header.shape) * header.num_frames * header.num_bytes
        for header in first_of.values()
    )
    if promised <= limits.HARMLESS_BYTES:
        return
    stored = sum(dicom_source.num_bytes(files[file]) for file in first_of)
    rows, columns = slices[0].shape
    limits.check_growth(
        promised,
        stored,
        f"{source}: {slices[0].name} and {len(slices) - 1} more slices say that they "
        f"are of {rows} x {columns} voxels, which",
    )


def read(
    slices: Sequence[SliceHeader], files: Mapping[str, Opener], source: str
) -> np.ndarray:
    """The stored values, (slice, row, column).

    Args:
      slices: of one volume, in order.
      files: by name the functions that open them.
      source: the folder or zip, for messages.

    Raises:
      ValueError: the pixels of a file cannot be decoded, or slices differ in dtype.
    """
    frames_of: dict[str, list[int]] = {}
    for number, header in enumerate(slices):
        frames_of.setdefault(header.file, []).append(number)
    stored: dict[int, np.ndarray] = {}
    for file, numbers in frames_of.items():
        frames = decoded(files[file], file, source)
        for number in numbers:
            stored[number] = np.array(frames[(slices[number].frame or 1) - 1])
    return np.stack([stored[number] for number in range(len(slices))])


def decoded(open_file: Opener, file: str, source: str) -> np.ndarray:
    """The stored values of a file, (frame, row, column).

    Raises:
      ValueError: they cannot be decoded; the message says what to install or do.
    """
    syntax = None
    try:
        dataset = datasets.read_dataset(open_file)
        with elements.leniently():
            syntax = uid.UID(str(dataset.file_meta.TransferSyntaxUID))
            problem = _problem(dataset, syntax)
            if not problem:
                _cut_to_frames(dataset, syntax, f"{source}: {file}")
                pixels = _values(dataset, syntax)
    except elements.UNREADABLE as error:
        raise ValueError(
            f"{source}: the pixels of {file} cannot be read ({error!r}). "
            f"{_mend(syntax)}"
        ) from error
    if problem:
        raise ValueError(f"{source}: the pixels of {file} cannot be read: {problem}")
    return pixels if pixels.ndim > 2 else pixels[None]


def _problem(dataset: pydicom.Dataset, syntax: uid.UID) -> str:
    """Why a file has no pixels that can be decoded; "" where it may have."""
    if not syntax.is_transfer_syntax:
        return (
            f"{elements.title('TransferSyntaxUID')} is {str(syntax)!r}, which is "
            "none that DICOM has. Export the series again, uncompressed."
        )
    found = [keyword for keyword in _PIXELS if dataset.get(keyword)]
    if not found:
        title = elements.title("PixelData")
        return f"there are none in {title}. Copy or export the file again."
    for keyword in _NEEDED:
        if keyword in _OF_INTEGERS and found != ["PixelData"]:
            continue
        values = elements.texts(dataset, keyword)
        numbers = elements.numbers(values)
        if not numbers or numbers[0] != int(numbers[0]) or numbers[0] < 0:
            got = repr("\\".join(values)) if values else "none"
            return (
                f"a whole number is needed in {elements.title(keyword)}; got "
                f"{got}. Export the series again with what the scanner wrote."
            )
    shape = (elements.num_frames(dataset), dataset.Rows, dataset.Columns)
    needed = _frame_bytes(dataset) * shape[0]
    stored = len(dataset[found[0]].value)
    if syntax.is_encapsulated or stored >= needed:
        return ""
    return (
        f"there are {stored} bytes of them, and {' x '.join(map(str, shape))} pixels "
        f"of {dataset.BitsAllocated} bits need {needed}. The file is cut short, or "
        "Rows, Columns or BitsAllocated are wrong: copy or export it again."
    )


def _cut_to_frames(dataset: pydicom.Dataset, syntax: uid.UID, name: str) -> None:
    """Leaves the pixels of as many frames as the header tells of."""
    number = elements.numbers(elements.texts(dataset, "NumberOfFrames"))
    if "NumberOfFrames" in dataset and (not number or number[0] < 1):
        del dataset.NumberOfFrames  # Noted with the header.
    if "PixelData" not in dataset or syntax.is_encapsulated:
        return
    needed = _frame_bytes(dataset) * elements.num_frames(dataset)
    num_more = (len(dataset.PixelData) - needed) // _frame_bytes(dataset)
    if num_more > 0:
        _LOGGER.warning(
            "%s has pixels of %d frames more than NumberOfFrames and the header tell "
            "of, and nothing says where they lie: they are left out. Slices may be "
            "missing.",
            name,
            num_more,
        )
    dataset.PixelData = dataset.PixelData[: needed + needed % 2]


def _frame_bytes(dataset: pydicom.Dataset) -> int:
    samples = elements.OptionalNumbers(dataset).whole("SamplesPerPixel") or 1
    bits = int(dataset.Rows) * int(dataset.Columns) * samples * dataset.BitsAllocated
    return max(1, bits // 8)


def _values(dataset: pydicom.Dataset, syntax: uid.UID) -> np.ndarray:
    if "PixelData" not in dataset:
        return dataset.pixel_array
    num_bits = dataset.BitsStored
    high_bit = dataset.get("HighBit", num_bits - 1)
    if syntax.is_compressed and syntax not in _BITS_AS_THEY_ARE:
        return stored_values(dataset.pixel_array, num_bits, num_bits - 1)
    # All bits as they are, whichever of them this pydicom would leave out.
    dataset.BitsStored = dataset.BitsAllocated
    dataset.HighBit = dataset.BitsAllocated - 1
    return stored_values(dataset.pixel_array, num_bits, high_bit)


def stored_values(pixels: np.ndarray, num_bits: int, high_bit: int) -> np.ndarray:
    """Pixels without the bits that are none of them.

    Of the allocated bits the stored ones alone are the value; old files keep overlays
    in the others, and some do not extend the sign into them.

    Args:
      pixels: integers of all bits, signed where values are.
      num_bits: BitsStored.
      high_bit: HighBit, the highest of them.
    """
    size = pixels.dtype.itemsize * 8
    if pixels.dtype.kind not in "iu" or not 0 < num_bits <= high_bit + 1 <= size:
        return pixels
    # Up to the highest bit, and down again with the sign.
    return (pixels << (size - 1 - high_bit)) >> (size - num_bits)


def _mend(syntax: uid.UID | None) -> str:
    is_packed = syntax and syntax.is_transfer_syntax and syntax.is_compressed
    if not syntax or not is_packed or syntax == uid.RLELossless:
        return "Copy or export the file again."
    kind = next((name for name in _DECODERS if syntax.name.startswith(name)), "JPEG")
    return (
        f"The pixels are compressed ({syntax.name}): install a decoder, `pip install "
        f"{_DECODERS[kind]}` or `python-gdcm`, or export the series uncompressed."
    )
