"""What is where in a synthetic knee, at the voxels' centres."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from deepresolve.simulation.phantom import signal
from deepresolve.simulation.phantom.bones import CORTEX_MM, Bone
from deepresolve.simulation.phantom.damage import Damage
from deepresolve.simulation.phantom.lattice import Field, Grid

LABEL_NAMES = {
    1: "femoral cartilage",
    2: "medial tibial cartilage",
    3: "lateral tibial cartilage",
    4: "patellar cartilage",
    5: "femur",
    6: "tibia",
    7: "patella",
    8: "fibula",
    9: "lateral meniscus",
    10: "medial meniscus",
}
_NUMBERS = {name: number for number, name in LABEL_NAMES.items()}
# Medial and lateral part of the cartilage of each bone that has any.
_CARTILAGES = {
    "femur": ("femoral cartilage", "femoral cartilage"),
    "tibia": ("medial tibial cartilage", "lateral tibial cartilage"),
    "patella": ("patellar cartilage", "patellar cartilage"),
}

LESION_NAMES = {1: "cartilage lesion", 2: "meniscal tear", 3: "marrow lesion"}
# A thinner layer is no cartilage.
_THINNEST_MM = 0.1


@dataclasses.dataclass(frozen=True, eq=False)
class Truth:
    """Arrays of one knee, on one grid.

    Attributes:
      label: uint8, numbered as in `LABEL_NAMES`, 0 elsewhere. What a defect took is no
        cartilage; a torn meniscus is meniscus, as readers outline it.
      thickness_mm: float32, thickness of the cartilage that is left, at its voxels.
      t2_ms: float32, T2 at the same voxels.
      lesion: uint8, numbered as in `LESION_NAMES`, 0 elsewhere.
    """

    label: np.ndarray
    thickness_mm: np.ndarray
    t2_ms: np.ndarray
    lesion: np.ndarray

    @classmethod
    def empty(cls, shape: tuple[int, int, int]) -> Truth:
        """Arrays of zeros, to be filled from the innermost structure on."""
        kinds = (np.uint8, np.float32, np.float32, np.uint8)
        return cls(*(np.zeros(shape, dtype=kind) for kind in kinds))


def look_up(
    bones: Mapping[str, Bone],
    menisci: Mapping[str, Field],
    damage: Damage,
    grid: Grid,
) -> Truth:
    """Label, cartilage and lesions at the points of a grid.

    Args:
      bones: by name.
      menisci: distance fields; others of the mapping are left alone.
      damage: lesions.
      grid: where.
    """
    truth = Truth.empty(grid.shape)
    for name in ("lateral meniscus", "medial meniscus"):
        region = grid.inside(menisci[name].grid)
        inside = menisci[name].sample(grid.window(region)) < 0
        truth.label[region][inside] = _NUMBERS[name]
    _find_clefts(truth, damage, grid)
    for name in _CARTILAGES:
        _find_cartilage(truth, name, bones[name], damage, grid)
    truth.lesion[(truth.lesion == 1) & (truth.label != 0)] = 0
    for name, bone in bones.items():
        _find_bone(truth, name, bone, damage, grid)
    return truth


def _find_clefts(truth: Truth, damage: Damage, grid: Grid) -> None:
    for cleft in damage.clefts:
        region = grid.inside(cleft.sheet.grid)
        torn = cleft.inside(grid.window(region))
        torn &= truth.label[region] == _NUMBERS[cleft.meniscus]
        truth.lesion[region][torn] = 2


def _find_cartilage(
    truth: Truth, name: str, bone: Bone, damage: Damage, grid: Grid
) -> None:
    region = grid.inside(bone.distance.grid)
    window = grid.window(region)
    layer = bone.thickness.sample(window)
    distance = bone.distance.sample(window)
    whole = (distance < layer) & (layer > _THINNEST_MM)
    left = damage.remaining(name, layer, window)
    inside = whole & (distance < left) & (left > _THINNEST_MM)
    for array in (truth.label, truth.thickness_mm, truth.t2_ms):
        array[region][whole] = 0
    truth.lesion[region][whole] = 1
    truth.lesion[region][inside] = 0
    truth.label[region][inside] = _cartilage_numbers(name, window)[inside]
    truth.thickness_mm[region][inside] = left[inside]
    t2_ms = signal.cartilage_t2_ms(distance[inside], layer[inside])
    truth.t2_ms[region][inside] = t2_ms


def _find_bone(truth: Truth, name: str, bone: Bone, damage: Damage, grid: Grid) -> None:
    region = grid.inside(bone.distance.grid)
    window = grid.window(region)
    distance = bone.distance.sample(window)
    inside = distance < 0
    truth.label[region][inside] = _NUMBERS[name]
    for other in (truth.thickness_mm, truth.t2_ms, truth.lesion):
        other[region][inside] = 0
    for ball in damage.balls_of(name):
        changed = (distance < -CORTEX_MM) & (ball.part(window) > 0.5)
        truth.lesion[region][changed] = 3


def _cartilage_numbers(bone: str, grid: Grid) -> np.ndarray:
    """The label that a bone's cartilage has at every point of a grid."""
    medial, lateral = _CARTILAGES[bone]
    numbers = np.where(grid.x < 0, _NUMBERS[medial], _NUMBERS[lateral])
    return np.broadcast_to(numbers, grid.shape)
