"""Another knee of the same kind: a label map bent, its cartilage thicker or thinner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from deepresolve.simulation.painting.fields import bump, smooth
from deepresolve.simulation.painting.priors import Priors

# Around cartilage so much is looked at, in mm.
_MARGIN_MM = 4.0


def bent(
    labels: np.ndarray,
    spacing_mm: Sequence[float],
    random: np.random.Generator,
    priors: Priors,
) -> np.ndarray:
    """The label map turned, scaled and warped about its middle, on the same voxels.

    Args:
      labels: (I, J, K) whole numbers, 0 outside.
      spacing_mm: between voxels.
      random: to draw from.
      priors: uses rotation_degrees, scale, warp_mm and warp_length_mm.
    """
    spacing = np.asarray(spacing_mm, float)
    angles = np.deg2rad(random.uniform(*priors.rotation_degrees, 3))
    turn = _rotation(angles) @ np.diag(1 / random.uniform(*priors.scale, 3))
    to_old = np.diag(1 / spacing) @ turn @ np.diag(spacing)
    middle = (np.array(labels.shape) - 1) / 2
    places = np.stack(
        np.meshgrid(*map(np.arange, labels.shape), indexing="ij", copy=False)
    ).astype(np.float32)
    places -= middle[:, None, None, None]
    places = np.tensordot(to_old.astype(np.float32), places, 1)
    warp_mm = random.uniform(*priors.warp_mm)
    length_mm = random.uniform(*priors.warp_length_mm)
    for axis in range(3):
        places[axis] += middle[axis] + (warp_mm / spacing[axis]) * smooth(
            labels.shape, spacing, length_mm, random
        )
    return ndimage.map_coordinates(labels, places, order=0, mode="nearest")


def thickened(
    labels: np.ndarray,
    spacing_mm: Sequence[float],
    cartilages: Sequence[int],
    bones: Sequence[int],
    random: np.random.Generator,
    priors: Priors,
) -> np.ndarray:
    """The label map with thicker and thinner cartilage, and with focal defects.

    The surface that bears the load moves; that on the bone stays, where the map has
    the bone.

    Args:
      labels: (I, J, K) whole numbers, 0 outside.
      spacing_mm: between voxels.
      cartilages: values of cartilage.
      bones: values of bones; may be none.
      random: to draw from.
      priors: uses thickness_mm, thickness_length_mm, num_defects, defect_mm and
        defect_depth_mm.
    """
    is_cartilage = np.isin(labels, cartilages)
    if not is_cartilage.any():
        return labels
    margin = [round(_MARGIN_MM / mm) for mm in spacing_mm]
    region = _box(is_cartilage, margin)
    part, spacing = labels[region], tuple(map(float, spacing_mm))
    inside = is_cartilage[region]
    added_mm = random.uniform(*priors.thickness_mm) * smooth(
        part.shape, spacing, priors.thickness_length_mm, random
    )
    added_mm -= _defects_mm(inside, spacing, random, priors)
    solid = inside | np.isin(part, bones)
    depth_mm = ndimage.distance_transform_edt(solid, spacing)
    height_mm, nearest = ndimage.distance_transform_edt(
        ~inside, spacing, return_indices=True
    )
    # The surface lies half a voxel beyond the centres of the outermost ones.
    half = min(spacing) / 2
    lost = inside & (depth_mm - half + added_mm < 0)
    gained = (part == 0) & (height_mm - half < added_mm)
    changed = part.copy()
    changed[gained] = part[tuple(nearest)][gained]
    changed[lost] = 0
    result = labels.copy()
    result[region] = changed
    return result


def _defects_mm(
    inside: np.ndarray,
    spacing_mm: Sequence[float],
    random: np.random.Generator,
    priors: Priors,
) -> np.ndarray:
    """What focal lesions take from the thickness."""
    places = np.argwhere(inside)
    taken = np.zeros(inside.shape)
    for _ in range(int(random.integers(priors.num_defects + 1))):
        centre = places[random.integers(len(places))]
        radius_mm = random.uniform(*priors.defect_mm)
        depth_mm = random.uniform(*priors.defect_depth_mm)
        taken += depth_mm * bump(inside.shape, spacing_mm, centre, radius_mm)
    return taken


def _box(mask: np.ndarray, margin: Sequence[int]) -> tuple[slice, ...]:
    (found,) = ndimage.find_objects(mask.astype(np.uint8))
    return tuple(
        slice(max(0, part.start - by), part.stop + by)
        for part, by in zip(found, margin, strict=True)
    )


def _rotation(angles: np.ndarray) -> np.ndarray:
    """(3, 3): about the first axis, then the second and the third."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        i, j = (a for a in range(3) if a != axis)
        turn = np.eye(3)
        turn[[i, j], [i, j]] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix
