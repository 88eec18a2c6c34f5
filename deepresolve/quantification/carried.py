"""Regions of an earlier visit, laid on the same knee as it is now.

What a region is follows from the plates: where they end, and which way they lie. Where
cartilage was lost they end elsewhere, so that regions of their own would move, and with
them numbers of places that nothing has happened to. Each place of a plate's bone has
therefore the region that it had at the earlier visit; which place it is, the position
of its bone tells.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from nibabel.affines import apply_affine
from scipy.spatial import KDTree

from deepresolve.quantification.bone_positions import Bone, Move, moved
from deepresolve.quantification.thickness import Plate

if TYPE_CHECKING:
    from deepresolve.quantification.knee import KneeMeasures

# Plates that have regions, by their bone; the tibial ones tell the knee's axes, too.
_PLATES = {"tibia": ("MT", "LT"), "femur": ("F",)}
BONES = tuple(_PLATES)


class Carried(NamedTuple):
    """What a knee has from its earlier visit.

    Attributes:
      regions: by name: the plate, and which vertices of its bone.
      axes: (3, 3), down, back and towards medial, along the axes of the plates'
        vertices, a unit vector each row; None: no tibia tells where they are.
      plates: those whose regions they are, be it none.
      notes: which plates' regions are their own, and why; which are lost.
    """

    regions: Mapping[str, tuple[str, np.ndarray]]
    axes: np.ndarray | None
    plates: Collection[str]
    notes: tuple[str, ...]


NOTHING = Carried({}, None, (), ())


def carried(
    before: KneeMeasures,
    plates: Mapping[str, Plate],
    bones: Mapping[str, Bone],
    to_world: np.ndarray,
) -> Carried:
    """Regions and axes of an earlier visit.

    Args:
      before: the knee as it was measured then.
      plates: as they are now.
      bones: now, by name, as far as they are labelled.
      to_world: (4, 4), from vertices of the plates now to the world.

    Raises:
      ValueError: a bone does not fit on that of the earlier visit.
    """
    regions: dict[str, tuple[str, np.ndarray]] = {}
    axes = None
    found: list[str] = []
    notes: list[str] = []
    with_regions = {plate for plate, _ in before.regions.values()}
    for bone, names in _PLATES.items():
        here = [name for name in names if name in plates]
        both = [name for name in here if name in with_regions]
        notes += (
            f"{name}: the baseline has no regions of it, which its scan cuts or lacks: "
            "those that it has are its own."
            for name in here
            if name not in both
        )
        if not both:
            continue
        if bone not in bones or bone not in before.bones:
            notes.append(
                f"The {bone}, which would tell where the earlier regions lie now, is "
                "not labelled at both visits, or too thin: those on it follow its own "
                "plates."
            )
            continue
        now = {n: apply_affine(to_world, plates[n].bone.vertices) for n in both}
        then = {n: before.in_world(before.plates[n].bone.vertices) for n in both}
        move = _move(bone, before.bones[bone], bones[bone], then, now)
        for name in both:
            _, nearest = KDTree(move(then[name])).query(now[name])
            regions |= {
                region: (name, mask[nearest])
                for region, (of, mask) in before.regions.items()
                if of == name
            }
        if bone == "tibia" and before.axes is not None and {*names} <= {*before.plates}:
            axes = move.turn.apply(before.axes) @ to_world[:3, :3]
        found += both
    notes += (
        f"{region}: nothing is left of it, and so it has no numbers."
        for region, (_, mask) in regions.items()
        if not mask.any() and before.regions[region][1].any()
    )
    return Carried(regions, axes, found, tuple(notes))


def _move(
    bone: str,
    before: Bone,
    after: Bone,
    then: Mapping[str, np.ndarray],
    now: Mapping[str, np.ndarray],
) -> Move:
    """How a bone moved, from about where its plates went; by name their vertices."""
    shifts = [now[name].mean(axis=0) - then[name].mean(axis=0) for name in now]
    try:
        return moved(before, after, np.mean(shifts, axis=0))
    except ValueError as error:
        raise ValueError(f"The {bone} is not where the baseline has it: {error}") from (
            error
        )
