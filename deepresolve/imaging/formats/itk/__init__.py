"""MetaImage (.mha, .mhd) and NRRD (.nrrd, .nhdr) in, by SimpleITK, an optional extra.

The header is read by itself first, for what it promises must fit what the file holds
before any voxel is read.
"""

from __future__ import annotations

import math
import pathlib
import re
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from deepresolve.imaging import volume as volumes
from deepresolve.imaging.folders import kinds
from deepresolve.imaging.format_table import Format
from deepresolve.imaging.formats import limits
from deepresolve.imaging.formats.itk import header
from deepresolve.imaging.formats.itk.signature import SIGNATURE
from deepresolve.system.extras import how_to_install

files_of = header.files_of

_REAL_NUMBER = re.compile(r"(\d+)-bit (?:un)?(?:signed integer|float)")
_LONGEST_REASON = 200
# Of unit vectors: less, and two axes are one.
_LEAST_DETERMINANT = 1e-6


def matches(path: pathlib.Path) -> bool:
    """Whether the file begins with the header of a MetaImage or NRRD file."""
    return kinds.is_of(path, SIGNATURE)


def read(path: pathlib.Path) -> volumes.Volume:
    """Reads a 3D scan.

    The slice axis is `volume.default_slice_axis`; the slice thickness is not known.

    Args:
      path: the file; one that `matches`.

    Returns:
      A Volume; integers keep their dtype, floats become float32.

    Raises:
      ValueError: SimpleITK is missing, the file is damaged or shorter than its header
        says, or it is not one 3D volume of real numbers.
    """
    files = files_of(path)
    header.check(path)
    sitk = _simpleitk(path)
    image = _image(sitk, path, files)
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


def _image(sitk: ModuleType, path: pathlib.Path, files: Sequence[pathlib.Path]) -> Any:
    """What SimpleITK reads."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    # By content, whatever the name ends in.
    is_nrrd = header.is_nrrd(path)
    reader.SetImageIO("NrrdImageIO" if is_nrrd else "MetaImageIO")
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise ValueError(
            f"{path}: the header is none that ITK reads ({_reason(error)}). Correct "
            "it, or save the scan again."
        ) from error
    _check(reader, sitk, path, files)
    header.check_places(path)
    try:
        return reader.Execute()
    except RuntimeError as error:
        raise ValueError(
            f"{path}: damaged or cut short ({_reason(error)}). Copy or export the file "
            "again."
        ) from error


def _simpleitk(path: pathlib.Path) -> ModuleType:
    try:
        # An optional extra.
        import SimpleITK
    except ImportError as error:
        raise ValueError(
            f"{path}: MetaImage and NRRD files are read by SimpleITK ({error}): "
            f"{how_to_install('itk')}. Or convert the scan to NIfTI."
        ) from error
    return SimpleITK


def _check(
    reader: Any, sitk: ModuleType, path: pathlib.Path, files: Sequence[pathlib.Path]
) -> None:
    """Refuses other than one 3D volume, and headers that promise too much."""
    shape = reader.GetSize()
    kind = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    number = _REAL_NUMBER.fullmatch(kind)
    if len(shape) != 3 or reader.GetNumberOfComponents() != 1 or number is None:
        raise ValueError(
            f"{path}: expected one 3D volume of real numbers; got {kind} of shape "
            f"{shape} with {reader.GetNumberOfComponents()} component(s). Write the "
            "volume you want to a file of its own; of segments that lie in layers, "
            "export a label map."
        )
    # ITK would say so only after it has read all voxels.
    sizes, direction = reader.GetSpacing(), np.reshape(reader.GetDirection(), (3, 3))
    is_sound = np.all(np.isfinite(sizes)) and min(sizes) > 0
    if not is_sound or not abs(np.linalg.det(direction)) > _LEAST_DETERMINANT:
        raise ValueError(
            f"{path}: the header gives voxels of {sizes} mm along {direction.tolist()} "
            "(columns); expected lengths above 0 along three axes that differ. Correct "
            "its spacing or directions, or save the scan again."
        )
    promised = math.prod(shape) * int(number[1]) // 8
    stored = sum(file.stat().st_size for file in files)
    limits.check_growth(promised, stored, f"{path}: by its header the file")
    header.check_length(path, files[-1], promised)


def _reason(error: Exception) -> str:
    """What ITK says: its last lines, the most exact ones, without places in memory."""
    text = re.sub(r"\w+\(0x\w+\): *", "", str(error).split("ERROR:")[-1])
    reason = ""
    for line in reversed(text.splitlines()):
        longer = f"{line.strip()} {reason}".strip()
        if reason and len(longer) > _LONGEST_REASON:
            break
        reason = longer
    return reason


FORMAT = Format(
    titles=("MetaImage", "NRRD"),
    signature=SIGNATURE,
    expected=".mha, .mhd or .nrrd",
    shown_endings=(".mha", ".mhd", ".nrrd"),
    read=read,
    files_of=files_of,
)
