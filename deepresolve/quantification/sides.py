"""Medial and lateral, right and left: told by the anatomy, and by what else is known.

Plates and menisci that have a side in their names tell where medial is, and so does the
fibula, which is lateral. Where no label tells, the side of the knee does, which
somebody may know, the scan's header, or where the scan lies in the scanner. A name that
both halves of the joint have, as a network gives it that calls them both medial, tells
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from deepresolve.imaging.volume import Volume
from deepresolve.quantification import halves
from deepresolve.quantification.parts import (
    BONE,
    CARTILAGE,
    MENISCUS,
    Part,
    parts_of,
)
from deepresolve.system import wording

SIDES = ("right", "left")
# What tells the side of a knee: its labels, somebody who knows, the scan's header, or
# where it lies; who comes first is believed.
SOURCES = ("labels", "given", "header", "place in the scanner")
_TOLD_BY = {
    "labels": "its labels",
    "given": "what is said of it",
    "header": "the scan's header",
}
# Half of what lies between the middles of a lying patient's knees is more than this; a
# knee that lies nearer to the scanner's middle was brought there.
_APART_MM = 40.0
# What a joint has two of, one medial and one lateral: its name without a side.
_HALVES = {Part(CARTILAGE, "tibia"): "tibial cartilage", Part(MENISCUS): "meniscus"}
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
      sagittal: slices from the patient's right to the left; its `side` is the header's.
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
    array, label_names, of_names = _without_shared_names(sagittal, label_names)
    by_header = sagittal.side if sagittal.side in SIDES else ""
    says = (_by_labels(array, label_names), known_side, by_header, by_place)
    told = {source: of for source, of in zip(SOURCES, says, strict=True) if of}
    if not told:
        return Sided(
            *(array, label_names, None, ""),
            (
                *of_names,
                "What is medial is not told by any label: no regions. Say which side "
                "the knee is, or name medial and lateral plates or menisci, or the "
                "fibula.",
            ),
        )
    side_from, side = next(iter(told.items()))
    conflicts = _conflicts(told, abs(apart_mm))
    # The left knee's medial side lies to the right.
    medial_first = side == "left"
    array = np.flip(array, 2) if medial_first else array
    array, names, of_split = _split(array, label_names, sagittal.spacing_mm[2])
    notes = (*of_names, *conflicts, *of_split)
    return Sided(array, names, medial_first, side, notes, side_from)


def _conflicts(told: Mapping[str, str], apart_mm: float) -> list[str]:
    """Where two sources say different sides, or nothing but the place says any.

    Args:
      told: the side by source, in the order of `SOURCES`.
      apart_mm: from the scanner's middle.
    """
    (source, side), *others = told.items()
    *_, place = SOURCES
    if source == place:
        return [
            f"The knee is taken for a {side} one by its place alone, {apart_mm:.0f} mm "
            f"to the {side} of the scanner's middle."
        ]
    found = []
    opening = f"By {_TOLD_BY[source]} it is a {side} knee, and "
    for other, says in others:
        if says == side:
            continue
        if other == place:
            found.append(
                f"{opening}it lies {apart_mm:.0f} mm to the {says} of the scanner's "
                "middle: are right and left swapped in the image, or medial and "
                "lateral in the labels?"
            )
        else:
            found.append(
                f"{opening}by {_TOLD_BY[other]} a {says} one: one of them is wrong, or "
                "the image is mirrored."
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


def _without_shared_names(
    sagittal: Volume, label_names: Mapping[int, str]
) -> tuple[np.ndarray, Mapping[int, str], tuple[str, ...]]:
    """A label map without sides, where a name of one is that of both halves.

    Then no side is to be believed of tibial cartilage, nor of menisci: all of a kind
    are one value, whose name has none.
    """
    array = sagittal.array
    sided = {
        value: of._replace(side="")
        for value, of in parts_of(label_names).items()
        if of.side and of._replace(side="") in _HALVES
    }
    shared = [
        label_names[value]
        for value in sided
        if _is_both(array == value, sagittal.spacing_mm[2])
    ]
    if not shared:
        return array, label_names, ()
    array = array.copy()
    names = {value: name for value, name in label_names.items() if value not in sided}
    for part, name in _HALVES.items():
        values = [value for value, of in sided.items() if of == part]
        if values:
            array[np.isin(array, values)] = values[0]
            names[values[0]] = name
    return (
        *(array, names),
        (
            f"{wording.listed(shared)}: both halves of the joint are called so. No "
            "name of tibial cartilage or of a meniscus tells its side here.",
        ),
    )


def _is_both(mask: np.ndarray, step_mm: float) -> bool:
    """Whether voxels lie in both halves of the joint."""
    return halves.parted_joint(mask.sum(axis=(0, 1)), step_mm) is not None


def _split(
    array: np.ndarray, label_names: Mapping[int, str], step_mm: float
) -> tuple[np.ndarray, Mapping[int, str], tuple[str, ...]]:
    """Cartilage of a tibia that has no side becomes its two plates, menisci their two.

    Between the plates, where the eminence is, lies the slice with the least of it.
    """
    known = parts_of(label_names)
    whole = np.isin(
        array, [v for v, of in known.items() if of == Part(CARTILAGE, "tibia")]
    )
    if not whole.any() or any(_is_tibial_side(of) for of in known.values()):
        return array, label_names, ()
    at = halves.parted(whole.sum(axis=(0, 1)), step_mm)
    if at is None:
        return (
            array,
            label_names,
            (
                "The cartilage of the tibia is one piece, which shows no medial and no "
                "lateral plate: it is measured as one.",
            ),
        )
    held = {*np.unique(array).tolist(), *label_names}
    free = (value for value in range(1, _MOST_VALUE + 1) if value not in held)
    parted, names = array.copy(), dict(label_names)
    for part, name in _HALVES.items():
        values = [value for value, of in known.items() if of == part]
        voxels = np.isin(array, values)
        if voxels.any():
            # Lateral first: slices go towards medial.
            lateral, medial = values[0], next(free)
            parted[:, :, :at][voxels[:, :, :at]] = lateral
            parted[:, :, at:][voxels[:, :, at:]] = medial
            names = {v: of for v, of in names.items() if v not in values}
            names |= {lateral: f"lateral {name}", medial: f"medial {name}"}
    return parted, names, ()


def _is_tibial_side(of: Part) -> bool:
    return (of.kind, of.bone) == (CARTILAGE, "tibia") and bool(of.side)
