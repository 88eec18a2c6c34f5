"""Label maps, laid on the images that they belong to.

Both say where they lie in the patient, and by that they are compared. Programs write a
label map in another order of axes than its image, cut down to what is labelled (3D
Slicer), or under an affine that was rounded on the way: as long as each of its voxels
falls on one of the image's, nothing is lost, and a note tells what was done.
"""

from __future__ import annotations

import itertools
import logging
import pathlib

import nibabel as nib
import numpy as np
from nibabel import orientations

from deepresolve.imaging import volume as volumes
from deepresolve.imaging.formats import grid
from deepresolve.system import wording

_LOGGER = logging.getLogger(__name__)
# A label may lie this share of a voxel off its image's along each axis. At the worst
# corner then a tenth of a voxel's content belongs to its neighbour, a third of what
# drawing the border along voxels takes by itself (evenly spread within half a voxel, a
# standard deviation of 0.29). What programs round is far below: an angle of 1e-4 is
# 0.02 voxels at the corner of a knee. A wrong affine is far above.
_MOST_OFF_VOXELS = 0.1
# Less is nothing: affines are stored with 7 digits.
_NOTED_OFF_VOXELS = 0.01
# Of a scaled map of up to 51 labels in 8 bits: half a step is 51 / 255 / 2.
_SCALED_OFF = 0.1
# Less than that is the rounding of floats, and no share of a tissue.
_ROUNDED_OFF = 1e-4
_MOST_LABEL = 255


def on_image(
    label: volumes.Volume,
    image: volumes.Volume,
    path: pathlib.Path,
    ignore_affine: bool = False,
) -> volumes.Volume:
    """Lays a label map on its image.

    Args:
      label: the map, as its file has it.
      image: the scan; a canonical one stands for the scan that it was made of.
      path: the map's file, for messages.
      ignore_affine: lay voxel on voxel, whatever the map's affine says.

    Returns:
      A Volume of uint8 on the image's own grid: its affine, slice axis, thickness.

    Raises:
      ValueError: values other than whole numbers 0 to 255, or voxels that fall on none
        of the image's; the message shows both affines.
    """
    image = image.restore()
    array = _as_labels(label.array, path)
    if ignore_affine:
        _check_same_shape(label, image, path)
        return image.with_array(array)
    placed = _twin(label, image, path)
    if placed is None:
        placed = grid.placement(label.shape, label.affine, image.shape, image.affine)
        _check(placed, label, image, path)
        _note(placed, label, image, path)
    result = placed.place(array)
    lost = np.count_nonzero(array) - np.count_nonzero(result)
    if lost:
        raise ValueError(
            f"{path}: {lost} labelled voxels lie outside the image; the label map has "
            f"shape {placed.shape} and covers the image's voxels {_text(placed)}.\n"
            f"{_affines(label, image)}\nCut it to the image, or find the image that it "
            "belongs to."
        )
    return image.with_array(result)


def _check_same_shape(
    label: volumes.Volume, image: volumes.Volume, path: pathlib.Path
) -> None:
    if label.shape != image.shape:
        raise ValueError(
            f"{path}: the label map has shape {label.shape}, its image {image.shape}. "
            "Voxels can be laid on one another where shapes agree; resample the label "
            "map onto the image's grid."
        )


def _twin(
    label: volumes.Volume, image: volumes.Volume, path: pathlib.Path
) -> grid.Placement | None:
    """The placement of a map that lies on its image as it is, by any of their forms.

    Programs write the one form of a scan's header and leave the other out.
    """
    for affine, onto in itertools.product(_forms(label), _forms(image)):
        placed = grid.placement(label.shape, affine, image.shape, onto)
        fits = placed.off_voxels <= _MOST_OFF_VOXELS
        if fits and not placed.is_turned and not placed.is_moved:
            if placed.off_voxels > _NOTED_OFF_VOXELS:
                _note_off(placed, path)
            return placed
    return None


def _forms(volume: volumes.Volume) -> list[np.ndarray]:
    """Its affines: the one gone by, and the other one of its header."""
    other = volume.other_form
    return [volume.affine] if other is None else [volume.affine, other.affine]


def _check(
    placed: grid.Placement,
    label: volumes.Volume,
    image: volumes.Volume,
    path: pathlib.Path,
) -> None:
    """ValueError where voxels fall beside the image's, or nobody knows where."""
    is_near = placed.off_voxels <= _MOST_OFF_VOXELS
    is_same_shape = placed.shape == image.shape
    if "unknown" in (label.space, image.space):
        reason = (
            "the header of the label map or of its image does not say how its voxels "
            "lie in the patient, and their affines or shapes differ"
        )
    elif not is_near and not _have_same_sizes(label, image):
        reason = (
            f"the label map has voxels of {wording.millimetres(label.spacing_mm)}, its "
            f"image of {wording.millimetres(image.spacing_mm)}"
        )
    # Cut and filled up to its image's shape again, or with a wrong affine: who knows.
    elif not is_near or (is_same_shape and placed.is_moved):
        reason = (
            f"the label map of shape {label.shape} lies "
            f"{_apart_mm(placed, label, image):.3g} mm off its image of shape "
            f"{image.shape}"
        )
    else:
        return
    overrule = (
        "; or, where its affine is known to be wrong and its voxels are the image's "
        "one by one, add --ignore_label_affines"
    )
    raise ValueError(
        f"{path}: {reason}.\n{_affines(label, image)}\nResample the label map onto the "
        f"image's grid{overrule if label.shape == image.shape else ''}."
    )


def _have_same_sizes(label: volumes.Volume, image: volumes.Volume) -> bool:
    return np.allclose(sorted(label.spacing_mm), sorted(image.spacing_mm), rtol=0.01)


def _apart_mm(
    placed: grid.Placement, label: volumes.Volume, image: volumes.Volume
) -> float:
    """By how much a label map of the image's shape is moved; else by which fraction."""
    turned = label.affine @ orientations.inv_ornt_aff(placed.turn, label.shape)
    target = image.affine
    if placed.shape != image.shape and not placed.is_apart:
        target = target @ nib.affines.from_matvec(np.eye(3), placed.starts)
    return grid.corner_distance_mm(placed.shape, turned, target)


def _note(
    placed: grid.Placement,
    label: volumes.Volume,
    image: volumes.Volume,
    path: pathlib.Path,
) -> None:
    if placed.is_turned:
        _LOGGER.warning(
            "%s: stored along other axes (%s) than its image (%s): turned onto them, "
            "without loss.",
            path,
            label.orientation,
            image.orientation,
        )
    if placed.is_moved:
        _LOGGER.warning(
            "%s: has shape %s, its image %s: laid where it lies in the patient, on "
            "the image's voxels %s; the rest is background.",
            path,
            placed.shape,
            image.shape,
            _text(placed),
        )
    if placed.off_voxels > _NOTED_OFF_VOXELS:
        _note_off(placed, path)


def _note_off(placed: grid.Placement, path: pathlib.Path) -> None:
    _LOGGER.warning(
        "%s: lies up to %.2g voxels off its image; up to %g are taken for rounding.",
        path,
        placed.off_voxels,
        _MOST_OFF_VOXELS,
    )


def _text(placed: grid.Placement) -> str:
    return ", ".join(f"{part.start} to {part.stop - 1}" for part in placed.common)


def _affines(label: volumes.Volume, image: volumes.Volume) -> str:
    return (
        f"  Affine of the label map: {label.affine.tolist()}\n"
        f"  Affine of the image: {image.affine.tolist()}"
    )


def _as_labels(array: np.ndarray, path: pathlib.Path) -> np.ndarray:
    """uint8; scaled whole numbers, such as 1.99997, become whole again with a note."""
    whole = array if array.dtype.kind in "iu" else np.rint(array)
    # NaN fails every comparison, so it is among the wrong ones.
    wrong = ~((whole >= 0) & (whole <= _MOST_LABEL) & (whole == array))
    if not wrong.any():
        return array.astype(np.uint8)
    values = np.unique(array[wrong])
    is_finite = np.all(np.isfinite(values))
    if is_finite and np.array_equal(np.rint(values), values):
        got = wording.listed(f"{value:g}" for value in values)
        raise ValueError(
            f"{path}: labels are whole numbers 0 to 255; got {got}. Give "
            "each tissue a number of 1 to 255, save the label map again, and name the "
            "new numbers by --label_names."
        )
    if not is_finite or not _are_scaled(values, array[~wrong]):
        remedy = "Write 0 where there is no tissue."
        if is_finite:
            remedy = (
                "A map of probabilities is no label map: write the most probable "
                "tissue's number to each voxel."
            )
        raise ValueError(
            f"{path}: labels are whole numbers 0 to 255; got {array[wrong][0]} and "
            f"{np.count_nonzero(wrong) - 1} more such voxels. {remedy}"
        )
    _LOGGER.warning(
        "%s: labels are no whole numbers, such as %.8g: they were stored with a scale "
        "factor or computed as floats, and are rounded.",
        path,
        values[0],
    )
    return whole.astype(np.uint8)


def _are_scaled(values: np.ndarray, others: np.ndarray) -> bool:
    """Whether whole numbers became these values by a scale factor.

    It makes one value of each label, near to it; a drawing in parts has many.

    Args:
      values: those that are not whole, each once.
      others: voxels that are.
    """
    near = np.rint(values)
    off = np.abs(values - near).max()
    if not np.all((near >= 0) & (near <= _MOST_LABEL)):
        return False
    return off <= _ROUNDED_OFF or (
        off <= _SCALED_OFF
        and len(np.unique(near)) == len(values)
        and not np.isin(near, np.unique(others)).any()
    )
