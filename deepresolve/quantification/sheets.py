"""The two surfaces that cartilage lies between: that of the bone, and the outer one.

The outer surface is that of bone and cartilage together, so a layer that is thinner
than two voxels has its two sides where they are, and a gap of one voxel between bone
and cartilage counts as cartilage; with wider gaps cartilage does not lie on the bone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from deepresolve.quantification.surfaces import (
    NEAR_VOXELS,
    Surface,
    gradient,
    sample,
    signed_mm,
    surface,
)

# Bone around a plate that is looked at, and how far surfaces go on beyond the array.
_MARGIN_MM = 6.0
_BEYOND_VOXELS = 4


class Shares(NamedTuple):
    """How probable tissues are, on the grid of the masks that are measured.

    Attributes:
      bone: (I, J, K) float, 0 to 1.
      both: (I, J, K) float, of bone or cartilage.
      threshold: probability at which cartilage begins: its outer surface lies where
        `both` crosses it, the bone's where `bone` crosses what it leaves of 1.
    """

    bone: np.ndarray
    both: np.ndarray
    threshold: float = 0.5

    def crop(self, box: tuple[slice, ...]) -> Shares:
        """The part of them in a box."""
        return Shares(self.bone[box], self.both[box], self.threshold)


class Sheets(NamedTuple):
    """Both surfaces, in mm from the first voxel of an array around the cartilage.

    Attributes:
      bone, outer: of the bone, and of bone and cartilage together.
      of_both: (I, J, K) float32, signed distance to the latter in mm.
      bone_apart_mm: (n,) float64, from each vertex of the bone, roughly, to the other.
      upwards: (n, 3), at vertices of `outer` the way off the bone.
      cartilage: (I, J, K) bool, what lies beyond the scan as what is nearest to it.
      voxels: (m, 3) int, indices of the cartilage's own voxels.
      spacing_mm: of all of them.
      offset_mm: (3,) where the array's first voxel lies in the scan.
    """

    bone: Surface
    outer: Surface
    of_both: np.ndarray
    bone_apart_mm: np.ndarray
    upwards: np.ndarray
    cartilage: np.ndarray
    voxels: np.ndarray
    spacing_mm: tuple[float, ...]
    offset_mm: np.ndarray

    def to_edge_mm(self, vertices: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """How far what is looked at goes on: (n,) float64, below 0 beyond it.

        Args:
          vertices: (n, 3), in mm.
          directions: (n, 3) of length 1.
        """
        middle = (np.array(self.of_both.shape) - 1) / 2
        from_middle = vertices / self.spacing_mm - middle
        steps = directions / self.spacing_mm
        # Along each axis to the end that lies ahead, half a voxel beyond the last one.
        ahead = np.where(steps < 0, -from_middle, from_middle)
        left = middle - _BEYOND_VOXELS + 0.5 - ahead
        least = np.finfo(np.float64).eps  # so that none is divided by 0
        return np.min(left / np.maximum(np.abs(steps), least), axis=1)

    def within(self, vertices: np.ndarray) -> np.ndarray:
        """Which places lie in what was looked at, and not beyond it: (n,) bool."""
        at = vertices / self.spacing_mm - _BEYOND_VOXELS
        last = np.array(self.of_both.shape) - 2 * _BEYOND_VOXELS - 0.5
        return np.all((at >= -0.5) & (at <= last), axis=1)


def sheets(
    bone: np.ndarray,
    cartilage: np.ndarray,
    spacing_mm: tuple[float, ...],
    shares: Shares | None = None,
) -> Sheets:
    """Finds both surfaces around the cartilage.

    Args:
      bone: (I, J, K) bool.
      cartilage: (I, J, K) bool, on the same grid, some of it.
      spacing_mm: of the voxels.
      shares: how probable both are; None: the masks are all that is known.

    Raises:
      ValueError: there is no bone around the cartilage, or nothing but bone.
    """
    box, offset_mm = _box(cartilage, spacing_mm)
    bone, cartilage = bone[box], cartilage[box]
    if not bone.any():
        raise ValueError("The cartilage does not lie on the bone.")
    if bone.all():
        raise ValueError("The bone is all around: it has no surface there.")
    gap = _gap(bone, cartilage)
    # Which way is off the bone is asked for as high up as cartilage goes; of the other
    # surface what lies beside it will do.
    reaches_mm = (None, NEAR_VOXELS * max(spacing_mm))
    of_bone, of_both = (
        signed_mm(mask, spacing_mm, excess, _BEYOND_VOXELS, reach_mm)
        for mask, excess, reach_mm in zip(
            (bone, bone | cartilage | gap),
            _excess(gap, shares and shares.crop(box)),
            reaches_mm,
            strict=True,
        )
    )
    whole, outer = surface(of_bone, spacing_mm), surface(of_both, spacing_mm)
    return Sheets(
        *(whole, outer, of_both),
        -sample(of_both, whole.vertices, spacing_mm),
        gradient(of_bone, outer.vertices, spacing_mm),
        np.pad(cartilage, _BEYOND_VOXELS, "edge"),
        np.argwhere(cartilage) + _BEYOND_VOXELS,
        *(spacing_mm, offset_mm),
    )


def _box(
    cartilage: np.ndarray, spacing_mm: tuple[float, ...]
) -> tuple[tuple[slice, ...], np.ndarray]:
    """Voxels around the cartilage, and where those beyond begin, in mm."""
    margin = np.ceil(np.divide(_MARGIN_MM, spacing_mm)).astype(int)
    (found,) = ndimage.find_objects(cartilage.astype(np.uint8))
    pairs = list(zip(found, margin, strict=True))
    box = tuple(slice(max(0, s.start - m), s.stop + m) for s, m in pairs)
    return box, np.array(
        [(s.start - _BEYOND_VOXELS) * mm for s, mm in zip(box, spacing_mm, strict=True)]
    )


def _gap(bone: np.ndarray, cartilage: np.ndarray) -> np.ndarray:
    """Voxels that are neither and lie between both, one voxel wide."""
    beside = np.ones((3, 3, 3), bool)
    both = bone | cartilage
    closed = ndimage.binary_closing(both) & ~both
    return (
        closed
        & ndimage.binary_dilation(bone, beside)
        & ndimage.binary_dilation(cartilage, beside)
    )


def _excess(
    gap: np.ndarray, shares: Shares | None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """By how much bone, and bone or cartilage, are above where their surfaces lie."""
    if shares is None:
        return None, None
    # What the masks close is closed, however little of either is in it.
    both = np.where(gap, 1.0, shares.both)
    return shares.bone - (1 - shares.threshold), both - shares.threshold
