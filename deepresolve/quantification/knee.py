"""The cartilage of a knee in numbers, plate by plate."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from deepresolve.imaging.mirroring import left_right_axis
from deepresolve.imaging.volume import Volume
from deepresolve.quantification.parts import BONE, CARTILAGE, Part, part
from deepresolve.quantification.thickness import Plate, measure_plate, statistics

# Names of plates in the tables of the OAI (its chondrometric readings); F and T, all of
# the femur's and all of the tibia's, are ours.
PLATES = {
    Part(CARTILAGE, "femur"): "F",
    Part(CARTILAGE, "tibia"): "T",
    Part(CARTILAGE, "tibia", "medial"): "MT",
    Part(CARTILAGE, "tibia", "lateral"): "LT",
    Part(CARTILAGE, "patella"): "P",
}
# Slices that are further apart than this are about as thick as cartilage.
_COARSE_MM = 1.5
# Cosine between axes of the array that are taken to be at right angles.
_MOST_SHEARED = 0.02


@dataclasses.dataclass(frozen=True)
class KneeMeasures:
    """Plates, their quantities, and what to know of them.

    Attributes:
      plates: surfaces and thickness, by the plate's name: "F", "MT", "LT", "T", "P";
        in mm along the axes of the canonical label map.
      quantities: of each plate, by their names in OAI's tables; units stand in
        `thickness.statistics`.
      notes: what makes the numbers worse than they look.
    """

    plates: Mapping[str, Plate]
    quantities: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...]

    @property
    def table(self) -> dict[str, float]:
        """All of them, by plate and quantity as OAI's tables have it: "MT_VC"."""
        return {
            f"{name}_{quantity}": number
            for name, of_plate in self.quantities.items()
            for quantity, number in of_plate.items()
        }

    @property
    def summary(self) -> str:
        """One line: how thick each plate is, over how much bone."""
        return ", ".join(
            f"{name} {of['ThCtAB_aMe']:.2f} mm over {of['tAB']:.1f} cm²"
            for name, of in self.quantities.items()
        )


def measure(label_map: Volume, label_names: Mapping[int, str]) -> KneeMeasures:
    """Thickness, areas and volume of each cartilage plate of a label map.

    Args:
      label_map: whole numbers, 0 outside; on any grid.
      label_names: what each value means: "femoral cartilage", "medial tibial
        cartilage", "femur", ... Values that are no cartilage or bone are not used.

    Raises:
      ValueError: no cartilage with a name that is understood, a cartilage without its
        bone, one that does not lie on it, two labels for one plate, or a grid whose
        axes are not at right angles.
    """
    _check_grid(label_map)
    canonical = label_map.canonical()
    named = {value: part(name) for value, name in label_names.items()}
    known = {value: of for value, of in named.items() if of is not None}
    held = set(np.unique(canonical.array)) & set(known)
    array, axis = canonical.array, left_right_axis(canonical)
    # Triangles are not the same from left to right and from right to left: all knees
    # are measured as one side, so that a knee has what its mirror image has.
    is_flipped = _medial_first(array, known, axis)
    if is_flipped:
        array = np.flip(array, axis)
    plates: dict[str, Plate] = {}
    for value in sorted(held):
        name = PLATES.get(known[value])
        if name is None:
            continue
        if name in plates:
            raise ValueError(
                f"Two labels are plate {name}: {label_names[value]!r} is the second. "
                "Give each plate one value."
            )
        bones = [v for v in held if known[v] == Part(BONE, known[value].bone)]
        if not bones:
            raise ValueError(
                f"{label_names[value]!r} is measured from its bone, the "
                f"{known[value].bone}, which the label map does not hold. Segment the "
                "bones too (pretrained:seg_knee does), or name their values."
            )
        try:
            plate = measure_plate(
                np.isin(array, bones), array == value, canonical.spacing_mm
            )
        except ValueError as error:
            raise ValueError(f"{label_names[value]!r}: {error}") from error
        if is_flipped:
            last_mm = (array.shape[axis] - 1) * canonical.spacing_mm[axis]
            plate = dataclasses.replace(
                plate,
                bone=plate.bone.mirrored(axis, last_mm),
                articular=plate.articular.mirrored(axis, last_mm),
            )
        plates[name] = plate
    if not plates:
        raise ValueError(
            "No cartilage to measure: expected labels such as 'femoral cartilage', "
            f"'medial tibial cartilage'; the label map holds "
            f"{[label_names.get(int(v), int(v)) for v in np.unique(label_map.array)]}."
        )
    quantities = {name: statistics(plate) for name, plate in plates.items()}
    return KneeMeasures(plates, quantities, _notes(canonical))


def _medial_first(array: np.ndarray, known: Mapping[int, Part], axis: int) -> bool:
    """Whether what is medial comes before what is lateral along an axis.

    Without sides a knee is measured as it lies.
    """
    middles = {}
    for side in ("medial", "lateral"):
        values = [value for value, of in known.items() if of.side == side]
        found = np.flatnonzero(np.isin(array, values).any(axis=_others(axis)))
        if not found.size:
            return False
        middles[side] = found.mean()
    return bool(middles["medial"] < middles["lateral"])


def _others(axis: int) -> tuple[int, ...]:
    return tuple(a for a in range(3) if a != axis)


def _check_grid(label_map: Volume) -> None:
    axes = label_map.affine[:3, :3] / label_map.spacing_mm
    cosines = np.abs(axes.T @ axes - np.eye(3))
    if cosines.max() > _MOST_SHEARED:
        raise ValueError(
            "The axes of the label map are not at right angles (slices step sideways, "
            f"cosine {cosines.max():.2g}): millimetres along them are no distances. "
            "Resample it to a grid whose axes are, with labels by nearest neighbour."
        )


def _notes(label_map: Volume) -> tuple[str, ...]:
    coarsest = max(label_map.spacing_mm)
    if coarsest <= _COARSE_MM:
        return ()
    return (
        f"Voxels of {coarsest:.3g} mm are as large as cartilage is thick: surfaces "
        "along that axis are not known to a millimetre. Super-resolve the scan before "
        "it is segmented.",
    )
