"""What a label map leaves out: cortex, fluid, fat, muscle, fascia, vessels, and air."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepresolve.simulation.painting.contrast import TISSUES
from deepresolve.simulation.painting.fields import bump, distance_mm, smooth
from deepresolve.simulation.painting.priors import Priors

NUMBERS = {name: number for number, name in enumerate(TISSUES)}

# Soft tissues between the labels, with the length over which patches of them vary.
_PATCHES_MM = (("fat", 22.0), ("muscle", 26.0), ("fat", 9.0), ("fluid", 12.0))
_RARE = {"fluid": 1.2}  # standard deviations by which it must stand out
_SHEET_LENGTHS_MM = (12.0, 50.0)
_MUSCLES_LONG = 4.0  # times as long as wide
_SHEETS_OF = ("tendon", "muscle", "fat", "fluid", "cortex")
_VESSELS_OF = ("fluid", "air", "muscle")
_LININGS_OF = ("fluid", "fat", "tendon", "muscle")
_SKIN_MM = 1.5
_SKIN_LENGTH_MM = 45.0
# Radii of the leg, as shares of half the field of view.
_LEG = (0.75, 1.3)


def tissues(
    labels: np.ndarray,
    tissue_of: dict[int, str],
    spacing_mm: Sequence[float],
    leg_axis: int,
    random: np.random.Generator,
    priors: Priors,
) -> np.ndarray:
    """The tissue of every voxel: uint8 numbers of `NUMBERS`.

    Args:
      labels: (I, J, K) whole numbers, 0 outside.
      tissue_of: by value of the label map; bones are "marrow".
      spacing_mm: between voxels.
      leg_axis: the one that runs along the leg.
      random: to draw from.
      priors: uses cortex_mm, num_marrow_lesions, marrow_lesion_mm, scarred, skin_mm,
        skin_fat_mm, num_sheets, sheet_mm, lining_mm, effusion_mm, capsule_mm,
        num_vessels and vessel_mm.
    """
    result = _soft(labels.shape, spacing_mm, leg_axis, random)
    _add_sheets(result, spacing_mm, random, priors)
    _add_vessels(result, spacing_mm, leg_axis, random, priors)
    _add_air(result, labels, spacing_mm, leg_axis, random, priors)
    marrow = np.isin(labels, values_of(tissue_of, "marrow"))
    off_bone_mm = distance_mm(marrow, spacing_mm)
    _add_along(result, off_bone_mm, spacing_mm, priors.lining_mm, _LININGS_OF, random)
    cartilage = np.isin(labels, values_of(tissue_of, "cartilage"))
    off_mm = distance_mm(cartilage, spacing_mm)
    _add_capsule(result, off_mm, random, priors)
    _add_along(result, off_mm, spacing_mm, priors.effusion_mm, ("fluid",), random)
    for value, name in tissue_of.items():
        result[labels == value] = NUMBERS[name]
    if marrow.any():
        if random.random() < priors.scarred:
            scar = _sheet(labels.shape, spacing_mm, random, priors)
            result[marrow & scar] = NUMBERS[str(random.choice(("cortex", "muscle")))]
        depth_mm = distance_mm(~marrow, spacing_mm)
        shell = marrow & (depth_mm < random.uniform(*priors.cortex_mm))
        result[shell] = NUMBERS["cortex"]
        _add_lesions(result, marrow & ~shell, spacing_mm, random, priors)
    return result


def values_of(tissue_of: Mapping[int, str], tissue: str) -> list[int]:
    """The values of a label map that are painted as one tissue."""
    return [value for value, name in tissue_of.items() if name == tissue]


def _soft(
    shape: Sequence[int],
    spacing_mm: Sequence[float],
    leg_axis: int,
    random: np.random.Generator,
) -> np.ndarray:
    """Patches of soft tissues, the one whose field is highest."""
    highest = np.full(shape, -np.inf, np.float32)
    result = np.zeros(shape, np.uint8)
    for name, length_mm in _PATCHES_MM:
        stretched = length_mm * random.uniform(0.6, 1.8, 3)
        if name == "muscle":
            stretched[leg_axis] *= random.uniform(1, _MUSCLES_LONG)
        field = smooth(shape, spacing_mm, stretched, random)
        field += np.float32(random.normal(0, 0.5) - _RARE.get(name, 0.0))
        higher = field > highest
        result[higher] = NUMBERS[name]
        highest[higher] = field[higher]
    return result


def _add_sheets(
    result: np.ndarray,
    spacing_mm: Sequence[float],
    random: np.random.Generator,
    priors: Priors,
) -> None:
    """Thin layers, some as bright as cartilage, where no cartilage is."""
    for _ in range(int(random.integers(priors.num_sheets + 1))):
        sheet = _sheet(result.shape, spacing_mm, random, priors)
        result[sheet] = NUMBERS[str(random.choice(_SHEETS_OF))]


def _sheet(
    shape: Sequence[int],
    spacing_mm: Sequence[float],
    random: np.random.Generator,
    priors: Priors,
) -> np.ndarray:
    """Where a smooth field changes its sign: a bent layer, thin where it is steep."""
    length_mm = random.uniform(*_SHEET_LENGTHS_MM)
    field = smooth(shape, spacing_mm, length_mm * random.uniform(0.6, 1.8, 3), random)
    # The field changes by about one standard deviation over its length.
    return np.abs(field) < random.uniform(*priors.sheet_mm) / 2 / length_mm


def _add_vessels(
    result: np.ndarray,
    spacing_mm: Sequence[float],
    leg_axis: int,
    random: np.random.Generator,
    priors: Priors,
) -> None:
    """Tubes that run along the leg and wander a little."""
    across = [axis for axis in range(3) if axis != leg_axis]
    num = result.shape[leg_axis]
    for _ in range(int(random.integers(priors.num_vessels + 1))):
        radius_mm = random.uniform(*priors.vessel_mm)
        squared: np.ndarray | float = 0.0
        for axis in across:
            size_mm = result.shape[axis] * spacing_mm[axis]
            knots = random.uniform(0.05, 0.95) * size_mm + random.normal(0, 8, 5)
            way = np.interp(np.linspace(0, 4, num), np.arange(5), knots)
            along = np.arange(result.shape[axis]) * spacing_mm[axis]
            squared = squared + np.square(
                _lying(along, axis) - _lying(way, leg_axis), dtype=np.float32
            )
        result[squared < radius_mm**2] = NUMBERS[str(random.choice(_VESSELS_OF))]


def _lying(values: np.ndarray, axis: int) -> np.ndarray:
    """Float32 numbers along one axis of three."""
    places = [-1 if a == axis else 1 for a in range(3)]
    return values.astype(np.float32).reshape(places)


def _add_along(
    result: np.ndarray,
    off_mm: np.ndarray,
    spacing_mm: Sequence[float],
    reach_mm: tuple[float, float],
    choices: Sequence[str],
    random: np.random.Generator,
) -> None:
    """A layer along cartilage or bone, here and there; their own voxels come later."""
    reach = random.uniform(*reach_mm)
    name = str(random.choice(choices))
    field = smooth(result.shape, spacing_mm, 12.0, random)
    here = field > random.normal(0.3, 0.7)
    result[here & (off_mm < reach)] = NUMBERS[name]


def _add_capsule(
    result: np.ndarray,
    off_mm: np.ndarray,
    random: np.random.Generator,
    priors: Priors,
) -> None:
    """Fat for muscle beside cartilage, which each voxel is so far off.

    Both are about as bright: where they touched, nobody could tell where one ends.
    """
    reach_mm = random.uniform(*priors.capsule_mm)
    muscle = result == NUMBERS["muscle"]
    result[muscle & (off_mm < reach_mm)] = NUMBERS["fat"]


def _add_air(
    result: np.ndarray,
    labels: np.ndarray,
    spacing_mm: Sequence[float],
    leg_axis: int,
    random: np.random.Generator,
    priors: Priors,
) -> None:
    """Fat below the skin, the skin, and air around; none of them in any label.

    The leg is an ellipse whose surface is uneven, and the skin nowhere farther from the
    labels than it may be.
    """
    shape = result.shape
    across = [axis for axis in range(3) if axis != leg_axis]
    half_mm = [shape[axis] * spacing_mm[axis] / 2 for axis in across]
    radii_mm = random.uniform(*_LEG, 2) * half_mm
    squared = np.zeros((1, 1, 1), np.float32)
    for axis, half, radius in zip(across, half_mm, radii_mm, strict=True):
        along = (np.arange(shape[axis]) + 0.5) * spacing_mm[axis] - half
        squared = squared + np.square(_lying(along / radius, axis))
    uneven = smooth(shape, spacing_mm, _SKIN_LENGTH_MM, random)
    depth_mm = np.float32(np.mean(radii_mm)) * (1 - np.sqrt(squared) + 0.08 * uneven)
    nearest, farthest = np.log(np.sort(random.uniform(*priors.skin_mm, 2)))
    reach_mm = np.exp(nearest + (farthest - nearest) / (1 + np.exp(-2 * uneven)))
    np.minimum(depth_mm, reach_mm - distance_mm(labels > 0, spacing_mm), out=depth_mm)
    outside = labels == 0
    fat_mm = random.uniform(*priors.skin_fat_mm)
    result[outside & (depth_mm < _SKIN_MM + fat_mm)] = NUMBERS["fat"]
    result[outside & (depth_mm < _SKIN_MM)] = NUMBERS["muscle"]
    result[outside & (depth_mm < 0)] = NUMBERS["air"]


def _add_lesions(
    result: np.ndarray,
    marrow: np.ndarray,
    spacing_mm: Sequence[float],
    random: np.random.Generator,
    priors: Priors,
) -> None:
    """Marrow that is as wet as muscle, in patches without an edge of their own."""
    places = np.argwhere(marrow)
    for _ in range(int(random.integers(priors.num_marrow_lesions + 1))):
        if not len(places):
            return
        centre = places[random.integers(len(places))]
        radius_mm = random.uniform(*priors.marrow_lesion_mm)
        chance = bump(marrow.shape, spacing_mm, centre, radius_mm)
        wet = marrow & (random.random(marrow.shape, np.float32) < chance)
        result[wet] = NUMBERS["muscle"]
