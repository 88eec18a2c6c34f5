"""Thickness as an image that lies on the scan, for any viewer of NIfTI.

Each voxel of cartilage shows how thick the cartilage is where it lies: the thickness at
the nearest covered place of the bone below, in mm. All else is 0, but for the bone's
outermost voxels where it is denuded: they are `DENUDED`, below every thickness. What is
above 0 is cartilage; a window that begins at 0 mm hides the denuded bone, one that
begins at -1 shows it. NaN would be white in one viewer and black in another.

A mean over voxels weighs thick cartilage more than thin: `knee.measure` has means over
the bone's area.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

from deepresolve.imaging.volume import Volume
from deepresolve.quantification.knee import PLATES, KneeMeasures
from deepresolve.quantification.parts import Part, parts_of
from deepresolve.quantification.thickness import Plate

# No length: the value of bone that has lost its cartilage.
DENUDED = -1.0
# Places of the bone that differ less in their distance are equally near. Of them the
# first counts, so that rounding does not choose another one in a mirrored knee.
_TIE_MM = 1e-6
_NEAREST = [1, 2, 3, 4]
# Of voxels, around the vertices of denuded bone.
_MARGIN = 2


def thickness_map(
    knee: KneeMeasures, label_map: Volume, label_names: Mapping[int, str]
) -> Volume:
    """Thickness in mm at each voxel of cartilage of the plates that were measured.

    Args:
      knee: what `knee.measure` gave of the label map.
      label_map: it.
      label_names: what each value means, as `knee.measure` was told.

    Returns:
      A float32 Volume on the grid of the label map: mm, 0 outside, `DENUDED` on bone
      without cartilage. The map of a mirrored knee is the mirrored map.

    Raises:
      ValueError: the knee was measured in another label map, or under other names.
    """
    thickness = {name: plate.thickness_mm for name, plate in knee.plates.items()}
    on_scan = on_cartilage(knee, label_map, label_names, thickness)
    sagittal, found = label_map.in_plane("sagittal"), on_scan.in_plane("sagittal")
    known, result = parts_of(label_names), found.array.copy()
    for of, name in PLATES.items():
        if name in knee.plates:
            bones = [value for value, other in known.items() if of.lies_on(other)]
            mask = np.isin(sagittal.array, bones)
            bare = _denuded(mask, knee.plates[name], sagittal.spacing_mm)
            result[tuple(bare.T)] = DENUDED
    return label_map.with_array(found.with_array(result).restore().array)


def on_cartilage(
    knee: KneeMeasures,
    label_map: Volume,
    label_names: Mapping[int, str],
    numbers: Mapping[str, np.ndarray],
) -> Volume:
    """At each voxel of cartilage the number of the nearest covered place of its bone.

    Args:
      knee: what `knee.measure` gave of the label map.
      label_map: it.
      label_names: what each value means, as `knee.measure` was told.
      numbers: of each plate that was measured (n,), one for each vertex of its bone.

    Returns:
      A float32 Volume on the grid of the label map, 0 outside of the cartilage.

    Raises:
      ValueError: the knee was measured in another label map, or under other names.
    """
    sagittal = label_map.in_plane("sagittal")
    spacing_mm = sagittal.spacing_mm
    if not np.allclose(knee.affine @ np.diag([*spacing_mm, 1]), sagittal.affine):
        raise ValueError(
            "The label map does not lie where the knee was measured. Give the one that "
            "`measure` was given."
        )
    result = np.zeros(sagittal.shape, np.float32)
    found: set[str] = set()
    for value, own in parts_of(label_names).items():
        names = [name for name in plates_of(own) if name in knee.plates]
        voxels = np.argwhere(sagittal.array == value)
        if names and len(voxels):
            at = [(knee.plates[name], numbers[name]) for name in names]
            result[tuple(voxels.T)] = _number_at(at, voxels * spacing_mm)
            found.update(names)
    if missing := sorted(set(knee.plates) - found):
        raise ValueError(
            f"The label map has no voxel of plate {missing[0]}, which was measured: "
            "`label_names` are not those that `measure` was given."
        )
    return label_map.with_array(sagittal.with_array(result).restore().array)


def plates_of(own: Part) -> list[str]:
    """Plates that a cartilage may be of; where it has no side, those of both sides."""
    return [
        name
        for of, name in PLATES.items()
        if own[:2] == of[:2] and (not own.side or of.side in ("", own.side))
    ]


def _number_at(
    plates: Sequence[tuple[Plate, np.ndarray]], points_mm: np.ndarray
) -> np.ndarray:
    """At the covered place of these plates that is nearest to each point: (n,)."""
    vertices = np.concatenate([p.bone.vertices[p.covered] for p, _ in plates])
    numbers = np.concatenate([of[p.covered] for p, of in plates])
    below, _ = _nearest(vertices, points_mm)
    return numbers[below]


def _nearest(
    vertices: np.ndarray, points_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The vertex nearest to each point, the first of equals, and its distance in mm."""
    distances, found = KDTree(vertices).query(points_mm, k=_NEAREST)
    is_tied = distances <= distances[:, :1] + _TIE_MM
    return np.where(is_tied, found, len(vertices)).min(axis=1), distances[:, 0]


def _denuded(
    bone: np.ndarray, plate: Plate, spacing_mm: tuple[float, ...]
) -> np.ndarray:
    """Indices of the outermost voxels of bone below bare vertices: (n, 3) int."""
    bare = plate.bone.vertices[~plate.covered] / spacing_mm
    if not len(bare):
        return np.empty((0, 3), int)
    first = np.maximum(np.floor(bare.min(axis=0)).astype(int) - _MARGIN, 0)
    last = np.ceil(bare.max(axis=0)).astype(int) + _MARGIN
    box = tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))
    inside = bone[box]
    voxels = np.argwhere(inside & ndimage.binary_dilation(~inside)) + first
    below, apart_mm = _nearest(plate.bone.vertices, voxels * spacing_mm)
    return voxels[~plate.covered[below] & (apart_mm < np.linalg.norm(spacing_mm))]
