"""Where a bone of an earlier visit lies now: told by its surface, as a rigid body.

Surfaces of bone do not change where cartilage does, so they tell how the knee lay. At
each visit a bone is a cloud of places on its surface and the distance to that surface;
the earlier places are moved until they lie on the surface that there is now. Femur and
tibia move against each other, so each is found by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from nibabel.affines import apply_affine, voxel_sizes
from scipy import optimize
from scipy.spatial.transform import Rotation

from deepresolve.quantification.surfaces import sample, signed_mm, surface

# Voxels of about this size tell where a bone is: places are many, and their errors
# cancel.
_VOXEL_MM = 1.5
_NUM_PLACES = 3000
# What is further off counts less than by its square: an end of the bone, an osteophyte.
_NEAR_MM = 0.5
# A turn of one radian moves places as far as so many millimetres do.
_ARM_MM = 30.0
# Of the earlier places, those that must lie in the scan; of them, how far half may be
# off.
_LEAST_SHARE, _MOST_APART_MM = 0.3, 1.0


class Bone(NamedTuple):
    """A bone in the world.

    Attributes:
      places_mm: (n, 3) float64, on its surface.
      away_mm: (I, J, K) float32, distance to the surface, negative inside.
      affine: (4, 4), from voxels of `away_mm` to the world.
    """

    places_mm: np.ndarray
    away_mm: np.ndarray
    affine: np.ndarray


class Move(NamedTuple):
    """A turn about the world's origin, and then a shift."""

    turn: Rotation
    shift_mm: np.ndarray

    def __call__(self, places_mm: np.ndarray) -> np.ndarray:
        """Where places have gone: (n, 3)."""
        return self.turn.apply(places_mm) + self.shift_mm


class BonesInWorld(Mapping[str, Bone]):
    """The bones of a label map, each found when it is first asked for.

    Only what is laid on another visit asks, and finding them takes as long as measuring
    two plates. Bones that are not there, or too thin to have a surface, are none.
    """

    def __init__(
        self,
        labels: np.ndarray,
        affine: np.ndarray,
        values: Mapping[str, Sequence[int]],
    ) -> None:
        """Finds none yet.

        Args:
          labels: (I, J, K) whole numbers.
          affine: (4, 4), from its voxels to millimetres in the world.
          values: of the labels, by the bone's name.
        """
        # Of its own, and small: the label map may change, or be let go.
        coarse, self._affine = _coarse(labels, affine)
        self._labels, self._values = coarse.copy(), values
        self._found: dict[str, Bone | None] = {}

    def __getitem__(self, name: str) -> Bone:
        if name not in self._found:
            mask = np.isin(self._labels, self._values[name])
            try:
                self._found[name] = bone_in_world(mask, self._affine)
            except ValueError:
                self._found[name] = None
        bone = self._found[name]
        if bone is None:
            raise KeyError(name)
        return bone

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._values if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def bone_in_world(mask: np.ndarray, affine: np.ndarray) -> Bone:
    """A bone as its voxels have it.

    Args:
      mask: (I, J, K) bool, with voxels inside and outside.
      affine: (4, 4), from its voxels to millimetres in the world.

    Raises:
      ValueError: it is empty, full, or too thin to have a surface.
    """
    coarse, affine = _coarse(mask, affine)
    spacing_mm = tuple(voxel_sizes(affine))
    away_mm = signed_mm(coarse, spacing_mm)
    vertices = surface(away_mm, spacing_mm).vertices
    chosen = np.linspace(0, len(vertices) - 1, min(_NUM_PLACES, len(vertices)))
    places = vertices[chosen.astype(int)] / spacing_mm
    return Bone(apply_affine(affine, places), away_mm, affine)


def _coarse(array: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Voxels of about `_VOXEL_MM` and their affine; what is coarse stays as it is."""
    steps = np.maximum(1, np.round(_VOXEL_MM / voxel_sizes(affine))).astype(int)
    coarse = array[tuple(slice(None, None, step) for step in steps)]
    return coarse, affine @ np.diag([*steps, 1])


def moved(before: Bone, after: Bone, start_mm: np.ndarray) -> Move:
    """How a bone moved from one visit to another.

    Args:
      before: at the earlier visit.
      after: now.
      start_mm: (3,), about how far it was shifted.

    Raises:
      ValueError: the surfaces do not fit: another bone, or hardly any of it is in both
        scans.
    """
    middle = before.places_mm.mean(axis=0)

    def move(steps: np.ndarray) -> Move:
        turn = Rotation.from_rotvec(steps[:3] / _ARM_MM)
        return Move(turn, middle - turn.apply(middle) + start_mm + steps[3:])

    to_voxels = np.linalg.inv(after.affine)
    ones = (1.0, 1.0, 1.0)
    last = np.array(after.away_mm.shape) - 1

    def apart_mm(steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at = apply_affine(to_voxels, move(steps)(before.places_mm))
        in_scan = ((at >= 0) & (at <= last)).all(axis=1)
        return sample(after.away_mm, at, ones), in_scan

    def residuals(steps: np.ndarray) -> np.ndarray:
        away, in_scan = apart_mm(steps)
        return np.where(in_scan, away, 0.0)

    found = optimize.least_squares(
        residuals, np.zeros(6), loss="soft_l1", f_scale=_NEAR_MM
    ).x
    away, in_scan = apart_mm(found)
    if in_scan.mean() < _LEAST_SHARE:
        raise ValueError(
            f"{100 * in_scan.mean():.0f}% of its surface lie in this scan, which are "
            "too few to tell where it is."
        )
    off_mm = float(np.median(np.abs(away[in_scan])))
    if off_mm > _MOST_APART_MM:
        raise ValueError(
            f"Half of its surface is more than {off_mm:.1f} mm off that of the earlier "
            "visit: is it another knee?"
        )
    return move(found)
