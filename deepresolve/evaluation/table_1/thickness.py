"""Thickness of cartilage: segmented against reference, place by place.

The bone is the reference's, whatever image was segmented: what differs is where a
network ends the cartilage. A plate whose bone no label holds is left out, and so is one
that a network loses, with the reason. A network that knows femoral cartilage alone is
measured so, too. Places are those of the OAI's tables ("F", "cMF", "MT", ...), and
thickness is their ThCtAB_aMe: the mean over the bone in both directions, what is
denuded counting as 0 (`quantification.thickness.statistics`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from deepresolve.evaluation.results import Measurement
from deepresolve.evaluation.table_1 import by_place, lost_thickness
from deepresolve.evaluation.table_1.by_place import Quantity
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.results import Found, LeftOut, Results
from deepresolve.imaging.volume import Volume
from deepresolve.quantification import knee, sides
from deepresolve.quantification.parts import BONE, CARTILAGE, parts, parts_of
from deepresolve.tasks.held_out import Subject

THICKNESS, REFERENCE = "thickness_mm", "reference_thickness_mm"
OF_PLACE = Quantity(THICKNESS, REFERENCE)
FAMILY = "thickness"
MEANINGS = {
    THICKNESS: (
        "mean thickness of cartilage over a place's bone in both directions, denuded "
        "bone counting as 0 (ThCtAB_aMe of the OAI's tables), in mm: the network's "
        "cartilage on the reference's bone"
    ),
    REFERENCE: "the same of the reference's cartilage on its bone, in mm",
}
# Whole plates by their names: their tests do not test the same cartilage twice.
PLATES = tuple(knee.PLATES.values())
_QUANTITY = "ThCtAB_aMe"


def of_subject(
    subject: Subject,
    label: Volume,
    label_maps: Mapping[str, Mapping[str, Volume]],
    plan: Plan,
) -> Found:
    """Thickness of one subject's cartilage, in its reference and in each label map.

    Args:
      subject: whose they are.
      label: its labels as the records have them, over the measured slices.
      label_maps: by network and image set, n for the n-th class of the plan.
      plan: whose classes the networks know; without a cartilage nothing is measured.
    """
    found = Found([], [])
    wanted = lost_thickness.wanted(plan)
    if plan.classes is None or not wanted:
        return found

    def leave_out(
        reasons: Iterable[str], network: str = "", image_set: str = ""
    ) -> None:
        where = subject.subject, network, image_set
        found.left_out.extend(LeftOut(*where, reason, THICKNESS) for reason in reasons)

    bones = _bones(label, plan)
    leave_out(lost_thickness.without_bone(wanted, bones))
    on_bone = [plate for plate, bone in wanted.items() if bone in bones]
    if not on_bone:
        return found
    try:
        true = _measured(plan.classes.reference(label), label, plan)
    except ValueError as error:
        leave_out([str(error)])
        return found
    leave_out(lost_thickness.plates(lost_thickness.parted(on_bone, true), true))
    for network, by_image_set in label_maps.items():
        for image_set, label_map in by_image_set.items():
            try:
                estimated = _measured(label_map, label, plan)
            except ValueError as error:
                leave_out([str(error)], network, image_set)
                continue
            lost = lost_thickness.plates(true.plates, estimated)
            lost += lost_thickness.regions(true, estimated)
            leave_out(lost, network, image_set)
            where = subject.subject, subject.person, network, image_set
            found.measurements.extend(_compared(where, estimated, true))
    return found


def cartilages(plan: Plan) -> list[int]:
    """Numbers of the classes that are a cartilage."""
    known = parts(plan.class_names)
    return [number for number, part in known.items() if part.kind == CARTILAGE]


def _bones(label: Volume, plan: Plan) -> dict[str, list[int]]:
    """By bone that the labels hold, its values."""
    here = set(np.unique(label.array).tolist())
    found: dict[str, list[int]] = {}
    for value, part in parts_of(plan.label_names).items():
        if part.kind == BONE and value in here:
            found.setdefault(part.bone, []).append(value)
    return found


def _measured(label_map: Volume, label: Volume, plan: Plan) -> knee.KneeMeasures:
    """Cartilages of a label map on the bones of the labels, where these have them.

    Where both claim a voxel it is bone: bones are the same for all label maps. The side
    of the knee is the reference's where a network's cartilage does not tell it.

    Raises:
      ValueError: nothing can be measured.
    """
    num_classes, bones = len(plan.class_names), _bones(label, plan)
    known = parts(plan.class_names)
    own = [value for value in cartilages(plan) if known[value].bone in bones]
    joined = np.where(np.isin(label_map.array, own), label_map.array, 0)
    joined = joined.astype(np.uint16)
    is_bone = np.isin(label.array, [v for values in bones.values() for v in values])
    joined[is_bone] = num_classes + label.array[is_bone].astype(np.uint16)
    names = dict(enumerate(plan.class_names, start=1))
    for values in bones.values():
        names |= {num_classes + value: plan.label_names[value] for value in values}
    told = sides.towards_medial(label.in_plane("sagittal"), plan.label_names)
    return knee.measure(label.with_array(joined), names, known_side=told.side)


def _compared(
    where: tuple[str, str, str, str],
    estimated: knee.KneeMeasures,
    true: knee.KneeMeasures,
) -> list[Measurement]:
    """Thickness of each place that both have, and that of the reference."""
    found = []
    for place, quantities in true.quantities.items():
        values = {
            THICKNESS: estimated.quantities.get(place, {}).get(_QUANTITY, math.nan),
            REFERENCE: quantities.get(_QUANTITY, math.nan),
        }
        if not any(map(math.isnan, values.values())):
            found += [Measurement(*where, n, place, mm) for n, mm in values.items()]
    return found


def agreement(results: Results) -> list[dict[str, Any]]:
    """Agreement of every segmentation's thickness with the reference, in mm.

    Returns:
      Rows of `by_place.agreement`.
    """
    plan = results.plan
    segmented = {name: plan.segmented_sets(name) for name in plan.segmentations}
    return by_place.agreement(results, OF_PLACE, segmented)


def tests(results: Results) -> list[dict[str, Any]]:
    """Whether the thickness of a plate errs less on super-resolution than on TCI.

    Returns:
      Rows of `by_place.tests`, in mm, over plates.
    """

    def errors(image_set: str, place: str) -> dict[str, float]:
        return by_place.errors_of(results, OF_PLACE, "seg", image_set, place)

    measured = by_place.places(results, OF_PLACE)
    return by_place.tests(
        [(p, errors("sr", p), errors("tci", p)) for p in measured if p in PLATES],
        *(THICKNESS, FAMILY, "seg"),
    )
