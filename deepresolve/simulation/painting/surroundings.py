"""What a label map leaves out: cortex, fluid, fat, muscle, tendons, and air outside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from deepresolve.simulation.painting.contrast import TISSUES
from deepresolve.simulation.painting.fields import bump, smooth
from deepresolve.simulation.painting.priors import Priors

NUMBERS = {name: number for number, name in enumerate(TISSUES)}

# Soft tissues between the labels, with the length over which patches of them vary.
_PATCHES_MM = (("fat", 22.0), ("muscle", 26.0), ("fat", 9.0), ("fluid", 12.0))
_RARE = {"fluid": 1.2}  # standard deviations by which it must stand out
_SHEET_MM = 18.0
_SHEET_WIDTH = (0.02, 0.08)
_FLUID_REACH_MM = (0.0, 2.5)
_SKIN_MM = 1.5
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
      priors: uses cortex_mm and num_marrow_lesions.
    """
    result = _soft(labels.shape, spacing_mm, random)
    outside = labels == 0
    _add_fluid(result, labels, tissue_of, spacing_mm, random)
    _add_air(result, outside, spacing_mm, leg_axis, random)
    for value, name in tissue_of.items():
        result[labels == value] = NUMBERS[name]
    marrow = np.isin(labels, [v for v, name in tissue_of.items() if name == "marrow"])
    if marrow.any():
        depth_mm = ndimage.distance_transform_edt(marrow, spacing_mm)
        shell = marrow & (depth_mm < random.uniform(*priors.cortex_mm))
        result[shell] = NUMBERS["cortex"]
        _add_lesions(result, marrow & ~shell, spacing_mm, random, priors)
    return result


def _soft(
    shape: Sequence[int], spacing_mm: Sequence[float], random: np.random.Generator
) -> np.ndarray:
    """Patches of soft tissues, the one whose field is highest, and sheets of tendon."""
    highest = np.full(shape, -np.inf, np.float32)
    result = np.zeros(shape, np.uint8)
    for name, length_mm in _PATCHES_MM:
        stretched = length_mm * random.uniform(0.6, 1.8, 3)
        field = smooth(shape, spacing_mm, stretched, random)
        field += np.float32(random.normal(0, 0.5) - _RARE.get(name, 0.0))
        higher = field > highest
        result[higher] = NUMBERS[name]
        highest[higher] = field[higher]
    sheets = smooth(shape, spacing_mm, _SHEET_MM, random)
    result[np.abs(sheets) < random.uniform(*_SHEET_WIDTH)] = NUMBERS["tendon"]
    return result


def _add_fluid(
    result: np.ndarray,
    labels: np.ndarray,
    tissue_of: dict[int, str],
    spacing_mm: Sequence[float],
    random: np.random.Generator,
) -> None:
    """Joint fluid along cartilage, here and there."""
    cartilages = [v for v, name in tissue_of.items() if name == "cartilage"]
    reach_mm = random.uniform(*_FLUID_REACH_MM)
    field = smooth(labels.shape, spacing_mm, 12.0, random)
    distance_mm = ndimage.distance_transform_edt(
        ~np.isin(labels, cartilages), spacing_mm
    )
    wet = (labels == 0) & (distance_mm < reach_mm) & (field > random.normal(0.3, 0.7))
    result[wet] = NUMBERS["fluid"]


def _add_air(
    result: np.ndarray,
    outside: np.ndarray,
    spacing_mm: Sequence[float],
    leg_axis: int,
    random: np.random.Generator,
) -> None:
    """Air around the leg, whose skin is as bright as fat; neither is in any label."""
    shape = result.shape
    across = [axis for axis in range(3) if axis != leg_axis]
    half_mm = [shape[axis] * spacing_mm[axis] / 2 for axis in across]
    radii_mm = random.uniform(*_LEG, 2) * half_mm
    squared = np.zeros((1, 1, 1), np.float32)
    for axis, half, radius in zip(across, half_mm, radii_mm, strict=True):
        along = (np.arange(shape[axis]) + 0.5) * spacing_mm[axis] - half
        places = [-1 if a == axis else 1 for a in range(3)]
        squared = squared + np.square(along / radius, dtype=np.float32).reshape(places)
    # 1 at the surface, which is uneven.
    distance = np.sqrt(squared) + 0.08 * smooth(shape, spacing_mm, 40.0, random)
    skin = _SKIN_MM / float(np.mean(radii_mm))
    result[outside & (distance > 1 - skin)] = NUMBERS["fat"]
    result[outside & (distance > 1)] = NUMBERS["air"]


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
        radius_mm = random.uniform(3, 10)
        chance = bump(marrow.shape, spacing_mm, centre, radius_mm)
        wet = marrow & (random.random(marrow.shape, np.float32) < chance)
        result[wet] = NUMBERS["muscle"]
