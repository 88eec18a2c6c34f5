"""A knee in numbers: cartilage plates, their regions, compartments, menisci."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping

import numpy as np
from nibabel.affines import apply_affine

from deepresolve.imaging.volume import Volume
from deepresolve.quantification import menisci, regions, sides
from deepresolve.quantification.axes import knee_axes
from deepresolve.quantification.bones import bone_below
from deepresolve.quantification.parts import CARTILAGE, MENISCUS, Part, parts_of
from deepresolve.quantification.thickness import (
    QUANTITIES,
    Plate,
    measure_plate,
    statistics,
)
from deepresolve.system import wording

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
# What is smaller is no plate.
_LEAST_CM2 = 0.5
# Tibial plates fall off to the back by some 10 degrees; the rest is how a knee lies.
_MOST_ASKEW_DEGREES = 30.0
# Of what a plate has in each slice, more than this in the outermost: it goes on beyond.
_CUT_SHARE = 0.5
# Of a label map's values, in a message.
_SHOWN = 12
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
      side: "right" or "left", by where medial lies; "" where nothing tells.
      notes: what makes the numbers worse than they look.
      affine: (4, 4), from vertices of the plates to millimetres in the world: to the
        right, to the front and up.
      without_bone: plates whose bone no label is: what they lie on follows from
        themselves, and where it is denuded cannot be told.
      intervals: by place and quantity the lower and the upper end of what each number
        may be, where `measure_with_intervals` made them.
      intervals_from: what they were made of; "" where there are none.
      not_measured: why cartilage that the label map holds is not among `plates`, by the
        plate's name; by its bone, where it has none. `notes` say it, too.
      side_from: what tells the side, of `sides.SOURCES`; "" where nothing does.
    """

    plates: Mapping[str, Plate]
    regions: Mapping[str, tuple[str, np.ndarray]]
    quantities: Mapping[str, Mapping[str, float]]
    weight_bearing: float
    side: str
    notes: tuple[str, ...]
    affine: np.ndarray
    without_bone: tuple[str, ...] = ()
    intervals: Mapping[str, Mapping[str, tuple[float, float]]] = dataclasses.field(
        default_factory=dict
    )
    intervals_from: str = ""
    not_measured: Mapping[str, str] = dataclasses.field(default_factory=dict)
    side_from: str = ""

    def in_world(self, vertices: np.ndarray) -> np.ndarray:
        """Where vertices of a plate lie in the world: (n, 3), in mm."""
        return apply_affine(self.affine, vertices)

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
    known_side: str = "",
) -> KneeMeasures:
    """Thickness, areas and volume of each cartilage plate of a label map.

    Args:
      label_map: whole numbers, 0 outside; on any grid.
      label_names: what each value means: "femoral cartilage", "medial tibial
        cartilage", "femur", ... Values that are no cartilage, bone or meniscus are not
        used.
      weight_bearing: of the way from the notch to the back of a condyle, the share that
        is weight-bearing, 0 to 1.
      known_side: "right" or "left", where that is known from elsewhere; a note tells
        where the labels say otherwise, and where no label says which side is medial,
        this does.

    Raises:
      ValueError: nothing that can be measured, labels that disagree about which side is
        medial, two labels for one part, a share beyond 0 and 1, voxels that are no
        whole numbers, or a grid whose axes are not at right angles. Where some plates
        can be measured and others not, `notes` says why.
    """
    if not 0 < weight_bearing < 1:
        raise ValueError(f"weight_bearing: expected 0 to 1; got {weight_bearing}.")
    _check(label_map)
    sagittal = label_map.in_plane("sagittal")
    # Triangles are not the same from left to right and from right to left: all knees
    # are measured towards medial, so that a knee has what its mirror image has.
    sided = sides.towards_medial(sagittal, label_names, known_side)
    plates, boneless, of_plates, not_measured = _plates(
        sided.array, sagittal.spacing_mm, sided.label_names
    )
    if not plates:
        raise ValueError(
            "No cartilage to measure: expected labels such as 'femoral cartilage', "
            f"'medial tibial cartilage'; there are {_held(label_map, label_names)}. "
            + " ".join(of_plates)
        )
    beyond, of_cut = _leaving(plates, sagittal)
    notes = (*_unused(label_map, label_names), *of_plates, *_notes(sagittal))
    notes += (*sided.notes, *of_cut)
    places: dict[str, tuple[str, np.ndarray]] = {}
    of_menisci: dict[str, dict[str, float]] = {}
    if sided.medial_first is not None:
        axes, of_axes = _axes(plates)
        notes += of_axes
        whole = {name: of for name, of in plates.items() if name not in beyond}
        places = _regions(whole, axes, weight_bearing)
        of_menisci = _menisci(sided, sagittal.spacing_mm, plates, axes)
    quantities = _quantities(plates, places, boneless) | of_menisci
    if sided.medial_first:
        last_mm = (sagittal.shape[2] - 1) * sagittal.spacing_mm[2]
        plates = {name: _mirrored(plate, last_mm) for name, plate in plates.items()}
    affine = sagittal.affine @ np.diag([*np.divide(1, sagittal.spacing_mm), 1])
    return KneeMeasures(
        *(plates, places, quantities, weight_bearing, sided.side, notes, affine),
        tuple(boneless),
        not_measured=not_measured,
        side_from=sided.side_from,
    )


def _unused(label_map: Volume, label_names: Mapping[int, str]) -> list[str]:
    """What the label map holds that nothing is made of."""
    held = [v for v in np.unique(label_map.array).astype(int).tolist() if v]
    known = parts_of(label_names)
    unknown = [
        repr(label_names[v]) for v in held if v in label_names and v not in known
    ]
    nameless = [str(v) for v in held if v not in label_names]
    notes = []
    if unknown:
        notes.append(
            f"Not used, for the name is no cartilage, bone or meniscus: "
            f"{wording.listed(unknown)}."
        )
    if nameless:
        notes.append(f"Not used, for they have no name: {wording.listed(nameless)}.")
    return notes


def _leaving(
    plates: Mapping[str, Plate], sagittal: Volume
) -> tuple[list[str], list[str]]:
    """Plates that go on beyond the first or the last slice, and a note of them."""
    step = sagittal.spacing_mm[2]
    last = (sagittal.shape[2] - 1) * step
    beyond = []
    for name, plate in plates.items():
        across, areas = plate.bone.vertices[:, regions.MEDIAL], plate.bone.areas_mm2
        in_a_slice = areas.sum() * step / max(step, np.ptp(across))
        # Half a slice each: surfaces end in the middle of the outermost.
        outermost = (across < step / 2, across > last - step / 2)
        if max(areas[mask].sum() for mask in outermost) > _CUT_SHARE * in_a_slice / 2:
            beyond.append(name)
    if not beyond:
        return [], []
    return beyond, [
        f"{wording.listed(beyond)}: cut by the first or the last slice, so the numbers "
        "are those of a part, which has no regions."
    ]


def _quantities(
    plates: Mapping[str, Plate],
    places: Mapping[str, tuple[str, np.ndarray]],
    boneless: Collection[str],
) -> dict[str, dict[str, float]]:
    """Of plates, their regions, and compartments."""
    found = {name: statistics(plate) for name, plate in plates.items()}
    found |= {name: statistics(plates[of], mask) for name, (of, mask) in places.items()}
    for name, quantities in found.items():
        if (places[name][0] if name in places else name) in boneless:
            quantities["dABp"] = math.nan  # it cannot be told without bones
    return found | _compartments(found)


def _plates(
    array: np.ndarray, spacing_mm: tuple[float, ...], label_names: Mapping[int, str]
) -> tuple[dict[str, Plate], list[str], list[str], dict[str, str]]:
    """Each cartilage that is held, those without bone, notes, and why some are none."""
    known = parts_of(label_names)
    held = set(np.unique(array).tolist()) & set(known)
    plates: dict[str, Plate] = {}
    not_measured: dict[str, str] = {}
    notes, without_bone, boneless = [], [], []
    for of, values in _by_plate(known, held).items():
        names = " and ".join(repr(label_names[value]) for value in values)
        bones = [value for value in held if of.lies_on(known[value])]
        try:
            if of not in PLATES:
                raise ValueError("The OAI's readings have no such plate.")
            cartilage, bone = np.isin(array, values), np.isin(array, bones)
            if not bones:
                bone = bone_below(cartilage, of.bone, spacing_mm)
                without_bone.append(f"the {of.bone}")
            plate = measure_plate(bone, cartilage, spacing_mm)
            area_cm2 = plate.bone.areas_mm2.sum() / 100
            if area_cm2 < _LEAST_CM2:
                raise ValueError(f"A plate of {area_cm2:.2g} cm² is none.")
            plates[PLATES[of]] = plate
            if not bones:
                boneless.append(PLATES[of])
        except ValueError as error:
            notes.append(f"{names} is not measured: {error}")
            not_measured[PLATES.get(of, of.bone)] = notes[-1]
    if without_bone:
        names = wording.either([*dict.fromkeys(without_bone)])
        notes.append(
            f"No label is {names}: cartilage is measured from the side where its bone "
            "is, and denuded bone cannot be told."
        )
    return plates, boneless, notes, not_measured


def _by_plate(known: Mapping[int, Part], held: set[int]) -> dict[Part, list[int]]:
    """Values of each plate; of femur and patella both sides together.

    Raises:
      ValueError: two values are the same part.
    """
    found: dict[Part, list[int]] = {}
    for value in sorted(held):
        own = known[value]
        if own.kind != CARTILAGE:
            continue
        if any(known[v] == own for values in found.values() for v in values):
            raise ValueError(
                f"Two labels are cartilage of the {f'{own.side} {own.bone}'.strip()}: "
                "give each part one value."
            )
        side = own.side if own.bone == "tibia" else ""
        found.setdefault(own._replace(side=side), []).append(value)
    return found


def _axes(plates: Mapping[str, Plate]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The knee's down, back and medial, and what is to know of them."""
    if "MT" not in plates or "LT" not in plates:
        return np.eye(3), (
            "Without a medial and a lateral tibial plate regions are told along the "
            "axes of the scan: a knee that lies askew has others.",
        )
    axes = knee_axes(plates["MT"].bone, plates["LT"].bone)
    askew = math.degrees(math.acos(min(1.0, np.diagonal(axes).min())))
    if askew <= _MOST_ASKEW_DEGREES:
        return axes, ()
    return axes, (
        f"The tibial plates lie {askew:.0f} degrees from the axes of the scan, more "
        "than knees do: are they whole?",
    )


def _regions(
    plates: Mapping[str, Plate], axes: np.ndarray, weight_bearing: float
) -> dict[str, tuple[str, np.ndarray]]:
    """By name: the plate, and which vertices of its bone."""
    found = {}
    bones = {name: plate.bone.turned(axes) for name, plate in plates.items()}
    for name, side in (("MT", "medial"), ("LT", "lateral")):
        if name in bones:
            for region, mask in regions.of_tibia(bones[name], side).items():
                found[region] = name, mask
    if "F" in bones:
        for region, mask in regions.of_femur(bones["F"], weight_bearing).items():
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
    sided: sides.Sided,
    spacing_mm: tuple[float, ...],
    plates: Mapping[str, Plate],
    axes: np.ndarray,
) -> dict[str, dict[str, float]]:
    known = parts_of(sided.label_names)
    found = {}
    for side, (name, below) in _MENISCI.items():
        values = [v for v, of in known.items() if of == Part(MENISCUS, "", side)]
        mask = np.isin(sided.array, values)
        if below in plates and mask.any():
            found[name] = menisci.measure_meniscus(
                mask, plates[below], side, spacing_mm, axes
            )
    return found


def _held(label_map: Volume, label_names: Mapping[int, str]) -> str:
    """The values of a label map, by name where they have one; the first few."""
    values = np.unique(label_map.array).astype(int).tolist()
    shown = [str(label_names.get(value, value)) for value in values[:_SHOWN]]
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(shown) + more


def _mirrored(plate: Plate, last_mm: float) -> Plate:
    return dataclasses.replace(
        plate,
        bone=plate.bone.mirrored(regions.MEDIAL, last_mm),
        articular=plate.articular.mirrored(regions.MEDIAL, last_mm),
    )


def _check(label_map: Volume) -> None:
    """ValueError of axes that are not at right angles, or of no whole numbers."""
    axes = label_map.affine[:3, :3] / label_map.spacing_mm
    cosines = np.abs(axes.T @ axes - np.eye(3))
    if cosines.max() > _MOST_SHEARED:
        raise ValueError(
            "The axes of the label map are not at right angles (slices step sideways, "
            f"cosine {cosines.max():.2g}): millimetres along them are no distances. "
            "Resample it to a grid whose axes are, with labels by nearest neighbour."
        )
    if not np.isfinite(label_map.array).all() or np.any(label_map.array % 1):
        raise ValueError(
            "A label map holds whole numbers; this one has others. Is it the image, or "
            "was it interpolated?"
        )


def _notes(label_map: Volume) -> tuple[str, ...]:
    coarsest = max(label_map.spacing_mm)
    if coarsest <= _COARSE_MM:
        return ()
    return (
        f"Voxels of {coarsest:.3g} mm are as large as cartilage is thick: surfaces, "
        "areas and how far menisci stand out along that axis are known no better, and "
        "some of what is covered counts as denuded. Super-resolve the scan before it "
        "is segmented.",
    )
