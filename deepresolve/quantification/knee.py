"""A knee in numbers: cartilage plates, their regions, compartments, menisci."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from deepresolve.imaging.volume import Volume
from deepresolve.quantification import menisci, regions
from deepresolve.quantification.parts import BONE, CARTILAGE, MENISCUS, Part, part
from deepresolve.quantification.thickness import (
    QUANTITIES,
    Plate,
    measure_plate,
    statistics,
)

# Of a compartment, sums of these of its tibial and its femoral part (OAI's tables).
_SUMS = ("VC", "ThCtAB_aMe", "ThCtAB_aMav")
_COMPARTMENTS = {
    "MFTC": ("MT", "cMF"),
    "LFTC": ("LT", "cLF"),
    "cMFTC": ("cMT", "ccMF"),
    "cLFTC": ("cLT", "ccLF"),
}
# Names of plates in the tables of the OAI (its chondrometric readings); F and T, all of
# the femur's and all of the tibia's, are ours.
PLATES = {
    Part(CARTILAGE, "femur"): "F",
    Part(CARTILAGE, "tibia"): "T",
    Part(CARTILAGE, "tibia", "medial"): "MT",
    Part(CARTILAGE, "tibia", "lateral"): "LT",
    Part(CARTILAGE, "patella"): "P",
}
# What a table has a column for.
COLUMNS = (*QUANTITIES, "coverage", "extrusion")
# Menisci, which the OAI's readings do not have, and the plates below them.
_MENISCI = {"medial": ("MM", "MT"), "lateral": ("LM", "LT")}
# Slices that are further apart than this are about as thick as cartilage.
_COARSE_MM = 1.5
# Cosine between axes of the array that are taken to be at right angles.
_MOST_SHEARED = 0.02


@dataclasses.dataclass(frozen=True)
class KneeMeasures:
    """Plates, their quantities, and what to know of them.

    Attributes:
      plates: surfaces and thickness, by the plate's name: "F", "MT", "LT", "T", "P"; in
        mm from the first voxel down, back and to the left, along the axes of
        `label_map.in_plane("sagittal")`.
      regions: by name, the plate that each is a part of and the vertices of its bone
        that are in it.
      quantities: of each plate, region and compartment, by their names in OAI's tables;
        units stand in `thickness.statistics`. Of menisci ("MM", "LM") those of
        `menisci.measure_meniscus`. NaN where there is no such number.
      weight_bearing: share of a condyle that its centre has.
      notes: what makes the numbers worse than they look.
    """

    plates: Mapping[str, Plate]
    regions: Mapping[str, tuple[str, np.ndarray]]
    quantities: Mapping[str, Mapping[str, float]]
    weight_bearing: float
    notes: tuple[str, ...]

    @property
    def table(self) -> dict[str, float]:
        """All of them, by place and quantity as OAI's tables have it: "MT_VC"."""
        return {
            f"{name}_{quantity}": number
            for name, of_place in self.quantities.items()
            for quantity, number in of_place.items()
            if not math.isnan(number)
        }

    @property
    def summary(self) -> str:
        """One line: how thick each plate is, over how much bone."""
        return ", ".join(
            f"{name} {self.quantities[name]['ThCtAB_aMe']:.2f} mm over "
            f"{self.quantities[name]['tAB']:.1f} cm²"
            for name in self.plates
        )


def measure(
    label_map: Volume,
    label_names: Mapping[int, str],
    weight_bearing: float = regions.WEIGHT_BEARING,
) -> KneeMeasures:
    """Thickness, areas and volume of each cartilage plate of a label map.

    Args:
      label_map: whole numbers, 0 outside; on any grid.
      label_names: what each value means: "femoral cartilage", "medial tibial
        cartilage", "femur", ... Values that are no cartilage, bone or meniscus are not
        used.
      weight_bearing: of the way from the notch to the back of a condyle, the share that
        is weight-bearing, 0 to 1.

    Raises:
      ValueError: no cartilage with a name that is understood, a cartilage without its
        bone, one that does not lie on it, two labels for one plate, a share beyond 0
        and 1, or a grid whose axes are not at right angles.
    """
    if not 0 < weight_bearing < 1:
        raise ValueError(f"weight_bearing: expected 0 to 1; got {weight_bearing}.")
    _check_grid(label_map)
    sagittal = label_map.in_plane("sagittal")
    named = {value: part(name) for value, name in label_names.items()}
    known = {value: of for value, of in named.items() if of is not None}
    medial_first = _medial_first(sagittal.array, known)
    # Triangles are not the same from left to right and from right to left: all knees
    # are measured towards medial, so that a knee has what its mirror image has.
    array = np.flip(sagittal.array, 2) if medial_first else sagittal.array
    plates = _plates(array, sagittal.spacing_mm, known, label_names)
    notes = _notes(sagittal)
    places: dict[str, tuple[str, np.ndarray]] = {}
    if medial_first is None:
        notes += (
            "What is medial is not told by any label: no regions. Name medial and "
            "lateral plates or menisci, or the fibula.",
        )
    else:
        places = _regions(plates, weight_bearing)
    quantities = {name: statistics(plate) for name, plate in plates.items()}
    quantities |= {
        name: statistics(plates[of], mask) for name, (of, mask) in places.items()
    }
    quantities |= _compartments(quantities)
    if medial_first is not None:
        quantities |= _menisci(array, sagittal.spacing_mm, known, plates)
    if medial_first:
        last_mm = (array.shape[2] - 1) * sagittal.spacing_mm[2]
        plates = {name: _mirrored(plate, last_mm) for name, plate in plates.items()}
    return KneeMeasures(plates, places, quantities, weight_bearing, notes)


def _plates(
    array: np.ndarray,
    spacing_mm: tuple[float, ...],
    known: Mapping[int, Part],
    label_names: Mapping[int, str],
) -> dict[str, Plate]:
    """Each cartilage that the label map holds."""
    held = set(np.unique(array)) & set(known)
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
            plates[name] = measure_plate(
                np.isin(array, bones), array == value, spacing_mm
            )
        except ValueError as error:
            raise ValueError(f"{label_names[value]!r}: {error}") from error
    if not plates:
        raise ValueError(
            "No cartilage to measure: expected labels such as 'femoral cartilage', "
            "'medial tibial cartilage'; the label map holds "
            f"{[label_names.get(int(v), int(v)) for v in np.unique(array)]}."
        )
    return plates


def _regions(
    plates: Mapping[str, Plate], weight_bearing: float
) -> dict[str, tuple[str, np.ndarray]]:
    """By name: the plate, and which vertices of its bone."""
    found = {}
    for name, side in (("MT", "medial"), ("LT", "lateral")):
        if name in plates:
            for region, mask in regions.of_tibia(plates[name].bone, side).items():
                found[region] = name, mask
    if "F" in plates:
        for region, mask in regions.of_femur(plates["F"].bone, weight_bearing).items():
            found[region] = "F", mask
    return found


def _compartments(
    quantities: Mapping[str, Mapping[str, float]],
) -> dict[str, dict[str, float]]:
    return {
        name: {
            quantity: quantities[tibial][quantity] + quantities[femoral][quantity]
            if quantity in _SUMS
            else math.nan
            for quantity in QUANTITIES
        }
        for name, (tibial, femoral) in _COMPARTMENTS.items()
        if tibial in quantities and femoral in quantities
    }


def _menisci(
    array: np.ndarray,
    spacing_mm: tuple[float, ...],
    known: Mapping[int, Part],
    plates: Mapping[str, Plate],
) -> dict[str, dict[str, float]]:
    found = {}
    for side, (name, below) in _MENISCI.items():
        values = [v for v, of in known.items() if of == Part(MENISCUS, "", side)]
        mask = np.isin(array, values)
        if below in plates and mask.any():
            found[name] = menisci.measure_meniscus(
                mask, plates[below], side, spacing_mm
            )
    return found


def _medial_first(array: np.ndarray, known: Mapping[int, Part]) -> bool | None:
    """Whether what is medial comes first along the last axis; None: nothing tells.

    Plates and menisci with a side do, and the fibula, which is lateral.
    """
    votes = []
    for value, of in known.items():
        opposite = [v for v, other in known.items() if of.is_opposite(other)]
        if of.bone == "fibula":
            opposite = [v for v, other in known.items() if other == Part(BONE, "tibia")]
        if of.side != "lateral" and of.bone != "fibula":
            continue
        lateral, medial = _middle(array, [value]), _middle(array, opposite)
        if lateral is not None and medial is not None:
            votes.append(np.sign(lateral - medial))
    return None if not sum(votes) else bool(sum(votes) > 0)


def _middle(array: np.ndarray, values: list[int]) -> float | None:
    counts = np.isin(array, values).sum(axis=(0, 1))
    if not counts.any():
        return None
    return float(np.average(np.arange(len(counts)), weights=counts))


def _mirrored(plate: Plate, last_mm: float) -> Plate:
    return dataclasses.replace(
        plate,
        bone=plate.bone.mirrored(regions.MEDIAL, last_mm),
        articular=plate.articular.mirrored(regions.MEDIAL, last_mm),
    )


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
