"""Plates and bones as meshes that fit into a page.

A vertex takes six bytes: 16 bits along each axis, of the largest extent of its mesh, so
0.003 mm of a knee. Thickness has a thousandth of a millimetre. Bytes of one kind stand
beside each other, which is what `packing.pack` makes small.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from deepresolve.imaging.regridding import num_voxels, resample_probabilities
from deepresolve.imaging.volume import Volume
from deepresolve.quantification import places, surfaces
from deepresolve.quantification.knee import KneeMeasures
from deepresolve.quantification.parts import BONE, parts_of
from deepresolve.reports.preview import packing

# Parts of a millimetre in which a page has thickness.
PER_MM = 1000
_MOST = 2**16 - 1
# Bones are there to know one's way about.
_BONE_MM = 1.5
_BONE_SMOOTH_VOXELS = 0.7
_VERTEX_BYTES, _FACE_BYTES = 2, 3


@dataclasses.dataclass(frozen=True, eq=False)
class Mesh:
    """What is drawn as one body.

    Attributes:
      id: of its parts in the page; a plate's or a bone's name.
      words: what it is.
      bone: it is, or lies on.
      vertices: (n, 3) float64, mm in the world: to the right, to the front, up.
      faces: (m, 3) int.
      thickness_mm: (n,) float64 of a plate, None of a bone.
      covered: (n,) bool of a plate: where it has cartilage; None of a bone.
      regions: (n,) uint8 of a plate, from 1, of `places.REGION_NAMES`; 0 in none. None
        of a bone.
    """

    id: str
    words: str
    bone: str
    vertices: np.ndarray
    faces: np.ndarray
    thickness_mm: np.ndarray | None = None
    covered: np.ndarray | None = None
    regions: np.ndarray | None = None


def of_plates(knee: KneeMeasures) -> list[Mesh]:
    """The bone below each plate, with its thickness."""
    found = []
    for name in places.in_order(list(knee.plates)):
        plate = knee.plates[name]
        found.append(
            Mesh(
                name,
                places.described(name).words,
                places.BONES[name],
                knee.in_world(plate.bone.vertices),
                plate.bone.faces,
                plate.thickness_mm,
                plate.covered,
                places.region_numbers(knee, name),
            )
        )
    return found


def of_bones(label_map: Volume, label_names: Mapping[int, str]) -> list[Mesh]:
    """The bones of a label map, coarsely; what is thinner than a coarse voxel is left.

    Args:
      label_map: whole numbers, on any grid.
      label_names: by value.
    """
    by_bone: dict[str, list[int]] = {}
    for value, part in parts_of(label_names).items():
        if part.kind == BONE:
            by_bone.setdefault(part.bone, []).append(value)
    grid = label_map.in_plane("sagittal")
    found = []
    for bone, values in by_bone.items():
        surface = _coarse(grid.with_array(np.isin(grid.array, values)))
        if surface is not None:
            found.append(Mesh(f"{bone}-bone", bone, bone, *surface))
    return found


def _coarse(mask: Volume) -> tuple[np.ndarray, np.ndarray] | None:
    """Vertices in the world and faces; None of what is thinner than a coarse voxel."""
    shape = [
        num_voxels(num, mm, _BONE_MM)
        for num, mm in zip(mask.shape, mask.spacing_mm, strict=True)
    ]
    share = resample_probabilities(mask.array, shape)
    # One voxel around it, so that a bone is closed where the scan ends.
    field = ndimage.gaussian_filter(0.5 - np.pad(share, 1), _BONE_SMOOTH_VOXELS)
    if field.min() >= 0:
        return None
    found = surfaces.surface(field, (1.0, 1.0, 1.0))
    affine = mask.resampled(share).affine
    return (found.vertices - 1) @ affine[:3, :3].T + affine[:3, 3], found.faces


def described(mesh: Mesh) -> dict[str, Any]:
    """What a page must know to unpack and name a mesh, as JSON values."""
    low, step = _scale(mesh)
    return {
        "id": mesh.id,
        "words": mesh.words,
        "bone": mesh.bone,
        "is_plate": mesh.thickness_mm is not None,
        "num_vertices": len(mesh.vertices),
        "num_faces": len(mesh.faces),
        "low": low.tolist(),
        "step": step,
    }


def packed(mesh: Mesh) -> dict[str, str]:
    """By the name of its place in the page, the text of vertices and of faces."""
    low, step = _scale(mesh)
    numbers = np.rint((mesh.vertices - low) / step).astype(int)
    rows = [*_rows(numbers.T, _VERTEX_BYTES)]
    if mesh.thickness_mm is not None:
        thousandths = np.rint(np.clip(mesh.thickness_mm * PER_MM, 0, _MOST))
        rows += _rows(thousandths.astype(int)[None], _VERTEX_BYTES)
        rows += [np.asarray(of, np.uint8) for of in (mesh.covered, mesh.regions)]
    return {
        f"{mesh.id}-vertices": _text(rows),
        f"{mesh.id}-faces": _text(_rows(mesh.faces.T, _FACE_BYTES)),
    }


def _scale(mesh: Mesh) -> tuple[np.ndarray, float]:
    """Least coordinates, and mm a step."""
    low = mesh.vertices.min(axis=0)
    return low, float(np.ptp(mesh.vertices, axis=0).max() / _MOST)


def _rows(numbers: np.ndarray, num_bytes: int) -> list[np.ndarray]:
    """Of each row its bytes, the highest first, as rows: (n,) uint8 each."""
    return [
        (row >> 8 * place & 255).astype(np.uint8)
        for row in numbers
        for place in reversed(range(num_bytes))
    ]


def _text(rows: Sequence[np.ndarray]) -> str:
    return "".join(packing.pack([np.stack(rows)]))
