"""Thickness of cartilage: segmented against reference, place by place.

The bone is the reference's, whatever image was segmented: what differs is where a
network ends the cartilage. A network that knows femoral cartilage alone is measured
so, too. Places are those of the OAI's tables ("F", "cMF", "MT", ...), and thickness is
their ThCtAB_aMe: the mean over the bone in both directions, what is denuded counting
as 0 (`quantification.thickness.statistics`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from deepresolve.evaluation import paired
from deepresolve.evaluation.results import Measurement
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.results import LeftOut, Results
from deepresolve.imaging.volume import Volume
from deepresolve.metrics import statistics
from deepresolve.quantification import knee
from deepresolve.quantification.parts import BONE, CARTILAGE, parts, parts_of
from deepresolve.tasks.held_out import Subject

THICKNESS, REFERENCE = "thickness_mm", "reference_thickness_mm"
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


class Thickness(NamedTuple):
    """What is found of one subject.

    Attributes:
      measurements: of each place that its reference and a label map have.
      left_out: what could not be measured.
    """

    measurements: list[Measurement]
    left_out: list[LeftOut]


def of_subject(
    subject: Subject,
    label: Volume,
    label_maps: Mapping[str, Mapping[str, Volume]],
    plan: Plan,
) -> Thickness:
    """Thickness of one subject's cartilage, in its reference and in each label map.

    Args:
      subject: whose they are.
      label: its labels as the records have them, over the measured slices.
      label_maps: by network and image set, n for the n-th class of the plan.
      plan: whose classes the networks know; without a cartilage nothing is measured.
    """
    found = Thickness([], [])
    if plan.classes is None or not cartilages(plan):
        return found
    whole = LeftOut(subject.subject, "", "", _lacking(label, plan))
    if whole.reason:
        return Thickness([], [whole])
    try:
        true = _places(plan.classes.reference(label), label, plan)
    except ValueError as error:
        return Thickness([], [whole._replace(reason=str(error))])
    for network, by_image_set in label_maps.items():
        for image_set, label_map in by_image_set.items():
            where = subject.subject, network, image_set
            try:
                places = _places(label_map, label, plan)
            except ValueError as error:
                found.left_out.append(LeftOut(*where, str(error)))
                continue
            for place in [place for place in true if place in places]:
                for name, of in ((THICKNESS, places), (REFERENCE, true)):
                    found.measurements.append(
                        Measurement(
                            *(subject.subject, subject.person, network, image_set),
                            *(name, place, of[place]),
                        )
                    )
    return found


def cartilages(plan: Plan) -> list[int]:
    """Numbers of the classes that are a cartilage."""
    known = parts(plan.class_names)
    return [number for number, part in known.items() if part.kind == CARTILAGE]


def _lacking(label: Volume, plan: Plan) -> str:
    """Why no cartilage of the plan can be measured on these labels; "" if one can."""
    known, held = parts(plan.class_names), parts_of(plan.label_names)
    here = set(np.unique(label.array).tolist())
    bones = {known[number].bone for number in cartilages(plan)}
    there = {part.bone for v, part in held.items() if part.kind == BONE and v in here}
    if bones & there:
        return ""
    return (
        f"the labels hold no {' or '.join(sorted(bones))}, the bone that thickness is "
        "measured from"
    )


def _places(label_map: Volume, label: Volume, plan: Plan) -> dict[str, float]:
    """Thickness by place: cartilages of a label map, on the bones of the labels.

    Where both claim a voxel it is bone: bones are the same for all label maps.
    """
    num_classes = len(plan.class_names)
    bones = [v for v, of in parts_of(plan.label_names).items() if of.kind == BONE]
    own = np.isin(label_map.array, cartilages(plan))
    joined = np.where(own, label_map.array, 0).astype(np.uint16)
    is_bone = np.isin(label.array, bones)
    joined[is_bone] = num_classes + label.array[is_bone].astype(np.uint16)
    names = dict(enumerate(plan.class_names, start=1))
    names |= {num_classes + value: plan.label_names[value] for value in bones}
    measured = knee.measure(label.with_array(joined), names)
    return {
        place: quantities[_QUANTITY]
        for place, quantities in measured.quantities.items()
        if not np.isnan(quantities[_QUANTITY])
    }


def places(results: Results) -> list[str]:
    """What was measured, in the order of the knee's table."""
    found = [m.label_class for m in results.measurements if m.metric == REFERENCE]
    return [place for place in dict.fromkeys(found) if place is not None]


def agreement(results: Results) -> list[dict[str, Any]]:
    """Agreement of every segmentation's thickness with the reference.

    Returns:
      By place, dicts of metric, network, image_set, place, reference (mean, mm), the
      fields of `statistics.BlandAltman` in mm for estimated minus reference, mean_error
      (of absolute differences, mm), and rms_cv, between the two, as a share.
    """
    plan, rows = results.plan, []
    for place in places(results):
        for network in plan.segmentations:
            for image_set in plan.segmented_sets(network):
                found, true = (
                    results.values(name, image_set, network=network, label_class=place)
                    for name in (THICKNESS, REFERENCE)
                )
                if not found:
                    continue
                rows.append(
                    {
                        "metric": THICKNESS,
                        "network": network,
                        "image_set": image_set,
                        "place": place,
                        "reference": float(np.mean(true)),
                        **vars(statistics.bland_altman(found, true)),
                        "mean_error": float(np.mean(np.abs(np.subtract(found, true)))),
                        "rms_cv": statistics.rms_cv(found, true),
                    }
                )
    return rows


def tests(results: Results) -> list[dict[str, Any]]:
    """Whether the thickness of a plate errs less on super-resolution than on TCI.

    Returns:
      Dicts as of `paired_tests.paired_tests`, of absolute errors in mm of the subjects
      that have the plate in both; Holm's correction is over plates.
    """
    rows = []
    for place in [place for place in places(results) if place in PLATES]:
        errors = [_errors(results, place, image_set) for image_set in ("sr", "tci")]
        both = [name for name in errors[0] if name in errors[1]]
        if not both:
            continue
        row = {
            "family": FAMILY,
            "metric": THICKNESS,
            "class": place,
            "network": "seg",
            "a": "sr",
            "b": "tci",
        }
        ours, theirs = ([of[name] for name in both] for of in errors)
        rows.append(row | paired.compared(ours, theirs))
    return paired.with_holm(rows)


def _errors(results: Results, place: str, image_set: str) -> dict[str, float]:
    """Absolute error by subject, in mm, of the network "seg"."""
    wanted = "seg", image_set, place
    found: dict[str, dict[str, float]] = {THICKNESS: {}, REFERENCE: {}}
    for m in results.measurements:
        is_wanted = (m.source, m.image_set, m.label_class) == wanted
        if m.metric in found and is_wanted:
            found[m.metric][m.subject] = m.value
    true = found[REFERENCE]
    return {name: abs(mm - true[name]) for name, mm in found[THICKNESS].items()}
