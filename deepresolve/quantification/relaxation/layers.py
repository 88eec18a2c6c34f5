"""Where the voxels of a map lie in cartilage: by plate, region and depth.

    layers = of_knee(knee, label_map, label_names, t2.time_ms)
    rows = list(table.rows(layers, t2))

T2 grows from the bone to the surface of cartilage, and changes in the one layer before
the other. Which of the measured knee's plates a voxel belongs to its label says, and
where one label is both tibial plates (OAI-ZIB), the nearest bone; which region, the
nearest vertex of the bone; how deep it lies, the nearest places of both surfaces: 0 at
the bone, 1 at the articular surface, one half midway between them. The map may be on
another grid than the label map: all is compared in the world.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
from nibabel.affines import apply_affine
from scipy.spatial import KDTree

from deepresolve.imaging.resampling import resample_labels
from deepresolve.imaging.volume import Volume
from deepresolve.quantification.knee import KneeMeasures
from deepresolve.quantification.parts import parts_of
from deepresolve.quantification.thickness_map import plates_of

# From bone to surface; the halves that studies report.
LAYERS = {"all": (0.0, 1.0), "deep": (0.0, 0.5), "superficial": (0.5, 1.0)}
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
      ValueError: the two have no place, or no cartilage, in common; or the label map
        lacks a plate that was measured.
    """
    measured = _voxels_of_plates(knee, label_map, label_names)
    if missing := sorted(set(knee.plates) - set(measured)):
        raise ValueError(
            f"The label map has no voxel of plate {missing[0]}, which was measured: "
            "give the label map and `label_names` that `measure` was given."
        )
    on_grid = resample_labels(label_map, grid)
    plates = _voxels_of_plates(knee, on_grid, label_names)
    depths: dict[str, np.ndarray] = {}
    nearest: dict[str, np.ndarray] = {}
    notes = []
    for name in knee.plates:
        outside = _share_outside(_in_world(measured[name], label_map), grid)
        if outside > _LEAST_OUTSIDE:
            notes.append(
                f"{100 * outside:.0f}% of the cartilage of {name} lies outside of the "
                "map's field of view and is not counted."
            )
        if name in plates:
            nearest[name], depths[name] = _depths(
                knee, name, _in_world(plates[name], grid)
            )
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


def places(layers: Layers) -> Iterator[tuple[str, str, str, np.ndarray]]:
    """Each plate and region, whole and by layer.

    Args:
      layers: of a grid.

    Yields:
      place, layer, the plate that it is a part of, and which of the plate's voxels are
      in it, bool.
    """
    everywhere = {name: (name, None) for name in layers.plates}
    for place, (plate, mask) in {**everywhere, **layers.regions}.items():
        depths = layers.depths[plate]
        for layer, (low, high) in LAYERS.items():
            within = (depths >= low) & ((depths < high) | (high == 1.0))
            yield place, layer, plate, within if mask is None else within & mask


def _voxels_of_plates(
    knee: KneeMeasures, labels: Volume, label_names: Mapping[int, str]
) -> dict[str, np.ndarray]:
    """By the plate's name, flat indices of the voxels of its cartilage, ascending.

    Of a value that several plates share, each voxel is the nearest bone's.
    """
    found: dict[str, list[np.ndarray]] = {}
    for value, own in parts_of(label_names).items():
        names = [name for name in plates_of(own) if name in knee.plates]
        voxels = np.flatnonzero(labels.array == value)
        if not names or not voxels.size:
            continue
        of = np.zeros(voxels.size, int)
        if len(names) > 1:
            places_mm = _in_world(voxels, labels)
            from_bones_mm = [_bone(knee, name).query(places_mm)[0] for name in names]
            of = np.argmin(from_bones_mm, axis=0)
        for number, name in enumerate(names):
            if (of == number).any():
                found.setdefault(name, []).append(voxels[of == number])
    return {name: np.sort(np.concatenate(parts)) for name, parts in found.items()}


def _bone(knee: KneeMeasures, name: str) -> KDTree:
    """Of a plate, to look up the nearest vertex of its bone in the world."""
    return KDTree(knee.in_world(knee.plates[name].bone.vertices))


def _depths(
    knee: KneeMeasures, name: str, places_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The bone's vertex that each place is nearest to, and how deep it lies."""
    from_bone_mm, nearest = _bone(knee, name).query(places_mm)
    articular = knee.in_world(knee.plates[name].articular.vertices)
    to_surface_mm, _ = KDTree(articular).query(places_mm)
    total_mm = np.maximum(from_bone_mm + to_surface_mm, np.finfo(np.float64).tiny)
    return nearest, from_bone_mm / total_mm


def _in_world(voxels: np.ndarray, grid: Volume) -> np.ndarray:
    """(n, 3) mm of the centres of voxels, of which flat indices are given."""
    indices = np.stack(np.unravel_index(voxels, grid.shape), axis=-1)
    return apply_affine(grid.affine, indices)


def _share_outside(places_mm: np.ndarray, grid: Volume) -> float:
    """Of places, how many the grid has no voxel for."""
    at = apply_affine(np.linalg.inv(grid.affine), places_mm)
    outside = (at < -0.5) | (at > np.array(grid.shape) - 0.5)
    return float(outside.any(axis=1).mean())
