"""Where the thin slices of a scan lie among its thick ones.

Both have the same rows and columns; along the slice axis the thin grid may have any
step, and begin anywhere: before the first thick slice, where it keeps the outer faces.
"""

from __future__ import annotations

import itertools

import numpy as np

from deepresolve.imaging.volume import Volume

# A voxel may lie this share of one off: an angle that is rounded to 4 digits takes
# 0.02 at the corner of a knee (`formats.label_maps` has the same number).
_MOST_OFF_VOXELS = 0.1


def canonical_numbers(scan: Volume) -> np.ndarray:
    """Of each slice in the scan's own axes, its number in the canonical scan.

    Args:
      scan: in any orientation.

    Returns:
      (slices,) int: 0, 1, 2 ... or ... 2, 1, 0.
    """
    canonical = scan.canonical()
    numbers = np.broadcast_to(np.arange(canonical.num_slices), canonical.shape)
    own = canonical.with_array(numbers).restored_as(scan).array
    return np.moveaxis(own, scan.slice_axis, -1)[0, 0]


def positions(thick: Volume, thin: Volume) -> np.ndarray:
    """The thin slices' centres, as indices of the thick slices.

    Args:
      thick: n slices.
      thin: slices of the same scan, in the axes of `thick`.

    Returns:
      (num_thin,) float64, evenly growing: 0 is the first thick slice's centre, -0.5
      its outer face.

    Raises:
      ValueError: other rows or columns, other axes or another slice axis.
    """
    axis = thick.slice_axis
    to_thick = np.linalg.inv(thick.affine) @ thin.affine
    step = to_thick[axis, axis]
    # Where it lies in the middle of a slice: rounding of the other terms cancels there.
    first = to_thick[axis] @ _middle(thin)
    found = first + step * np.arange(thin.num_slices)
    expected = _without(thick.shape, axis)
    if (
        thin.slice_axis != axis
        or _without(thin.shape, axis) != expected
        or step <= 0
        or _off_voxels(thin, to_thick, found) > _MOST_OFF_VOXELS
    ):
        raise ValueError(
            f"Slices of shape {thin.shape} along axis {thin.slice_axis} do not lie "
            f"among those of a scan of shape {thick.shape} along axis {axis}: expected "
            "the same rows and columns in the same places, up to "
            f"{_MOST_OFF_VOXELS} voxels, and slices in the same order.\n"
            f"affine of the slices:\n{thin.affine}\nof the scan:\n{thick.affine}\n"
            "Give both in the axes of one scan."
        )
    return found


def spacing_along_normal_mm(volume: Volume) -> float:
    """Distance between slices along their normal; less than where they step sideways.

    In mm. Slice profiles are functions of this direction.
    """
    rows, columns = (
        volume.affine[:3, axis] for axis in range(3) if axis != volume.slice_axis
    )
    return volume.voxel_mm3 / float(np.linalg.norm(np.cross(rows, columns)))


def _middle(volume: Volume) -> np.ndarray:
    """(4,): the middle of the first slice as a voxel index, followed by 1."""
    middle = np.append((np.array(volume.shape) - 1) / 2, 1)
    middle[volume.slice_axis] = 0
    return middle


def _off_voxels(thin: Volume, to_thick: np.ndarray, found: np.ndarray) -> float:
    """How far a corner voxel is off its row, its column or its place in `found`.

    No voxel is farther, for that is affine in the index. Rows and columns are counted
    in voxels, places in thick slices.
    """
    ends = itertools.product(*((0, size - 1) for size in thin.shape))
    corners = np.array([(*corner, 1.0) for corner in ends])
    expected = corners[:, :3].copy()
    expected[:, thin.slice_axis] = found[corners[:, thin.slice_axis].astype(int)]
    return float(np.abs((corners @ to_thick.T)[:, :3] - expected).max())


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]
