"""A knee in numbers: cartilage plates, their regions, compartments, menisci."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from nibabel.affines import apply_affine

from deepresolve.imaging.volume import Volume
from deepresolve.quantification import anatomy, label_maps, regions, sides
from deepresolve.quantification.bone_positions import Bone, BonesInWorld
from deepresolve.quantification.bones import bone_below
from deepresolve.quantification.carried import BONES, NOTHING, Carried, carried
from deepresolve.quantification.parts import BONE, CARTILAGE, Part, parts_of
from deepresolve.quantification.probabilities import Arrays, Probabilities
from deepresolve.quantification.thickness import QUANTITIES, Plate, measure_plate
from deepresolve.system import wording

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
# What is smaller is no plate.
_LEAST_CM2 = 0.5
# All cartilage of a large man's knee is less than half of it.
_MOST_CM3 = 100.0
# Of its bone's area, more than this beyond the scan is told.
_LEAST_BEYOND_MM2 = 1.0
# Of what a plate has in each slice, more than this in the outermost: it goes on beyond.
_CUT_SHARE = 0.5


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
      bones: where they lie, by name, of those that are labelled; found when they are
        asked for.
      axes: (3, 3), the knee's down, back and towards medial in the world, a unit vector
        each row; None where medial is not known.
      regions_from: "own plates", or "baseline" where all or some are laid on the bones
        as an earlier visit has them; "" where there are none.
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
    bones: Mapping[str, Bone] = dataclasses.field(default_factory=dict)
    axes: np.ndarray | None = None
    regions_from: str = ""

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
    probabilities: Probabilities | None = None,
    baseline: KneeMeasures | None = None,
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
      probabilities: of the label map's values, which place surfaces between voxels, as
        `probabilities.checked` has found them to be; None: surfaces follow the labels.
      baseline: the same knee at an earlier visit, whose axes and regions it gets, where
        its bones lie now; None: its own.

    Raises:
      ValueError: nothing that can be measured, labels that disagree about which side is
        medial, two labels for one part, a share beyond 0 and 1, voxels that are no
        whole numbers, a grid whose axes are not at right angles, or a baseline of
        another knee or share. Where some plates can be measured and others not, `notes`
        says why.
    """
    if not 0 < weight_bearing < 1:
        raise ValueError(f"weight_bearing: expected 0 to 1; got {weight_bearing}.")
    label_maps.check(label_map)
    sagittal = label_map.in_plane("sagittal")
    # Triangles are not the same from left to right and from right to left: all knees
    # are measured towards medial, so that a knee has what its mirror image has.
    sided = sides.towards_medial(sagittal, label_names, known_side)
    if baseline is not None:
        _check_same_knee(baseline, sided.side, weight_bearing)
    arrays = None
    if probabilities is not None:
        arrays = probabilities.sagittal(bool(sided.medial_first))
    plates, boneless, of_plates, not_measured = _plates(
        sided, sagittal.spacing_mm, arrays
    )
    if not plates:
        held = label_maps.held(label_map, label_names)
        raise ValueError(
            "No cartilage to measure: expected labels such as 'femoral cartilage', "
            f"'medial tibial cartilage'; there are {held}. " + " ".join(of_plates)
        )
    beyond, of_cut = _leaving(plates, sagittal)
    whole = {name: of for name, of in plates.items() if name not in beyond}
    bones = _bones(sagittal, label_names)
    to_world = _to_world(sagittal, bool(sided.medial_first))
    earlier = NOTHING
    if baseline is not None and sided.medial_first is not None:
        earlier = carried(baseline, whole, bones, to_world)
    frame = _frame(sided, sagittal.spacing_mm, plates, whole, weight_bearing, earlier)
    of_knee = anatomy.quantities_of(plates, frame.regions, boneless)
    if sided.medial_first:
        last_mm = (sagittal.shape[2] - 1) * sagittal.spacing_mm[2]
        plates = {name: _mirrored(plate, last_mm) for name, plate in plates.items()}
    return KneeMeasures(
        plates,
        frame.regions,
        of_knee | frame.menisci,
        weight_bearing,
        sided.side,
        (
            *label_maps.unused(label_map, label_names),
            *of_plates,
            *label_maps.coarse(sagittal),
            *sided.notes,
            *of_cut,
            *frame.notes,
        ),
        _to_world(sagittal, medial_first=False),
        tuple(boneless),
        not_measured=not_measured,
        side_from=sided.side_from,
        bones=bones,
        axes=None if frame.axes is None else frame.axes @ to_world[:3, :3].T,
        regions_from=frame.regions_from,
    )


class _Frame(NamedTuple):
    """What follows from where medial is: nothing where that is not known.

    Attributes:
      axes: (3, 3), down, back and towards medial, as `anatomy.frame_of` has them.
      regions: as of `KneeMeasures`.
      menisci: quantities of each, by its name.
      notes: what to know of axes and regions.
      regions_from: as of `KneeMeasures`.
    """

    axes: np.ndarray | None
    regions: Mapping[str, tuple[str, np.ndarray]]
    menisci: dict[str, dict[str, float]]
    notes: tuple[str, ...]
    regions_from: str


def _frame(
    sided: sides.Sided,
    spacing_mm: tuple[float, ...],
    plates: Mapping[str, Plate],
    whole: Mapping[str, Plate],
    weight_bearing: float,
    earlier: Carried,
) -> _Frame:
    """Axes, regions and menisci of a knee, from those of its plates that are whole."""
    if sided.medial_first is None:
        return _Frame(None, {}, {}, (), "")
    axes, places, notes = anatomy.frame_of(plates, whole, weight_bearing, earlier)
    of_menisci = anatomy.menisci_of(sided, spacing_mm, plates, axes)
    regions_from = "baseline" if earlier.plates else "own plates"
    return _Frame(axes, places, of_menisci, notes, regions_from if places else "")


def _check_same_knee(baseline: KneeMeasures, side: str, weight_bearing: float) -> None:
    """ValueError where a knee has not the side or the share of its baseline."""
    if baseline.side != side:
        was, is_now = (
            f"a {of} knee" if of else "one of no side" for of in (baseline.side, side)
        )
        raise ValueError(
            f"The baseline is {was}, and this is {is_now}: which knee is it?"
        )
    if baseline.weight_bearing != weight_bearing:
        raise ValueError(
            f"weight_bearing: the baseline has {baseline.weight_bearing}, and this is "
            f"{weight_bearing}: measure both alike."
        )


def _to_world(sagittal: Volume, medial_first: bool) -> np.ndarray:
    """From mm along the axes of the array, of slices turned round or not: (4, 4)."""
    turned_round = np.eye(4)
    if medial_first:
        turned_round[2, 2] = -1
        turned_round[2, 3] = (sagittal.shape[2] - 1) * sagittal.spacing_mm[2]
    return (
        sagittal.affine
        @ np.diag([*np.divide(1, sagittal.spacing_mm), 1])
        @ (turned_round)
    )


def _bones(sagittal: Volume, label_names: Mapping[int, str]) -> BonesInWorld:
    """Those that carry plates with regions."""
    known = parts_of(label_names)
    return BonesInWorld(
        sagittal.array,
        sagittal.affine,
        {
            name: [v for v, of in known.items() if (of.kind, of.bone) == (BONE, name)]
            for name in BONES
        },
    )


def _leaving(
    plates: Mapping[str, Plate], sagittal: Volume
) -> tuple[list[str], list[str]]:
    """Plates that the first or the last slice cuts, and notes of what lies beyond."""
    step = sagittal.spacing_mm[2]
    last = (sagittal.shape[2] - 1) * step
    beyond, notes = [], []
    for name, plate in plates.items():
        if plate.beyond_mm2 >= _LEAST_BEYOND_MM2:
            notes.append(
                f"{name}: {plate.beyond_mm2:.0f} mm² of bone at the edge of the scan "
                "are left out, for the surface of their cartilage lies beyond it."
            )
        across, areas = plate.bone.vertices[:, regions.MEDIAL], plate.bone.areas_mm2
        in_a_slice = areas.sum() * step / max(step, np.ptp(across))
        # Half a slice each: surfaces end in the middle of the outermost.
        outermost = (across < step / 2, across > last - step / 2)
        if max(areas[mask].sum() for mask in outermost) > _CUT_SHARE * in_a_slice / 2:
            beyond.append(name)
    if beyond:
        notes.append(
            f"{wording.listed(beyond)}: cut by the first or the last slice, so the "
            "numbers are those of a part, which has no regions."
        )
    return beyond, notes


def _plates(
    sided: sides.Sided, spacing_mm: tuple[float, ...], arrays: Arrays | None
) -> tuple[dict[str, Plate], list[str], list[str], dict[str, str]]:
    """Each cartilage that is held, those without bone, notes, and why some are none."""
    known = parts_of(sided.label_names)
    held = set(np.unique(sided.array).tolist()) & set(known)
    plates: dict[str, Plate] = {}
    not_measured: dict[str, str] = {}
    notes, without_bone, boneless = [], [], []
    for of, values in _by_plate(known, held).items():
        names = " and ".join(repr(sided.label_names[value]) for value in values)
        has_bone = any(of.lies_on(known[value]) for value in held)
        try:
            if of not in PLATES:
                raise ValueError("The OAI's readings have no such plate.")
            if not has_bone:
                without_bone.append(f"the {of.bone}")
            plates[PLATES[of]] = _plate(of, values, sided, spacing_mm, arrays)
            if not has_bone:
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


def _plate(
    of: Part,
    values: list[int],
    sided: sides.Sided,
    spacing_mm: tuple[float, ...],
    arrays: Arrays | None,
) -> Plate:
    """One cartilage, of the values that are it."""
    known = parts_of(sided.label_names)
    bones = [value for value, other in known.items() if of.lies_on(other)]
    others = [v for v, other in known.items() if other[:2] == of[:2]]
    cartilage, bone = np.isin(sided.array, values), np.isin(sided.array, bones)
    volume_cm3 = cartilage.sum() * np.prod(spacing_mm) / 1000
    if volume_cm3 > _MOST_CM3:
        raise ValueError(
            f"{volume_cm3:.0f} cm³ are no cartilage's: are the names those of this "
            "label map?"
        )
    elsewhere = np.isin(sided.array, others) & ~cartilage
    is_labelled = bool(bone.any())
    if not is_labelled:
        bone = bone_below(cartilage, of.bone, spacing_mm)
    shares = None
    if arrays is not None and is_labelled:
        shares = arrays.shares(of.bone, elsewhere)
    elif arrays is not None:
        shares = arrays.shares_on(bone, of.bone, elsewhere)
    plate = measure_plate(bone, cartilage, spacing_mm, shares)
    area_cm2 = plate.bone.areas_mm2.sum() / 100
    if area_cm2 < _LEAST_CM2:
        raise ValueError(f"A plate of {area_cm2:.2g} cm² is none.")
    return plate


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


def _mirrored(plate: Plate, last_mm: float) -> Plate:
    return dataclasses.replace(
        plate,
        bone=plate.bone.mirrored(regions.MEDIAL, last_mm),
        articular=plate.articular.mirrored(regions.MEDIAL, last_mm),
    )
