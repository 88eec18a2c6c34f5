"""Regions, compartments and menisci of a knee whose plates are measured."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np

from deepresolve.quantification import menisci, regions, sides
from deepresolve.quantification.axes import knee_axes
from deepresolve.quantification.carried import Carried
from deepresolve.quantification.parts import MENISCUS, Part, parts_of
from deepresolve.quantification.thickness import QUANTITIES, Plate, statistics

# Of a compartment, sums of these of its tibial and its femoral part (OAI's tables).
_SUMS = ("VC", "ThCtAB_aMe", "ThCtAB_aMav")
_COMPARTMENTS = {
    "MFTC": ("MT", "cMF"),
    "LFTC": ("LT", "cLF"),
    "cMFTC": ("cMT", "ccMF"),
    "cLFTC": ("cLT", "ccLF"),
}
# Menisci, which the OAI's readings do not have, and the plates below them.
MENISCI = {Part(MENISCUS, "", "medial"): "MM", Part(MENISCUS, "", "lateral"): "LM"}
_BELOW = {"MM": "MT", "LM": "LT"}
# Tibial plates fall off to the back by some 10 degrees; the rest is how a knee lies.
_MOST_ASKEW_DEGREES = 30.0


def frame_of(
    plates: Mapping[str, Plate],
    whole: Mapping[str, Plate],
    weight_bearing: float,
    earlier: Carried,
) -> tuple[np.ndarray, Mapping[str, tuple[str, np.ndarray]], tuple[str, ...]]:
    """The knee's down, back and medial, its regions, and what is to know of them.

    Args:
      plates: all of them.
      whole: those that have regions, which none has that the scan cuts.
      weight_bearing: share of a condyle that its centre has.
      earlier: what the knee has from an earlier visit, and keeps.
    """
    axes, notes = earlier.axes, earlier.notes
    if axes is None:
        axes, of_axes = axes_of(plates)
        notes = (*of_axes, *notes)
    own = {name: of for name, of in whole.items() if name not in earlier.plates}
    return axes, {**regions_of(own, axes, weight_bearing), **earlier.regions}, notes


def axes_of(plates: Mapping[str, Plate]) -> tuple[np.ndarray, tuple[str, ...]]:
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


def regions_of(
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


def quantities_of(
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


def menisci_of(
    sided: sides.Sided,
    spacing_mm: tuple[float, ...],
    plates: Mapping[str, Plate],
    axes: np.ndarray,
) -> dict[str, dict[str, float]]:
    """Of each meniscus that lies on a measured plate, by its name."""
    known = parts_of(sided.label_names)
    found = {}
    for part, name in MENISCI.items():
        mask = np.isin(sided.array, [v for v, of in known.items() if of == part])
        below = _BELOW[name]
        if below in plates and mask.any():
            found[name] = menisci.measure_meniscus(
                mask, plates[below], part.side, spacing_mm, axes
            )
    return found
