"""NIfTI-1 and NIfTI-2 in, NIfTI-1 out: one file, plain or compressed (.nii, .nii.gz).

nibabel parses and composes the header; what stands here is which of its facts make a
`Volume`, and the care that a half-read or half-written file never passes for a scan.
"""

from __future__ import annotations

import gzip
import logging
import math
import pathlib
import zlib

import nibabel as nib
import numpy as np
from nibabel import spatialimages

from deepresolve import files
from deepresolve.imaging import volume as volumes
from deepresolve.imaging.formats import grid, limits
from deepresolve.imaging.formats.choice import ONLY, Choice

SUFFIXES = (".nii", ".nii.gz")

_LOGGER = logging.getLogger(__name__)
_MM_PER_UNIT = {"unknown": 1.0, "mm": 1.0, "meter": 1e3, "micron": 1e-3}
_CHUNK_BYTES = 2**24
# Header and extension flag of a single NIfTI-1 file, bytes.
_SINGLE_FILE_OFFSET = 352
_GZIP_MAGIC = b"\x1f\x8b"
# nibabel's default too; level 6 takes three times as long and saves nothing on a
# knee's noise.
_GZIP_LEVEL = 1
# A qform within this fraction of a voxel of the affine says the same as the sform.
_QFORM_TOLERANCE = 1e-3
_DAMAGED = (
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    spatialimages.HeaderDataError,
    spatialimages.HeaderTypeError,
)


def matches(path: pathlib.Path) -> bool:
    """Whether the file begins with the header of a one-file NIfTI-1 or NIfTI-2."""
    return path.is_file() and _header_class(path) is not None


def read(path: pathlib.Path, choice: Choice = ONLY) -> volumes.Volume:
    """Reads a 3D scan, or a 4D one that holds one volume.

    The affine is the sform where it is set, else the qform, else that of the voxel
    sizes alone (the patient's orientation is then unknown and a warning says so).
    The slice axis is the header's (dim_info), else `volume.default_slice_axis`. The
    header has no place for the slice thickness: it is None.

    Args:
      path: the file; one that `matches`.
      choice: for formats whose files hold several volumes; refused.

    Returns:
      A Volume; integers keep their dtype in native byte order, floats and values with
      scale factors become float32.

    Raises:
      ValueError: the file is damaged or shorter than its header says, is not one 3D
        volume of real numbers, or its header gives no valid affine.
    """
    choice.refuse(path, "a NIfTI file")
    try:
        with _open(path) as stream:
            header = _header_class(path).from_fileobj(stream, check=False)
            _check_header(header, path)
            _check_growth(header, path)
            array = _voxels(header, _content(header, stream))
        affine = _affine(header, path)
        slice_axis = header.get_dim_info()[2]
        if slice_axis is None:
            slice_axis = volumes.default_slice_axis(nib.affines.voxel_sizes(affine))
        return volumes.Volume(array, affine, slice_axis)
    except (*_DAMAGED, KeyError) as error:
        raise ValueError(
            f"{path}: damaged or cut short ({error}). Copy or export the file again."
        ) from error


def write(path: pathlib.Path, volume: volumes.Volume) -> None:
    """Writes a NIfTI-1 file, in one step: either the whole file or none.

    A canonical volume is restored first. Integers keep their dtype; bool becomes
    uint8, any float becomes float32. The affine is stored as the sform and as the
    qform (both code 1: scanner), the slice axis in dim_info; the slice thickness has no
    place in the header. A qform cannot hold shear: a volume whose slices step sideways
    gets the sform alone, which nibabel reads and ITK refuses.

    Args:
      path: ends in .nii or .nii.gz; an existing file is replaced.
      volume: what to write.

    Raises:
      ValueError: another suffix, or a dtype that NIfTI has no place for.
      OSError: the disk is full or the folder missing; nothing is left behind.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise ValueError(f"{path}: the name of a NIfTI file ends in .nii or .nii.gz.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}; make it.")
    image = _image(volume.restore(), path)
    compressed = path.name.lower().endswith(".gz")
    with files.replacing(path) as temporary, temporary.open("xb") as stream:
        if compressed:
            # No name and no time in the header: same volume, same bytes.
            with gzip.GzipFile("", "wb", _GZIP_LEVEL, stream, mtime=0) as packed:
                image.to_stream(packed)
        else:
            image.to_stream(stream)


def _is_compressed(path):
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP_MAGIC


def _open(path):
    return gzip.open(path, "rb") if _is_compressed(path) else path.open("rb")


def _header_class(path):
    """The nibabel header class for the file, None where it is no NIfTI."""
    try:
        with _open(path) as stream:
            start = stream.read(nib.Nifti2Header.sizeof_hdr)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return None
    if start[344:348] == nib.Nifti1Header.single_magic + b"\0":
        return nib.Nifti1Header
    if start[4:12] == nib.Nifti2Header.single_magic + b"\0\r\n\x1a\n":
        return nib.Nifti2Header
    return None


def _affine(header, path):
    if header["sform_code"] <= 0 and header["qform_code"] <= 0:
        _LOGGER.warning(
            "%s: neither sform nor qform is set, so the patient's orientation and side "
            "are unknown; taking the axes as right to left, posterior to anterior, "
            "inferior to superior.",
            path,
        )
    affine = header.get_best_affine()
    affine[:3] *= _MM_PER_UNIT[header.get_xyzt_units()[0]]
    if not np.all(np.isfinite(affine)) or abs(np.linalg.det(affine)) < 1e-12:
        raise ValueError(
            f"{path}: the header's affine cannot be inverted: {affine.tolist()}. "
            "Correct the sform or qform."
        )
    return affine


def _check_header(header, path):
    pixdim = np.asarray(header["pixdim"][1:4], dtype=np.float64)
    if header["sform_code"] <= 0 and not np.all(np.isfinite(pixdim) & (pixdim > 0)):
        raise ValueError(
            f"{path}: the voxel sizes are {pixdim.tolist()} mm and no sform is set; "
            "each size must be above 0. Correct the header's pixdim or sform."
        )
    if not np.isfinite(header["vox_offset"]):
        raise ValueError(
            f"{path}: the header puts the voxels at byte {header['vox_offset']}. Copy "
            "or export the file again."
        )
    # The "n+1" of a single file: its voxels cannot begin within its header.
    single_file = bytes(header["magic"]).rstrip(b"\0") == b"n+1"
    if single_file and header["vox_offset"] < _SINGLE_FILE_OFFSET:
        raise ValueError(
            f"{path}: the header puts the voxels at byte {header['vox_offset']:g}, "
            f"inside itself; expected {_SINGLE_FILE_OFFSET} or more. Export it again."
        )
    # After the above: nibabel would put 1 mm in the place of 0.
    header.check_fix(error_level=40)
    shape, dtype = header.get_data_shape(), header.get_data_dtype()
    if len(shape) < 3 or min(shape) < 1 or any(n != 1 for n in shape[3:]):
        raise ValueError(
            f"{path}: expected one 3D volume; got shape {shape}. Write the volume "
            "you want to a file of its own."
        )
    if dtype.kind not in "iuf":
        raise ValueError(
            f"{path}: expected integers or real numbers; got {dtype} (complex or "
            "colour). Write the magnitude to a file of its own."
        )


def _num_bytes(header):
    """Of the file when unpacked, up to its last voxel, by its header."""
    voxels = math.prod(int(n) for n in header.get_data_shape())
    return int(header.get_data_offset()) + voxels * header.get_data_dtype().itemsize


def _check_growth(header, path):
    """Refuses a compressed file that would inflate beyond bounds."""
    promised = _num_bytes(header)
    if _is_compressed(path):
        limits.check_growth(
            promised,
            path.stat().st_size,
            f"{path}: the header promises {promised} bytes, and the file",
        )


def _content(header, stream):
    """The file up to its last voxel, as bytes; EOFError where it is shorter.

    It grows with what the file holds, so that a header that promises too much takes no
    memory. A compressed file is read to its very end, for its checksum to be compared.
    """
    expected = _num_bytes(header)
    stream.seek(0)
    content = bytearray()
    while chunk := stream.read(_CHUNK_BYTES):
        content += chunk[: max(0, expected - len(content))]
    if len(content) < expected:
        raise EOFError(f"{len(content)} bytes, and the header promises {expected}")
    return content


def _voxels(header, content):
    shape, offset = header.get_data_shape()[:3], int(header.get_data_offset())
    array = np.frombuffer(content, header.get_data_dtype(), offset=offset)
    array = array.reshape(shape, order="F")
    slope, intercept = header.get_slope_inter()
    if (slope, intercept) not in ((None, None), (1.0, 0.0)):
        array = array.astype(np.float64) * slope + intercept
    is_float = array.dtype.kind == "f"
    dtype = np.float32 if is_float else array.dtype.newbyteorder("=")
    with np.errstate(over="ignore"):  # Infinity is for the caller to find.
        # Voxels may begin at an odd byte.
        return np.require(array, dtype, ["ALIGNED", "WRITEABLE"])


def _image(volume, path):
    array = volume.array
    if array.dtype.kind == "f":
        array = array.astype(np.float32, copy=False)
    elif array.dtype.kind == "b":
        array = array.astype(np.uint8)
    elif array.dtype.kind not in "iu":
        raise ValueError(f"{path}: NIfTI has no place for voxels of {array.dtype}.")
    image = nib.Nifti1Image(array, volume.affine, dtype=array.dtype)
    image.header.set_xyzt_units("mm")
    image.header.set_dim_info(slice=volume.slice_axis)
    image.set_sform(volume.affine, code="scanner")
    image.set_qform(volume.affine, code="scanner")
    apart = grid.corner_distance_mm(array.shape, image.get_qform(), volume.affine)
    if apart > _QFORM_TOLERANCE * min(volume.spacing_mm):
        image.set_qform(None)
    return image
