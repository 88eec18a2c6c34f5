"""Places of a knee in words, where medial is, and what has been published of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from deepresolve.quantification.knee import KneeMeasures

_SIDES = {"M": "medial", "L": "lateral"}
_OF_TIBIA = {
    **{"c": "centre", "a": "anterior", "p": "posterior"},
    **{"e": "external", "i": "internal"},
}
_THIRDS = {"i": "internal", "c": "central", "e": "external"}
# Pairs whose first one lies further towards medial; femur and tibia have one each. The
# internal part of a tibial plate is the one beside the other plate.
_MEDIAL_OF = (("cMF", "cLF"), ("pMF", "pLF"), ("eMT", "iMT"), ("iLT", "eLT"))

# Mean thickness over all of the bone, mm.
PUBLISHED_MM = {
    **{"MT": 1.73, "LT": 2.09, "cMF": 1.86, "cLF": 1.77, "MFTC": 3.59, "LFTC": 3.86},
}
PUBLISHED_SOURCE = (
    "Published: means of 686 normal knees of the Framingham cohort, men and women "
    "together, in coronal MRI (Osteoarthritis Cartilage 2010;18:1275). Another "
    "sequence and another method: a guide, no limit of what is normal."
)


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


def medial_is_right(knee: KneeMeasures) -> bool | None:
    """Whether medial is towards the patient's right; None where no region tells.

    A knee whose medial side is towards the right is a left one.
    """
    for medial, lateral in _MEDIAL_OF:
        middles = [_right_mm(knee, name) for name in (medial, lateral)]
        if None not in middles:
            return middles[0] > middles[1]  # type: ignore[operator]
    return None


def _right_mm(knee: KneeMeasures, region: str) -> float | None:
    """How far to the patient's right a region lies; None where it has no vertex."""
    of, mask = knee.regions.get(region, (None, np.zeros(0, bool)))
    if of is None or not mask.any():
        return None
    return float(knee.in_world(knee.plates[of].bone.vertices[mask])[:, 0].mean())
