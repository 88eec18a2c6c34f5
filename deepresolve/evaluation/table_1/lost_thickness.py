"""Plates whose thickness is wanted and not found, and why.

A plate that a network loses leaves no error behind, and the worst ones are lost first:
means and tests of what is left look better than the network is. So each has a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.quantification.knee import PLATES, KneeMeasures
from deepresolve.quantification.parts import CARTILAGE, Part, parts

# What cartilage of a tibia in one piece becomes where its plates are told apart.
_WHOLE, _PARTED = "T", ("MT", "LT")


def wanted(plan: Plan) -> dict[str, str]:
    """By plate that the networks know, the bone that it lies on."""
    known = parts(plan.class_names).values()
    return {plate_of(of): of.bone for of in known if of.kind == CARTILAGE}


def without_bone(plates: Mapping[str, str], bones: Collection[str]) -> list[str]:
    """Why plates of which no label holds the bone are not measured.

    Args:
      plates: by plate, its bone.
      bones: that the labels hold.
    """
    return [
        f"{plate}: the labels hold no {bone}, the bone that thickness is measured from"
        for plate, bone in plates.items()
        if bone not in bones
    ]


def parted(names: Collection[str], measured: KneeMeasures) -> list[str]:
    """Plates that are wanted, where cartilage of a tibia may have become two plates."""
    if not any(name in measured.plates for name in _PARTED):
        return [*names]
    pairs = (_PARTED if name == _WHOLE else (name,) for name in names)
    return [plate for pair in pairs for plate in pair]


def plates(names: Collection[str], measured: KneeMeasures) -> list[str]:
    """Why plates were not measured; none of those that were.

    Args:
      names: of the plates that are wanted.
      measured: of one label map.
    """
    return [
        f"{name}: {_reason(name, measured)}"
        for name in names
        if name not in measured.plates
    ]


def regions(true: KneeMeasures, estimated: KneeMeasures) -> list[str]:
    """Why regions of plates that both have are measured in one alone."""
    found = []
    for plate in estimated.plates:
        lost = [
            name
            for name, (of, mask) in true.regions.items()
            if of == plate and mask.any() and not _has(estimated, name)
        ]
        if lost:
            found.append(f"{', '.join(lost)}: nothing of the plate {plate} lies there")
    return found


def _has(measured: KneeMeasures, region: str) -> bool:
    _, mask = measured.regions.get(region, ("", np.zeros(0, bool)))
    return bool(mask.any())


def _reason(plate: str, measured: KneeMeasures) -> str:
    """Why a plate is not among those that were measured."""
    if plate in measured.not_measured:
        return measured.not_measured[plate]
    if plate in _PARTED and _WHOLE in measured.plates:
        return "cartilage of the tibia is in one piece, which shows no such plate"
    if plate == _WHOLE and any(name in measured.plates for name in _PARTED):
        return "cartilage of the tibia is in two pieces, each of which is a plate"
    return "no voxel is cartilage of it"


def plate_of(of: Part) -> str:
    """The name of a cartilage's plate; of one that has none in tables its bone."""
    side = of.side if of.bone == "tibia" else ""
    return PLATES.get(of._replace(side=side), of.bone)
