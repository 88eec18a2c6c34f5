"""A map's values in cartilage, by plate, region and depth.

    layers = of_knee(knee, label_map, label_names, t2_map)
    rows = table(layers, t2_map.array)

T2 grows from the bone to the surface of cartilage, and changes in the one layer before
the other. Which of the measured knee's plates a voxel belongs to its label says; which
region, the nearest vertex of the bone; how deep it lies, the nearest places of both
surfaces: 0 at the bone, 1 at the articular surface, one half midway between them. The
map may be on another grid than the label map: all is compared in the world.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
from scipy.spatial import KDTree

from deepresolve.imaging.resampling import resample_labels
from deepresolve.imaging.volume import Volume
from deepresolve.quantification.knee import PLATES, KneeMeasures
from deepresolve.quantification.parts import CARTILAGE, parts_of

# From bone to surface; the halves that studies report.
LAYERS = {"all": (0.0, 1.0), "deep": (0.0, 0.5), "superficial": (0.5, 1.0)}
# What a table has a column for, and of which type.
QUANTITIES: dict[str, type[int] | type[float]] = {
    **dict.fromkeys(("mean", "sd", "median"), float),
    **dict.fromkeys(("num_voxels", "num_left_out"), int),
}
# Cartilage outside of the map's field of view is told from this share on.
_LEAST_OUTSIDE = 0.01


@dataclasses.dataclass(frozen=True, eq=False)
class Layers:
    """Where the voxels of a grid lie in the cartilage of a knee.

    Attributes:
      plates: by the plate's name, flat indices into the grid of its voxels.
      depths: of each of them, 0 at the bone to 1 at the articular surface.
      regions: by name, the plate that each is a part of and which of the plate's voxels
        are in it.
      notes: what makes the numbers worse than they look.
    """

    plates: Mapping[str, np.ndarray]
    depths: Mapping[str, np.ndarray]
    regions: Mapping[str, tuple[str, np.ndarray]]
    notes: tuple[str, ...] = ()

    def depth_map(self, grid: Volume) -> Volume:
        """Depth in cartilage on the grid: float32, NaN elsewhere.

        Args:
          grid: that they were found for.
        """
        array = np.full(grid.array.size, np.nan, np.float32)
        for name, voxels in self.plates.items():
            array[voxels] = self.depths[name]
        return grid.with_array(array.reshape(grid.shape))


def of_knee(
    knee: KneeMeasures,
    label_map: Volume,
    label_names: Mapping[int, str],
    grid: Volume,
) -> Layers:
    """Finds the cartilage of a measured knee in the voxels of another volume.

    Args:
      knee: as `measure` gives it for the label map.
      label_map: that was measured.
      label_names: what its values mean.
      grid: of the map, of the same scan session; its own values do not matter.

    Raises:
      ValueError: the two have no place, or no cartilage, in common.
    """
    on_grid = resample_labels(label_map, grid)
    values = _values_of_plates(label_names)
    plates: dict[str, np.ndarray] = {}
    depths: dict[str, np.ndarray] = {}
    nearest: dict[str, np.ndarray] = {}
    notes = []
    for name in knee.plates:
        outside = _share_outside(
            np.isin(label_map.array, values[name]), label_map, grid
        )
        if outside > _LEAST_OUTSIDE:
            notes.append(
                f"{100 * outside:.0f}% of the cartilage of {name} lies outside of the "
                "map's field of view and is not counted."
            )
        voxels = np.flatnonzero(np.isin(on_grid.array, values[name]))
        if voxels.size:
            plates[name] = voxels
            places_mm = _in_world(np.unravel_index(voxels, grid.shape), grid)
            nearest[name], depths[name] = _depths(knee, name, places_mm)
    if not plates:
        raise ValueError(
            "No voxel of the map lies in the cartilage of the label map, though their "
            "fields of view meet. Are both of one scan session?"
        )
    regions = {
        region: (name, mask[nearest[name]])
        for region, (name, mask) in knee.regions.items()
        if name in plates
    }
    return Layers(plates, depths, regions, tuple(notes))


def table(layers: Layers, array: np.ndarray) -> Iterator[dict[str, str | float]]:
    """Rows of a table: each plate and region, whole and by layer.

    Args:
      layers: of the map's grid.
      array: its values, NaN where there is none.

    Yields:
      place, layer, mean, sd (of the voxels), median, num_voxels that have a value and
      num_left_out that have none, in the map's units; NaN where no voxel has one.
    """
    flat = np.asarray(array).reshape(-1)
    everywhere = {name: (name, None) for name in layers.plates}
    for place, (plate, mask) in {**everywhere, **layers.regions}.items():
        depths = layers.depths[plate]
        for layer, (low, high) in LAYERS.items():
            within = (depths >= low) & ((depths < high) | (high == 1.0))
            within &= True if mask is None else mask
            values = flat[layers.plates[plate][within]]
            yield {"place": place, "layer": layer, **statistics(values)}


def statistics(values: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation, median and number of the values that are not NaN."""
    held = values[np.isfinite(values)].astype(np.float64)
    of_values = np.mean, np.std, np.median
    numbers = [float(of(held)) if held.size else np.nan for of in of_values]
    counts = held.size, values.size - held.size
    return dict(zip(QUANTITIES, (*numbers, *counts), strict=True))


def _values_of_plates(label_names: Mapping[int, str]) -> dict[str, list[int]]:
    """By the plate's name, the values of its cartilage."""
    found: dict[str, list[int]] = {}
    for value, part in parts_of(label_names).items():
        if part.kind == CARTILAGE:
            side = part.side if part.bone == "tibia" else ""
            if name := PLATES.get(part._replace(side=side)):
                found.setdefault(name, []).append(value)
    return found


def _depths(
    knee: KneeMeasures, name: str, places_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The bone's vertex that each place is nearest to, and how deep it lies."""
    plate = knee.plates[name]
    from_bone_mm, nearest = KDTree(knee.in_world(plate.bone.vertices)).query(places_mm)
    to_surface_mm, _ = KDTree(knee.in_world(plate.articular.vertices)).query(places_mm)
    total_mm = np.maximum(from_bone_mm + to_surface_mm, np.finfo(np.float64).tiny)
    return nearest, from_bone_mm / total_mm


def _in_world(indices: tuple[np.ndarray, ...], grid: Volume) -> np.ndarray:
    """(n, 3) mm of the centres of voxels."""
    return np.stack(indices, axis=-1) @ grid.affine[:3, :3].T + grid.affine[:3, 3]


def _share_outside(mask: np.ndarray, label_map: Volume, grid: Volume) -> float:
    """Of the mask's voxels, how many the grid has no voxel for."""
    places_mm = _in_world(np.nonzero(mask), label_map)
    to_grid = np.linalg.inv(grid.affine)
    at = places_mm @ to_grid[:3, :3].T + to_grid[:3, 3]
    outside = (at < -0.5) | (at > np.array(grid.shape) - 0.5)
    return float(outside.any(axis=1).mean()) if len(at) else 0.0
