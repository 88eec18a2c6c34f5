"""Medial and lateral, right and left: told by the anatomy, and by what else is known.

Plates and menisci that have a side in their names tell where medial is, and so does the
fibula, which is lateral. Where no label tells, the side of the knee does, which
somebody may know, or where the scan lies in the scanner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from deepresolve.imaging.volume import Volume
from deepresolve.quantification.parts import BONE, CARTILAGE, Part, parts_of

SIDES = ("right", "left")
# What tells the side of a knee: its labels, somebody who knows, or where it lies.
SOURCES = ("labels", "given", "place in the scanner")
# Half of what lies between the middles of a lying patient's knees is more than this; a
# knee that lies nearer to the scanner's middle was brought there.
_APART_MM = 40.0
# Of a tibia's cartilage, that lies to either side of where its plates are parted, and
# of its fullest slice, what the slice between them has at most.
_EITHER_SIDE, _BETWEEN = 0.25, 0.35
_MOST_VALUE = 255


class Sided(NamedTuple):
    """A label map of which medial is known, or not.

    Attributes:
      array: (rows, columns, slices), down, back, and towards medial where it is known.
      label_names: of its values; cartilage of a tibia in one piece has become two.
      medial_first: whether slices were turned round for that; None: medial is not
        known.
      side: "right" or "left"; "" where it is not known.
      notes: what to know of it.
      side_from: what told the side, of `SOURCES`; "" where nothing did.
    """

    array: np.ndarray
    label_names: Mapping[int, str]
    medial_first: bool | None
    side: str
    notes: tuple[str, ...]
    side_from: str = ""


def towards_medial(
    sagittal: Volume, label_names: Mapping[int, str], known_side: str = ""
) -> Sided:
    """A label map with its slices from lateral to medial.

    Args:
      sagittal: slices from the patient's right to the left.
      label_names: what its values mean.
      known_side: what is known from elsewhere: "right", "left", or "".

    Raises:
      ValueError: another `known_side`, or labels that disagree about where medial is.
    """
    if known_side not in ("", *SIDES):
        raise ValueError(f"A knee is 'right' or 'left'; got {known_side!r}.")
    centre = sagittal.affine @ [*((np.array(sagittal.shape) - 1) / 2), 1]
    apart_mm = float(centre[0])
    by_place = (
        ("right" if apart_mm > 0 else "left") if abs(apart_mm) > _APART_MM else ""
    )
    by_labels = _by_labels(sagittal.array, label_names)
    side = by_labels or known_side or by_place
    if not side:
        return Sided(
            *(sagittal.array, label_names, None, ""),
            (
                "What is medial is not told by any label: no regions. Say which side "
                "the knee is, or name medial and lateral plates or menisci, or the "
                "fibula.",
            ),
        )
    notes = _conflicts(side, by_labels, known_side, by_place, abs(apart_mm))
    # The left knee's medial side lies to the right.
    medial_first = side == "left"
    array = np.flip(sagittal.array, 2) if medial_first else sagittal.array
    array, names, of_split = _split(array, label_names)
    told = zip(SOURCES, (by_labels, known_side, by_place), strict=True)
    side_from = next(source for source, says in told if says)
    return Sided(array, names, medial_first, side, (*notes, *of_split), side_from)


def _conflicts(
    side: str, by_labels: str, known_side: str, by_place: str, apart_mm: float
) -> list[str]:
    """Where something else says another side, or nothing but the place says any."""
    found = []
    if not by_labels and not known_side:
        found.append(
            f"The knee is taken for a {side} one by its place alone, {apart_mm:.0f} mm "
            f"to the {by_place} of the scanner's middle."
        )
    told = "its labels" if by_labels else "what is said of it"
    if known_side and known_side != side:
        found.append(
            f"By its labels it is a {side} knee, and it is said to be a {known_side} "
            "one: one of them is wrong, or the image is mirrored."
        )
    if by_place and by_place != side:
        found.append(
            f"By {told} it is a {side} knee, and it lies {apart_mm:.0f} mm to the "
            f"{by_place} of the scanner's middle: are right and left swapped in the "
            "image, or medial and lateral in the labels?"
        )
    return found


def _by_labels(array: np.ndarray, label_names: Mapping[int, str]) -> str:
    """The side that labels tell, where slices go from right to left; "" if none does.

    Raises:
      ValueError: they disagree.
    """
    known = parts_of(label_names)
    votes = {}
    for value, of in known.items():
        if of.side != "lateral" and of.bone != "fibula":
            continue
        opposite = [v for v, other in known.items() if of.is_opposite(other)]
        if of.bone == "fibula":
            opposite = [v for v, other in known.items() if other == Part(BONE, "tibia")]
        lateral, medial = _middle(array, [value]), _middle(array, opposite)
        if lateral is not None and medial is not None:
            votes[label_names[value]] = "left" if lateral > medial else "right"
    if len(set(votes.values())) > 1:
        sides = [name for name, side in votes.items() if side == "left"]
        others = [name for name, side in votes.items() if side == "right"]
        raise ValueError(
            f"{', '.join(sides)} and {', '.join(others)} lie on different sides of the "
            "knee: medial and lateral are mixed up in the label map or in its names."
        )
    return next(iter(votes.values()), "")


def _middle(array: np.ndarray, values: list[int]) -> float | None:
    counts = np.isin(array, values).sum(axis=(0, 1))
    if not counts.any():
        return None
    return float(np.average(np.arange(len(counts)), weights=counts))


def _split(
    array: np.ndarray, label_names: Mapping[int, str]
) -> tuple[np.ndarray, Mapping[int, str], tuple[str, ...]]:
    """Cartilage of a tibia that has no side becomes its two plates.

    Between them, where the eminence is, lies the slice with the least of it.
    """
    known = parts_of(label_names)
    values = [v for v, of in known.items() if of == Part(CARTILAGE, "tibia")]
    whole = np.isin(array, values)
    if not whole.any() or any(_is_tibial_side(of) for of in known.values()):
        return array, label_names, ()
    counts = whole.sum(axis=(0, 1))
    share = np.cumsum(counts) / counts.sum()
    (between,) = np.nonzero((share > _EITHER_SIDE) & (share < 1 - _EITHER_SIDE))
    if not between.size or counts[between].min() > _BETWEEN * counts.max():
        return (
            array,
            label_names,
            (
                "The cartilage of the tibia is one piece, which shows no medial and no "
                "lateral plate: it is measured as one.",
            ),
        )
    at = between[np.argmin(counts[between])]
    held = {*np.unique(array).tolist(), *label_names}
    medial = next(v for v in range(1, _MOST_VALUE + 1) if v not in held)
    # Lateral first: slices go towards medial.
    parted = array.copy()
    parted[:, :, at:][whole[:, :, at:]] = medial
    lateral = values[0]
    parted[:, :, :at][whole[:, :, :at]] = lateral
    names = {v: name for v, name in label_names.items() if v not in values}
    names |= {lateral: "lateral tibial cartilage", medial: "medial tibial cartilage"}
    return parted, names, ()


def _is_tibial_side(of: Part) -> bool:
    return (of.kind, of.bone) == (CARTILAGE, "tibia") and bool(of.side)
