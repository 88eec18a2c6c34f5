"""Places of a knee: their names, words, bones, and numbers of regions.

Names are those of the OAI's tables (kMRI_POMA_TKR_Chondrometrics); F and T, all of the
femur's and of the tibia's cartilage, are ours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from deepresolve.quantification.knee import PLATES, KneeMeasures

# Regions that hold no other ones, by number in maps and meshes, from 1; 0 is none.
REGION_NAMES = (
    *("TrF", "ccMF", "ecMF", "icMF", "pMF", "ccLF", "ecLF", "icLF", "pLF"),
    *("cMT", "aMT", "eMT", "pMT", "iMT", "cLT", "aLT", "eLT", "pLT", "iLT"),
)
# The bone that each plate lies on.
BONES = {name: part.bone for part, name in PLATES.items()}
# How to read their names.
KEY = (
    "TrF the trochlea; cMF and cLF the weight-bearing centres of the medial and the "
    "lateral condyle of the femur (cc, ec, ic their central, external and internal "
    "thirds), pMF and pLF their backs; MT and LT the medial and the lateral tibia (c "
    "centre, a anterior, p posterior, e external, i internal)"
)
_SIDES = {"M": "medial", "L": "lateral"}
_OF_TIBIA = {
    **{"c": "centre", "a": "anterior", "p": "posterior"},
    **{"e": "external", "i": "internal"},
}
_THIRDS = {"i": "internal", "c": "central", "e": "external"}


class Place(NamedTuple):
    """How a place is written.

    Attributes:
      words: what it is, below the plate that it is a part of.
      level: 0 of a plate, 1 of a region of it, 2 of a third of that.
      alone: what it is, where its plate alone is told.
    """

    words: str
    level: int
    alone: str


def _places() -> dict[str, Place]:
    found = {"F": _plate("Femur"), "TrF": _region("trochlea"), "T": _plate("Tibia")}
    for letter, side in _SIDES.items():
        centre = f"{side}, weight-bearing"
        found[f"c{letter}F"] = _region(centre)
        for third, words in _THIRDS.items():
            words = f"{words} third"
            found[f"{third}c{letter}F"] = Place(words, 2, f"{centre}, {words}")
        found[f"p{letter}F"] = _region(f"{side}, posterior")
        found[f"{letter}T"] = _plate(f"{side.capitalize()} tibia")
        for region, words in _OF_TIBIA.items():
            found[f"{region}{letter}T"] = _region(words)
    found["P"] = _plate("Patella")
    for letter, side in _SIDES.items():
        compartment = f"{letter}T + c{letter}F"
        centre = f"its centre, c{letter}T + cc{letter}F"
        found[f"{letter}FTC"] = _region(f"{side}, {compartment}")
        found[f"c{letter}FTC"] = Place(centre, 2, f"{side}, {centre}")
        found[f"{letter}M"] = _region(f"{side} meniscus")
    return found


def _plate(words: str) -> Place:
    return Place(words, 0, words)


def _region(words: str) -> Place:
    return Place(words, 1, words)


# In the order in which tables have them.
PLACES = _places()


def in_order(names: list[str]) -> list[str]:
    """As tables have them; what has no words comes last."""
    order = {name: number for number, name in enumerate(PLACES)}
    return sorted(names, key=lambda name: order.get(name, len(order)))


def described(name: str) -> Place:
    """A place in words; of one that has none its name, as a region."""
    return PLACES.get(name, _region(name))


def plate_of(name: str) -> str:
    """The plate that a place is, or is a part of; "" of compartments and menisci."""
    plates = sorted(BONES, key=len, reverse=True)
    return next((plate for plate in plates if name.endswith(plate)), "")


def region_numbers(knee: KneeMeasures, name: str) -> np.ndarray:
    """The region of each vertex of a plate's bone: (n,) uint8, 0 where it has none."""
    numbers = np.zeros(len(knee.plates[name].covered), np.uint8)
    for number, region in enumerate(REGION_NAMES, start=1):
        of, mask = knee.regions.get(region, ("", None))
        if of == name:
            numbers[mask] = number
    return numbers
