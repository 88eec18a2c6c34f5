"""The fields of a NIfTI header that say how bytes become voxels, looked through.

A header is read as nibabel reads it. What it says against itself is told by a note, and
what has no right answer is refused, by field, value and remedy.
"""

from __future__ import annotations

import logging
import pathlib

import nibabel as nib
import numpy as np

_LOGGER = logging.getLogger(__name__)


def check(
    header: nib.Nifti1Header, path: pathlib.Path, *, is_series: bool = False
) -> None:
    """Refuses a header that is not that of one 3D volume of real numbers.

    Args:
      header: of a file.
      path: the file, for messages.
      is_series: whether it may be that of several volumes, along a fourth axis.

    Raises:
      ValueError: the message names the field, its value and what to do.
    """
    dims = [int(n) for n in header["dim"]]
    if not 1 <= dims[0] <= 7:
        raise ValueError(
            f"{path}: damaged or no NIfTI file: dim[0], the number of axes, is "
            f"{dims[0]}; expected 3. Copy or export the file again."
        )
    shape = tuple(dims[1 : dims[0] + 1])
    of_volumes = shape[4:] if is_series else shape[3:]
    if len(shape) < 3 or min(shape) < 1 or any(n != 1 for n in of_volumes):
        raise ValueError(
            f"{path}: expected one 3D volume; got shape {shape}. Write the volume "
            "you want to a file of its own."
        )
    _check_offset(header, path)
    _note_sizes(header, _dtype(header, path), path)


def _note_sizes(header: nib.Nifti1Header, dtype: np.dtype, path: pathlib.Path) -> None:
    """Tells of lengths that contradict what the header is, and the type of voxels."""
    if int(header["bitpix"]) != dtype.itemsize * 8:
        _LOGGER.warning(
            "%s: bitpix is %d, and voxels of datatype %d (%s) have %d bits; the "
            "datatype is taken.",
            path,
            header["bitpix"],
            header["datatype"],
            dtype.newbyteorder("="),
            dtype.itemsize * 8,
        )
    if int(header["sizeof_hdr"]) != header.sizeof_hdr:
        _LOGGER.warning(
            "%s: sizeof_hdr is %d; expected %d, and the header is read as such.",
            path,
            header["sizeof_hdr"],
            header.sizeof_hdr,
        )


def slope_and_intercept(
    header: nib.Nifti1Header, path: pathlib.Path
) -> tuple[float, float] | None:
    """The scale factor and what is added to scaled voxels, None where nothing is to do.

    nifti1.h: a scl_slope of 0 means unscaled. So does one that is not finite; beside a
    valid one, a scl_inter that is not finite counts as 0 (as in ITK, with a note).
    """
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not np.isfinite(slope):
        return None
    if not np.isfinite(intercept):
        _LOGGER.warning("%s: scl_inter is %s; taking 0.", path, intercept)
        intercept = 0.0
    return None if (slope, intercept) == (1.0, 0.0) else (slope, intercept)


def voxels(
    header: nib.Nifti1Header, content: bytearray, path: pathlib.Path
) -> np.ndarray:
    """The voxels, in scan units.

    Args:
      header: one that `check` let pass.
      content: the unpacked file, up to its last voxel.
      path: for notes.

    Returns:
      (i, j, k, volumes); integers in native byte order, floats and scaled values as
      float32.
    """
    shape, offset = header.get_data_shape()[:3], int(header.get_data_offset())
    array = np.frombuffer(content, header.get_data_dtype(), offset=offset)
    array = array.reshape((*shape, -1), order="F")
    with np.errstate(over="ignore", invalid="ignore"):  # For the caller to find.
        if scaling := slope_and_intercept(header, path):
            array = array.astype(np.float64) * scaling[0] + scaling[1]
        is_float = array.dtype.kind == "f"
        dtype = np.float32 if is_float else array.dtype.newbyteorder("=")
        # Voxels may begin at an odd byte.
        return np.require(array, dtype, ["ALIGNED", "WRITEABLE"])


def _check_offset(header: nib.Nifti1Header, path: pathlib.Path) -> None:
    offset = float(header["vox_offset"])
    # The header of a single file and the four bytes that tell of extensions.
    least = header.single_vox_offset if header.is_single else 0
    if not np.isfinite(offset) or not least <= offset < 2**62:
        raise ValueError(
            f"{path}: vox_offset puts the voxels at byte {offset:g}, inside the header "
            f"or nowhere; expected {least} or more. Export the scan again."
        )


def _dtype(header: nib.Nifti1Header, path: pathlib.Path) -> np.dtype:
    try:
        dtype = header.get_data_dtype()
    except KeyError:
        dtype = np.dtype("V0")
    # nibabel's own float128 has other bits than NIfTI's.
    if dtype.kind in "iuf" and dtype.itemsize <= 8:
        return dtype
    code = int(header["datatype"])
    names = {1: "bits", 32: "complex", 128: "colour", 1536: "float128"}
    names |= {1792: "complex", 2048: "complex", 2304: "colour"}
    raise ValueError(
        f"{path}: datatype is {code} ({names.get(code, 'unknown to NIfTI')}); expected "
        "integers or real numbers of up to 64 bits. Write the magnitude, or one "
        "channel, to a file of its own; if the file should hold such, it is damaged."
    )
