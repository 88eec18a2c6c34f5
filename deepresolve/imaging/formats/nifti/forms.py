"""Where a NIfTI header says that its voxels lie, and what it says against itself.

A header has two places for an affine, the qform (a rotation and voxel sizes) and the
sform (any affine), each with a code that tells whose millimetres they are. The form
gone by is nibabel's choice, the sform where its code is not 0, else the qform, else
voxel sizes alone: with one exception. A sform in a standard space (Talairach, MNI,
template) may stretch the scan, so that no length in it is the patient's: beside it a
qform in the patient's space is gone by, as in ITK.
"""

from __future__ import annotations

import dataclasses
import logging
import pathlib
from collections.abc import Mapping

import nibabel as nib
import numpy as np

from deepresolve.imaging import spaces
from deepresolve.imaging.formats import grid
from deepresolve.system.wording import millimetres

# An affine and whose millimetres it is to.
_Form = tuple[np.ndarray, str]

_LOGGER = logging.getLogger(__name__)
_MM_PER_UNIT = {0: 1.0, 1: 1e3, 2: 1.0, 3: 1e-3}
# Forms closer than this share of the smallest voxel side, and sizes than this share of
# each other, say the same: programs round what they write.
_PLACE_TOLERANCE = 0.1
# Closer than this share of a voxel, they are one.
_SAME_PLACE = 1e-3
_SIZE_TOLERANCE = 0.01
# No scanner is a thousand kilometres wide.
_FARTHEST_MM = 1e9
# Beyond 1 by more, a part of a quaternion was not rounded: it is something else.
_QUATERNION_TOLERANCE = 1e-3
# Pixels of an MRI scan of a person have some tenths of a millimetre.
_USUAL_MM = (0.01, 100.0)


@dataclasses.dataclass(frozen=True, eq=False)
class Placement:
    """How a header's voxels lie.

    Attributes:
      affine: (4, 4) float64 of the form gone by, voxel indices to RAS+ mm.
      space: whose millimetres these are; one of `spaces.SPACES`.
      other: the form not gone by; None where there is none, or it says the same.
    """

    affine: np.ndarray
    space: str
    other: spaces.OtherForm | None


@np.errstate(all="ignore")  # What comes of odd numbers is judged, not warned of.
def placement(header: nib.Nifti1Header, path: pathlib.Path) -> Placement:
    """Chooses between the forms, and notes what contradicts the one taken.

    Raises:
      ValueError: the form gone by cannot be inverted or has no voxel sizes.
    """
    to_mm = _mm_per_unit(header, path)
    forms = _forms(header, path, to_mm)
    if not forms:
        return Placement(_unplaced(header, path, to_mm), "unknown", None)
    used = _chosen(forms)
    affine, space = forms.pop(used)
    _note_lengths(affine, space, header, path)
    other = None
    if forms:
        ((name, (other_affine, other_space)),) = forms.items()
        is_sform = name == "sform"
        unused = spaces.OtherForm(other_space, other_affine, is_sform=is_sform)
        other = _compared(affine, space, unused, header, path)
    elif used == "sform":
        _note_sizes(affine, header, path, to_mm)
    return Placement(affine, space, other)


def _chosen(forms: Mapping[str, _Form]) -> str:
    if len(forms) == 2:
        sform_space, qform_space = forms["sform"][1], forms["qform"][1]
        is_standard = sform_space not in spaces.PATIENT_SPACES
        if is_standard and qform_space in spaces.PATIENT_SPACES:
            return "qform"
    return "sform" if "sform" in forms else "qform"


def _forms(
    header: nib.Nifti1Header, path: pathlib.Path, to_mm: float
) -> dict[str, _Form]:
    """The forms that are set and sound: (affine, space) by name.

    Raises:
      ValueError: forms are set, and none is sound.
    """
    forms, void = {}, {}
    for name in ("sform", "qform"):
        if space := _space(header, f"{name}_code", path):
            try:
                own = header.get_sform() if name == "sform" else _qform(header, path)
                affine = _in_mm(own, to_mm)
                _check_invertible(affine, name)
                forms[name] = (affine, space)
            except _VoidFormError as error:
                void[name] = error
    for name, reason in void.items():
        if not forms:
            raise ValueError(f"{path}: {reason}") from reason
        _LOGGER.warning("%s: the %s is left out: %s", path, name, reason)
    return forms


class _VoidFormError(ValueError):
    """A form whose fields make no affine."""


def _space(header: nib.Nifti1Header, field: str, path: pathlib.Path) -> str | None:
    code = int(header[field])
    if 0 < code < len(spaces.SPACES):
        return spaces.SPACES[code]
    if code:
        _LOGGER.warning(
            "%s: %s is %d, which NIfTI does not have (0 to 5); taken as not set.",
            path,
            field,
            code,
        )
    return None


def _in_mm(affine: np.ndarray, to_mm: float) -> np.ndarray:
    affine = np.array(affine, dtype=np.float64)
    affine[:3] *= to_mm
    return affine


def _sizes(header: nib.Nifti1Header, path: pathlib.Path) -> np.ndarray:
    """Sizes of a voxel along the three axes, above 0."""
    sizes = np.array(header["pixdim"][1:4], dtype=np.float64)
    if not np.all(np.isfinite(sizes) & (sizes != 0)):
        raise _VoidFormError(
            f"the voxel sizes (pixdim) are {sizes.tolist()} mm; each size must be "
            "above 0. Correct them, or set the sform."
        )
    if np.any(sizes < 0):
        _LOGGER.warning(
            "%s: the voxel sizes (pixdim) are %s mm; their signs are left out.",
            path,
            sizes.tolist(),
        )
    return np.abs(sizes)


def _qform(header: nib.Nifti1Header, path: pathlib.Path) -> np.ndarray:
    """As nibabel has it, of fields that are put right first where that can be done."""
    header = header.copy()
    header["pixdim"][1:4] = _sizes(header, path)
    qfac = float(header["pixdim"][0])
    if qfac not in (-1.0, 0.0, 1.0):
        _LOGGER.warning(
            "%s: qfac (pixdim[0]) is %s; expected 1 or -1, and 1 is taken.", path, qfac
        )
    header["pixdim"][0] = -1 if qfac == -1 else 1
    for name, value in zip("bcd", _quaternion(header, path), strict=True):
        header[f"quatern_{name}"] = value
    return header.get_qform()


def _quaternion(header: nib.Nifti1Header, path: pathlib.Path) -> np.ndarray:
    """(b, c, d), the sum of whose squares is 1 at most but for rounding."""
    bcd = np.array([float(header[f"quatern_{name}"]) for name in "bcd"])
    if not np.all(np.abs(bcd) <= 1 + _QUATERNION_TOLERANCE):  # NaN is not, either.
        raise _VoidFormError(
            f"the quaternion (b, c, d) is {bcd.tolist()}; expected numbers of -1 to 1. "
            "Correct the header's quatern_b, c, d or its sform."
        )
    squares = float(bcd @ bcd)
    if squares <= 1 + abs(float(header.quaternion_threshold)):
        return bcd
    _LOGGER.warning(
        "%s: the quaternion (b, c, d) is %s, the sum of whose squares is %.7g; "
        "expected 1 at most. It is scaled down to 1, as in ITK.",
        path,
        bcd.tolist(),
        squares,
    )
    return bcd / np.sqrt(squares)


def _unplaced(header: nib.Nifti1Header, path: pathlib.Path, to_mm: float) -> np.ndarray:
    """As nibabel has it: voxel sizes alone, x to the left, the centre at 0."""
    try:
        sizes = _sizes(header, path) * (-1, 1, 1)
        first = -sizes * (np.array(header.get_data_shape()[:3]) - 1) / 2
        affine = _in_mm(nib.affines.from_matvec(np.diag(sizes), first), to_mm)
        _check_invertible(affine, "affine")
    except _VoidFormError as error:
        raise ValueError(f"{path}: {error}") from error
    _LOGGER.warning(
        "%s: neither sform nor qform is set, so the patient's orientation and side "
        "are unknown; taking the axes as right to left, posterior to anterior, "
        "inferior to superior.",
        path,
    )
    return affine


def _mm_per_unit(header: nib.Nifti1Header, path: pathlib.Path) -> float:
    code = int(header["xyzt_units"]) & 0x07  # nifti1.h: the lower three bits.
    if code not in _MM_PER_UNIT:
        _LOGGER.warning(
            "%s: the unit of length in xyzt_units is %d, which NIfTI does not have; "
            "taking millimetres.",
            path,
            code,
        )
    return _MM_PER_UNIT.get(code, 1.0)


def _check_invertible(affine: np.ndarray, name: str) -> None:
    # NaN fails the comparison, too.
    is_sound = np.all(np.abs(affine) < _FARTHEST_MM)
    if not is_sound or abs(np.linalg.det(affine)) < 1e-12:
        fields = {"sform": "srow_x, y and z", "qform": "pixdim and qoffset"}
        raise _VoidFormError(
            f"the header's {name} cannot be inverted: {affine[:3].tolist()}. Correct "
            f"{fields.get(name, 'pixdim')}, or set the code of another form."
        )


def _compared(
    affine: np.ndarray,
    space: str,
    other: spaces.OtherForm,
    header: nib.Nifti1Header,
    path: pathlib.Path,
) -> spaces.OtherForm | None:
    """The other form, None where it is the same; a note where one must be wrong."""
    shape = header.get_data_shape()[:3]
    apart_mm = grid.corner_distance_mm(shape, affine, other.affine)
    apart_voxels = apart_mm / min(nib.affines.voxel_sizes(affine))
    is_same_space = space == other.space
    if is_same_space and apart_voxels <= _SAME_PLACE:
        return None
    are_alike = {space, other.space} <= set(spaces.PATIENT_SPACES)
    if apart_voxels > _PLACE_TOLERANCE or not (are_alike or is_same_space):
        _note_disagreement(affine, space, other, apart_mm, path)
    return other


def _note_disagreement(
    affine: np.ndarray,
    space: str,
    other: spaces.OtherForm,
    apart_mm: float,
    path: pathlib.Path,
) -> None:
    """Tells of two forms that cannot both be true."""
    taken, left = ("qform", "sform") if other.is_sform else ("sform", "qform")
    _LOGGER.warning(
        "%s: sform and qform differ: %s, %s, and they put a corner %.3g mm apart. "
        "Taken is the %s; both are kept.",
        path,
        _described(taken, space, affine),
        _described(left, other.space, other.affine),
        apart_mm,
        taken,
    )


def _described(which: str, space: str, affine: np.ndarray) -> str:
    code = spaces.SPACES.index(space)
    sizes = millimetres(nib.affines.voxel_sizes(affine))
    return f"the {which} (code {code}, {space}) has voxels of {sizes}"


def _note_sizes(
    affine: np.ndarray, header: nib.Nifti1Header, path: pathlib.Path, to_mm: float
) -> None:
    told = np.array(header["pixdim"][1:4], dtype=np.float64) * to_mm
    found = nib.affines.voxel_sizes(affine)
    if not np.allclose(told, found, rtol=_SIZE_TOLERANCE, atol=0):
        _LOGGER.warning(
            "%s: the voxel sizes (pixdim) are %s, and those of the sform %s, which are "
            "taken.",
            path,
            millimetres(told),
            millimetres(found),
        )


def _note_lengths(
    affine: np.ndarray, space: str, header: nib.Nifti1Header, path: pathlib.Path
) -> None:
    """Tells of lengths in mm that may not be the patient's."""
    sizes = nib.affines.voxel_sizes(affine)
    if min(sizes) < _USUAL_MM[0] or max(sizes) > _USUAL_MM[1]:
        _LOGGER.warning(
            "%s: voxels of %s are none of a scan of a patient. The unit of length "
            "in xyzt_units is %d (1 metre, 2 mm, 3 micrometre): correct it, or the "
            "affine.",
            path,
            millimetres(sizes),
            int(header["xyzt_units"]) & 0x07,
        )
    if space not in spaces.PATIENT_SPACES:
        _LOGGER.warning(
            "%s: the header places the scan in a standard space alone (code %d, %s): "
            "lengths in mm may be those of its template, and not the patient's.",
            path,
            spaces.SPACES.index(space),
            space,
        )
