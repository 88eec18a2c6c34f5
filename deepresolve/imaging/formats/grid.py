"""How two voxel grids lie to each other."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from nibabel import orientations


def corner_distance_mm(
    shape: Sequence[int], affine: np.ndarray, other: np.ndarray
) -> float:
    """Largest distance between the places that two affines give one corner voxel.

    No voxel is farther: the distance is convex in the index, so a corner has most.

    Args:
      shape: the voxels along (i, j, k).
      affine: (4, 4), voxel indices to RAS+ mm.
      other: (4, 4), voxel indices to RAS+ mm.

    Returns:
      mm.
    """
    corners = _corners(np.zeros(3), np.array(shape) - 1)
    return float(np.linalg.norm((corners @ (affine - other).T)[:, :3], axis=1).max())


@dataclasses.dataclass(frozen=True, eq=False)
class Placement:
    """How the voxels of a grid fall on those of another one, its target.

    Attributes:
      turn: (3, 2) nibabel orientation transform that gives the grid's array the
        target's order and directions of axes.
      shape: of the turned array.
      starts: the target's index on which the turned array's first voxel falls.
      target_shape: the voxels of the target.
      off_voxels: how far a voxel of the grid lies from the one of the target that it
        falls on: the most that a corner of their common part is off along an axis, in
        voxels of the target.
    """

    turn: np.ndarray
    shape: tuple[int, int, int]
    starts: tuple[int, int, int]
    target_shape: tuple[int, int, int]
    off_voxels: float

    @property
    def is_turned(self) -> bool:
        """Whether axes change places or directions."""
        return not np.array_equal(self.turn, [[0, 1], [1, 1], [2, 1]])

    @property
    def is_moved(self) -> bool:
        """Whether the turned array does not cover the target exactly."""
        return self.starts != (0, 0, 0) or self.shape != self.target_shape

    @property
    def common(self) -> tuple[slice, slice, slice]:
        """The target's voxels that the grid has, too."""
        i, j, k = (
            slice(max(0, start), min(size, start + length))
            for start, length, size in zip(
                self.starts, self.shape, self.target_shape, strict=True
            )
        )
        return i, j, k

    @property
    def is_apart(self) -> bool:
        """Whether the two have no voxel in common."""
        return any(part.start >= part.stop for part in self.common)

    def place(self, array: np.ndarray) -> np.ndarray:
        """The grid's voxels on the target, 0 where it has none."""
        turned = orientations.apply_orientation(array, self.turn)
        placed = np.zeros(self.target_shape, array.dtype)
        own = tuple(
            slice(part.start - start, part.stop - start)
            for part, start in zip(self.common, self.starts, strict=True)
        )
        placed[self.common] = turned[own]
        return placed


def placement(
    shape: Sequence[int],
    affine: np.ndarray,
    target_shape: Sequence[int],
    target_affine: np.ndarray,
) -> Placement:
    """The nearest way of laying a grid on another one, voxel on voxel.

    `off_voxels` tells whether it is a good one: infinite where the grids are apart.

    Args:
      shape: the voxels of the grid.
      affine: (4, 4), their indices to RAS+ mm.
      target_shape: the voxels of the other one.
      target_affine: (4, 4), their indices to RAS+ mm.
    """
    to_target = np.linalg.inv(target_affine)
    turn = orientations.io_orientation(to_target @ affine)
    turned = to_target @ affine @ orientations.inv_ornt_aff(turn, shape)
    turned_shape = np.zeros(3, int)
    turned_shape[turn[:, 0].astype(int)] = shape
    middle = np.append((turned_shape - 1) / 2, 1)
    found = Placement(
        turn,
        _whole(turned_shape),
        _whole(np.rint((turned @ middle - middle)[:3])),
        _whole(target_shape),
        np.inf,
    )
    if found.is_apart:
        return found
    first = np.array([part.start for part in found.common])
    last = np.array([part.stop - 1 for part in found.common])
    corners = _corners(first - found.starts, last - found.starts)
    off = corners @ turned.T - corners - (*found.starts, 0)
    return dataclasses.replace(found, off_voxels=float(np.abs(off).max()))


def _whole(numbers: Iterable[float]) -> tuple[int, int, int]:
    i, j, k = map(int, numbers)
    return i, j, k


def _corners(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """(8, 4): the corners of a box of voxels, each followed by 1."""
    ends = itertools.product(*zip(first, last, strict=True))
    return np.array([(*corner, 1) for corner in ends], dtype=np.float64)
