"""Label maps on other grids, for comparisons."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from deepresolve.imaging.volume import Volume


def resample_labels(labels: Volume, grid: Volume) -> Volume:
    """A label map on the voxels of another volume of the same patient.

    Every voxel of the grid takes the label of the voxel that its centre lies in; where
    it lies in none it is 0, background. Labels are never mixed.

    Args:
      labels: a label map, in any orientation and voxel size.
      grid: whose voxels are asked for; its own values do not matter.

    Returns:
      A Volume of the grid's shape and place and of the labels' dtype.

    Raises:
      ValueError: no voxel of the grid lies within the label map.
    """
    to_labels = np.linalg.inv(labels.affine) @ grid.affine
    _require_overlap(labels, grid, to_labels)
    array = ndimage.affine_transform(
        labels.array,
        to_labels[:3, :3],
        to_labels[:3, 3],
        output_shape=grid.shape,
        order=0,
        mode="grid-constant",  # half a voxel beyond the outermost centres is label map
        cval=0,
    )
    return dataclasses.replace(grid, array=array)


def _require_overlap(labels: Volume, grid: Volume, to_labels: np.ndarray) -> None:
    """ValueError unless the box of the grid, seen from the labels, meets theirs."""
    ends = np.stack([np.full(3, -0.5), np.array(grid.shape) - 0.5])
    corners = np.stack(np.meshgrid(*ends.T, indexing="ij"), axis=-1).reshape(-1, 3)
    seen = corners @ to_labels[:3, :3].T + to_labels[:3, 3]
    if np.any(seen.max(axis=0) < -0.5) or np.any(
        seen.min(axis=0) > np.array(labels.shape) - 0.5
    ):
        raise ValueError(
            f"The label map ({labels.orientation}, centre at {_centre_mm(labels)} mm) "
            f"and the grid ({grid.orientation}, centre at {_centre_mm(grid)} mm) have "
            "no place in common. Are both of one scan session, and do their files say "
            "where they lie in the patient?"
        )


def _centre_mm(volume: Volume) -> str:
    middle = (np.array(volume.shape) - 1) / 2
    world = volume.affine[:3, :3] @ middle + volume.affine[:3, 3]
    return ", ".join(f"{coordinate:.0f}" for coordinate in world)
