"""MetaImage (.mha, .mhd) and NRRD (.nrrd) in, by SimpleITK, an optional extra.

The header is read by itself first, for what it promises must fit what the file holds
before any voxel is read.
"""

from __future__ import annotations

import logging
import math
import pathlib
import re

import numpy as np

from deepresolve.extras import how_to_install
from deepresolve.imaging import volume as volumes
from deepresolve.imaging.formats import limits, meta_header
from deepresolve.imaging.formats.choice import ONLY, Choice

SUFFIXES = (".mha", ".mhd", ".nrrd")

_LOGGER = logging.getLogger(__name__)
_NRRD_MAGIC = re.compile(rb"NRRD000[1-5]\r?\n")
# A MetaImage begins with "Key = value" lines; its first key is one of these.
_META_MAGIC = re.compile(
    rb"\s*(ObjectType|NDims|Comment|ObjectSubType|Name|ID)[ \t]*=", re.IGNORECASE
)
_META_DATA_FILE = re.compile(rb"^\s*ElementDataFile[ \t]*=[ \t]*(.*?)\s*$", re.M | re.I)
_NRRD_DATA_FILE = re.compile(rb"^data ?file:", re.M | re.I)
_NRRD_END = re.compile(rb"\r?\n\r?\n")
# Neither compressed nor written as text, so that voxels take what their type does.
_RAW = re.compile(
    rb"^encoding:[ \t]*raw|^\s*CompressedData[ \t]*=[ \t]*False", re.M | re.I
)
_REAL_NUMBER = re.compile(r"(\d+)-bit (?:un)?(?:signed integer|float)")
_LOCAL = b"LOCAL"
_HEADER_BYTES = 2**16


def matches(path: pathlib.Path) -> bool:
    """Whether the file begins with the header of a MetaImage or NRRD file."""
    if not path.is_file():
        return False
    header = _header(path)
    is_meta = _META_MAGIC.match(header) and _META_DATA_FILE.search(header)
    return bool(is_meta) or _is_nrrd(path)


def files_of(path: pathlib.Path) -> list[pathlib.Path]:
    """The file, and the one beside it that a .mhd keeps its voxels in.

    Raises:
      ValueError: the voxels lie elsewhere than in these.
    """
    header = _header(path)
    if _is_nrrd(path):
        end = _NRRD_END.search(header)
        if end is None or _NRRD_DATA_FILE.search(header, endpos=end.start() + 1):
            raise ValueError(
                f"{path}: an NRRD header whose voxels do not follow it, but lie in "
                "another file, is not read. Save the scan as one .nrrd file."
            )
        return [path]
    name = _META_DATA_FILE.search(header)[1]
    if name.upper() == _LOCAL:
        return [path]
    text = name.decode("utf-8", "replace")
    beside = path.parent / text
    # LIST and % are ITK's ways to name many files.
    is_list = text.upper() == "LIST" or re.search(r"[/\\%\s]", text)
    if is_list or not beside.is_file():
        raise ValueError(
            f"{path}: keeps its voxels in {text!r}; expected one file beside it, or "
            "LOCAL. Save the scan as one .mha file."
        )
    return [path, beside]


def read(path: pathlib.Path, choice: Choice = ONLY) -> volumes.Volume:
    """Reads a 3D scan.

    The slice axis is `volume.default_slice_axis`; the slice thickness is not known.

    Args:
      path: the file; one that `matches`.
      choice: for formats whose files hold several volumes; refused.

    Returns:
      A Volume; integers keep their dtype, floats become float32.

    Raises:
      ValueError: SimpleITK is missing, the file is damaged or shorter than its header
        says, or it is not one 3D volume of real numbers.
    """
    choice.refuse(path, "a MetaImage or NRRD file")
    files = files_of(path)
    _check_meta_header(path)
    sitk = _simpleitk(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    # By content, whatever the name ends in.
    reader.SetImageIO("NrrdImageIO" if _is_nrrd(path) else "MetaImageIO")
    try:
        reader.ReadImageInformation()
        _check(reader, sitk, path, files)
        _warn_of_unknown_orientation(reader, path)
        image = reader.Execute()
    except RuntimeError as error:
        raise ValueError(
            f"{path}: damaged or cut short ({_last_line(error)}). Copy or export the "
            "file again."
        ) from error
    affine = volumes.affine_from_itk(
        image.GetOrigin(), image.GetSpacing(), image.GetDirection()
    )
    # SimpleITK's arrays are (k, j, i).
    array = np.ascontiguousarray(sitk.GetArrayViewFromImage(image).transpose(2, 1, 0))
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # Infinity is for the caller to find.
            array = array.astype(np.float32, copy=False)
    slice_axis = volumes.default_slice_axis(image.GetSpacing())
    try:
        return volumes.Volume(array, affine, slice_axis)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _simpleitk(path):
    try:
        # An optional extra.
        import SimpleITK
    except ImportError as error:
        raise ValueError(
            f"{path}: MetaImage and NRRD files are read by SimpleITK ({error}): "
            f"{how_to_install('itk')}. Or convert the scan to NIfTI."
        ) from error
    return SimpleITK


def _header(path: pathlib.Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_HEADER_BYTES)


def _is_nrrd(path: pathlib.Path) -> bool:
    return bool(_NRRD_MAGIC.match(_header(path)))


def _header_text(path: pathlib.Path) -> bytes:
    """The lines before the voxels: up to an empty line or the name of the data file."""
    header = _header(path)
    end = _NRRD_END if _is_nrrd(path) else _META_DATA_FILE
    found = end.search(header)
    return header[: found.end()] if found else header


def _check_meta_header(path):
    if not _is_nrrd(path):
        try:
            meta_header.check(_header_text(path))
        except ValueError as error:
            raise ValueError(
                f"{path}: {error}. Expected the header of a MetaImage of one 3D "
                "volume; save it again, or convert it to NIfTI."
            ) from error


def _check(reader, sitk, path, files):
    """Refuses other than one 3D volume, and headers that promise too much."""
    shape = reader.GetSize()
    kind = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    number = _REAL_NUMBER.fullmatch(kind)
    if len(shape) != 3 or reader.GetNumberOfComponents() != 1 or number is None:
        raise ValueError(
            f"{path}: expected one 3D volume of real numbers; got {kind} of shape "
            f"{shape} with {reader.GetNumberOfComponents()} component(s). Write the "
            "volume you want to a file of its own."
        )
    promised = math.prod(shape) * int(number[1]) // 8
    stored = sum(file.stat().st_size for file in files)
    if _RAW.search(_header_text(path)) and promised > stored:
        raise ValueError(
            f"{path}: damaged or cut short ({stored} bytes, and the header promises "
            f"{promised}). Copy or export the file again."
        )
    limits.check_growth(promised, stored, f"{path}: by its header the file")


def _warn_of_unknown_orientation(reader, path):
    if _is_nrrd(path) and not reader.HasMetaDataKey("NRRD_space"):
        _LOGGER.warning(
            "%s: the header names no space, so the patient's orientation and side are "
            "unknown; taking it as left-posterior-superior.",
            path,
        )


def _last_line(error):
    return str(error).strip().splitlines()[-1].strip()
