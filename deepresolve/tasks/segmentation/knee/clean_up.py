"""Pieces of a label map that belong to the knee; the others become background.

A piece of a class is a connected component (`inference.components`). It belongs

    bone         where a share of that bone's cartilage is near
    cartilage    where it lies on its bone
    sides        where it is not nearer to what is on the other side of the joint
    all          where it is not small beside the largest that belongs: tibial
                 cartilage is two plates, and both stay

each as far as the label map holds what it needs to be known. Holes within a bone are
filled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage

from deepresolve.imaging.mirroring import left_right_axis
from deepresolve.imaging.volume import Volume
from deepresolve.inference.components import Pieces
from deepresolve.quantification.parts import BONE, CARTILAGE, Part, parts

# Between a piece of cartilage and its bone; ours: a voxel of a thick slice.
_FROM_BONE_MM = 3.0
# Of the cartilage near the piece of a bone that carries most; in few slices a femur is
# two condyles.
_CARRIES = 0.1
# As a share of a class's largest piece.
_CRUMB = 0.01


def keep_pieces(
    label_map: Volume,
    class_names: Sequence[str],
    found: Sequence[Pieces],
    min_piece: float,
) -> Volume:
    """The label map without the pieces that do not belong.

    Args:
      label_map: uint8; 0 is background, n the n-th class, counted from 1.
      class_names: the classes.
      found: the pieces of the label map.
      min_piece: share of the voxels of a class's largest piece; one that has fewer
        goes. 1 keeps the largest alone (or those, where several are).
    """
    known = parts(class_names)
    crumb = min(_CRUMB, min_piece)
    result = label_map.with_array(np.zeros_like(label_map.array))
    # Bones first: cartilage lies on what is left of them.
    for of_class in sorted(found, key=lambda of: _is_bone(known, of)):
        stays = np.arange(len(of_class.sizes)) > 0
        part = known.get(of_class.value)
        if part is not None and part.kind == BONE:
            of_bone = [v for v, p in known.items() if p.lies_on(part)]
            near = _voxels_near(
                of_class, np.isin(label_map.array, of_bone), label_map, crumb
            )
            stays = near > _CARRIES * near.max()
        elif part is not None and part.kind == CARTILAGE:
            bone = [v for v, p in known.items() if part.lies_on(p)]
            stays = (
                _voxels_near(of_class, np.isin(result.array, bone), label_map, crumb)
                > 0
            )
        # Where none belongs, nothing says which does.
        stays |= not stays.any()
        stays[0] = False
        least = max(1.0, min_piece * (of_class.sizes * stays).max())
        stays &= of_class.sizes >= least
        kept = stays[of_class.numbers]
        if part is not None and part.kind == BONE:
            kept |= _holes(kept) & (label_map.array[of_class.box] == 0)
        result.array[of_class.box][kept] = of_class.value
    _drop_on_the_other_side(result.array, known, found, left_right_axis(label_map))
    return result


def _holes(mask: np.ndarray) -> np.ndarray:
    """What the mask encloses on all sides."""
    numbers, count = ndimage.label(~mask)
    is_hole = np.arange(count + 1) > 0
    for axis in range(mask.ndim):
        for end in (0, -1):
            is_hole[np.unique(np.take(numbers, end, axis))] = False
    return is_hole[numbers]


def _is_bone(known: Mapping[int, Part], of_class: Pieces) -> tuple[bool, int]:
    part = known.get(of_class.value)
    return part is None or part.kind != BONE, of_class.value


def _voxels_near(
    of_class: Pieces, other: np.ndarray, grid: Volume, crumb: float
) -> np.ndarray:
    """(1 + pieces,) voxels of another mask that are near each piece; of crumbs 0."""
    margins = [math.ceil(_FROM_BONE_MM / mm) for mm in grid.spacing_mm]
    counts = np.zeros(len(of_class.sizes), int)
    boxes = ndimage.find_objects(of_class.numbers)
    least = crumb * of_class.sizes.max()
    for number, box in enumerate(boxes, start=1):
        if of_class.sizes[number] < least:
            continue
        around, inner = [], []
        for whole, part, by, num in zip(
            of_class.box, box, margins, grid.shape, strict=True
        ):
            start, stop = whole.start + part.start, whole.start + part.stop
            low, high = max(0, start - by), min(num, stop + by)
            around.append(slice(low, high))
            inner.append((start - low, high - stop))
        others = other[tuple(around)]
        if others.any():
            piece = np.pad(of_class.numbers[box] == number, inner)
            away_mm = ndimage.distance_transform_edt(~piece, grid.spacing_mm)
            counts[number] = np.count_nonzero(away_mm[others] <= _FROM_BONE_MM)
    return counts


def _drop_on_the_other_side(
    array: np.ndarray, known: Mapping[int, Part], found: Sequence[Pieces], axis: int
) -> None:
    """Takes away pieces that are nearer to the largest one of the opposite class."""
    at = {of.value: of.middles(axis) for of in found if of.value in known}
    stays = {of.value: _kept(of, array) for of in found if of.value in at}
    largest = {
        of.value: at[of.value][np.argmax(of.sizes * stays[of.value])]
        for of in found
        if of.value in at
    }
    for of_class in found:
        for other, middle in largest.items():
            value = of_class.value
            if value in at and known[value].is_opposite(known[other]):
                away = np.abs(at[value] - largest[value])
                gone = away > np.abs(at[value] - middle)
                gone[0] = False
                array[of_class.box][gone[of_class.numbers]] = 0


def _kept(of_class: Pieces, array: np.ndarray) -> np.ndarray:
    """(1 + pieces,) which of them a label map still holds."""
    kept = np.zeros(len(of_class.sizes), bool)
    still = of_class.numbers[array[of_class.box] == of_class.value]
    kept[np.unique(still)] = True
    return kept
