"""Whether a label map can be that of a knee: sizes, pieces, thickness and order.

A network finds tissues in a head, a bottle and noise, too. Its label map is then no
knee's: too little or too much of a tissue, in many pieces, cut off by the edge of the
scan, or in the wrong order. What is plausible is an adult's, with osteoarthritis or
without; bounds are wide, and a label map within them can be wrong all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage

from deepresolve.imaging.volume import Volume
from deepresolve.inference.components import Pieces
from deepresolve.quantification.parts import (
    BONE,
    CARTILAGE,
    MENISCUS,
    Part,
    pairs,
    parts,
)
from deepresolve.tasks.findings import Finding, Section, digits

Range = tuple[float, float]

# Lowest and highest volume in ml. Cartilage plates: mean and 2.5 standard deviations of
# 1,325 readings of knees with osteoarthritis (OAI's POMA study of joint replacement),
# and as much again, for healthy knees have more; the rest ours, of the four label maps
# of real knees that we have. Of bones the field of view holds a part.
_ML: dict[Part, Range] = {
    Part(CARTILAGE, "femur"): (3.5, 22.0),
    Part(CARTILAGE, "tibia"): (1.0, 9.0),
    Part(CARTILAGE, "tibia", "medial"): (0.4, 4.5),
    Part(CARTILAGE, "tibia", "lateral"): (0.4, 5.0),
    Part(CARTILAGE, "patella"): (0.6, 7.0),
    Part(MENISCUS): (1.4, 11.0),
    Part(MENISCUS, "", "medial"): (0.7, 5.5),
    Part(MENISCUS, "", "lateral"): (0.7, 5.5),
    Part(BONE, "femur"): (40.0, 450.0),
    Part(BONE, "tibia"): (30.0, 350.0),
    Part(BONE, "patella"): (5.0, 45.0),
}
# Mean thickness of a plate; FACTS of the POMA study: 1.4 to 1.8, normal 1.7 to 2.1.
_THICKNESS_MM: Range = (0.8, 4.0)
# Which way a bone's cartilage looks. Slices that are further apart than this, and
# stacked that way, are as thick as cartilage, and do not tell how thick it is.
_LOOKS = {"femur": "SIAP", "tibia": "SI", "patella": "AP", "fibula": ""}
_COARSE_MM = 1.5
# At one edge of the scan so much of a tissue may be cut. Along the leg bones go on.
_CUT_CM2 = {BONE: 2.0, CARTILAGE: 0.3, MENISCUS: 0.3}
_EDGES = {
    "R": "right",
    "L": "left",
    "A": "front",
    "P": "back",
    "S": "top",
    "I": "bottom",
}
_OTHER_END = dict(zip("RLAPSI", "LRPAIS", strict=True))
# A plate of so many voxels is measured again in finer ones.
_FEW_VOXELS = 2.5
# In so many pieces a tissue may be; more where it is both sides' in one.
_PIECES = {Part(CARTILAGE, "tibia"): 2, Part(MENISCUS): 2}
# What the largest of them may leave over, as a share of the tissue.
_LEFT_OVER = 0.1
# Between the middles of two parts one of which is above, or in front of, the other.
_APART_MM = 10.0
_DIRECTIONS = {
    "above": ("femur", "S", "tibia"),
    "in front of": ("patella", "A", "femur"),
}


def examine(
    label_map: Volume, class_names: Sequence[str], found: Iterable[Pieces]
) -> Section:
    """What can be said of a label map by itself.

    Args:
      label_map: uint8; 0 is background, n the n-th class, counted from 1.
      class_names: the classes; those whose names are no parts of a knee are left out.
      found: the pieces of the label map before any were taken away.

    Returns:
      By class its volume in ml, the share outside its largest pieces, what of it the
      edges of the scan cut, in cm², and, of cartilage, the mean thickness in mm where
      the slices tell it; and what of it is off.
    """
    known = parts(class_names)
    sizes = {of.value: of.sizes for of in found}
    boxes = dict(enumerate(ndimage.find_objects(label_map.array), start=1))
    masks = {
        value: _Mask(box, label_map.array[box] == value)
        for value, box in boxes.items()
        if box is not None and value in known
    }
    values: dict[str, Any] = {}
    findings: list[Finding] = []
    for value, part in known.items():
        name = class_names[value - 1]
        measured = _measure(masks.get(value), part, label_map)
        if value in sizes:
            measured["outside_largest"] = _outside_largest(sizes[value], part)
        values[name] = measured
        findings += _of_class(name, part, measured)
    findings += _order(known, masks, label_map, class_names)
    return Section({"measured": bool(known), "classes": values}, tuple(findings))


class _Mask(NamedTuple):
    """One class of a label map: where it is in it, and its voxels there."""

    box: tuple[slice, ...]
    voxels: np.ndarray


def mean_thickness_mm(plate: np.ndarray, spacing_mm: Sequence[float]) -> float:
    """Of a plate: four times the mean distance of its voxels from what is outside.

    Within a plate of thickness t these distances lie evenly between 0 and t / 2. From
    the centre of a voxel to that of the next one outside is half a voxel more.

    Args:
      plate: (I, J, K) bool, not empty.
      spacing_mm: between voxels.
    """
    mask = np.pad(plate, 1)
    away_mm = ndimage.distance_transform_edt(mask, spacing_mm)
    found_mm = float(4 * (away_mm[mask].mean() - min(spacing_mm) / 2))
    if found_mm > _FEW_VOXELS * min(spacing_mm):
        return found_mm
    # One voxel and two are as far from what is outside; halves of one are not.
    halves = np.kron(plate, np.ones((2, 2, 2), bool))
    return mean_thickness_mm(halves, [mm / 2 for mm in spacing_mm])


def _measure(mask: _Mask | None, part: Part, label_map: Volume) -> dict[str, Any]:
    """Of one class; of nothing the volume alone."""
    if mask is None:
        return {"volume_ml": 0.0}
    num = int(np.count_nonzero(mask.voxels))
    measured: dict[str, Any] = {"volume_ml": digits(num * label_map.voxel_mm3 / 1000)}
    if cut := _cut_cm2(mask, part, label_map):
        measured["cut_cm2"] = cut
    if part.kind == CARTILAGE and _tells_thickness(label_map, part):
        thickness_mm = mean_thickness_mm(mask.voxels, label_map.spacing_mm)
        measured["mean_thickness_mm"] = digits(thickness_mm)
    return measured


def _tells_thickness(label_map: Volume, part: Part) -> bool:
    """Whether no coarse axis goes through the cartilage from bone to surface."""
    axes = zip(label_map.orientation, label_map.spacing_mm, strict=True)
    return not any(
        code in _LOOKS[part.bone] and spacing_mm > _COARSE_MM
        for code, spacing_mm in axes
    )


def _cut_cm2(mask: _Mask, part: Part, label_map: Volume) -> dict[str, float]:
    """Of a tissue in the outermost voxels: its area, by the edge that they lie at."""
    found = {}
    for axis, code in enumerate(label_map.orientation):
        if part.kind == BONE and code in "SI":
            continue
        box, last = mask.box[axis], label_map.shape[axis]
        pixel_cm2 = label_map.voxel_mm3 / label_map.spacing_mm[axis] / 100
        # The array begins at the end that it grows away from.
        for edge, at_edge, plane in (
            (_OTHER_END[code], box.start == 0, 0),
            (code, box.stop == last, -1),
        ):
            if at_edge:
                count = np.count_nonzero(np.take(mask.voxels, plane, axis))
                found[_EDGES[edge]] = digits(count * pixel_cm2)
    return found


def _outside_largest(sizes: np.ndarray, part: Part) -> float:
    largest = np.sort(sizes)[-_PIECES.get(part, 1) :].sum()
    return digits(1 - float(largest / sizes.sum()))


def _of_class(name: str, part: Part, measured: Mapping[str, Any]) -> Iterable[Finding]:
    """What is off about one class."""
    volume_ml = measured["volume_ml"]
    if part in _ML and not _within(volume_ml, _ML[part]):
        low, high = _ML[part]
        yield Finding(
            f"volume: {name}",
            volume_ml,
            [low, high],
            f"{name} of {volume_ml:.3g} ml; a knee has {low:g} to {high:g} ml. Another "
            "part of the body, part of a knee, or the network failed.",
        )
    for edge, area_cm2 in measured.get("cut_cm2", {}).items():
        if area_cm2 > _CUT_CM2[part.kind]:
            yield Finding(
                f"cut: {name}",
                area_cm2,
                [0, _CUT_CM2[part.kind]],
                f"the {edge} edge of the scan cuts {name} ({area_cm2:.2g} cm²): it is "
                "larger than what was measured.",
            )
    left_over = measured.get("outside_largest", 0.0)
    if left_over > _LEFT_OVER:
        yield Finding(
            f"pieces: {name}",
            left_over,
            [0, _LEFT_OVER],
            f"{100 * left_over:.0f}% of {name} lie apart from where it should be in "
            "one piece: the network is led astray by something.",
        )
    thickness_mm = measured.get("mean_thickness_mm")
    if thickness_mm is not None and not _within(thickness_mm, _THICKNESS_MM):
        low, high = _THICKNESS_MM
        yield Finding(
            f"thickness: {name}",
            thickness_mm,
            [low, high],
            f"{name} is {thickness_mm:.2g} mm thick on average; a knee's is {low:g} "
            f"to {high:g} mm.",
        )


def _order(
    known: Mapping[int, Part],
    masks: Mapping[int, _Mask],
    label_map: Volume,
    class_names: Sequence[str],
) -> Iterable[Finding]:
    """Bones one above the other, and sides that are sides."""
    middles = {value: _middle_mm(mask, label_map) for value, mask in masks.items()}
    bones = {part.bone: v for v, part in known.items() if part.kind == BONE}
    for where, (upper, axis, lower) in _DIRECTIONS.items():
        pair = bones.get(upper), bones.get(lower)
        if pair[0] in middles and pair[1] in middles:
            apart_mm = (middles[pair[0]] - middles[pair[1]])["RAS".index(axis)]
            if apart_mm < _APART_MM:
                yield Finding(
                    f"order: {upper}, {lower}",
                    digits(float(apart_mm)),
                    [_APART_MM, None],
                    f"the {upper} is not {where} the {lower}: no knee, or its axes are "
                    "not what the header says.",
                )
    yield from _sides(known, middles, class_names)


def _sides(
    known: Mapping[int, Part],
    middles: Mapping[int, np.ndarray],
    class_names: Sequence[str],
) -> Iterable[Finding]:
    """Whether all that is medial lies on one side of all that is lateral."""
    steps = {
        medial: float((middles[medial] - middles[lateral])[0])
        for medial, lateral in pairs(known)
        if medial in middles and lateral in middles
    }
    if steps and len({np.sign(step) for step in steps.values()}) > 1:
        names = " and ".join(class_names[value - 1] for value in steps)
        yield Finding(
            "order: sides",
            [digits(step) for step in steps.values()],
            "one side",
            f"{names} lie on different sides of the knee: medial and lateral are "
            "mixed up.",
        )


def _middle_mm(mask: _Mask, label_map: Volume) -> np.ndarray:
    """In the patient: to the right, the front and the top, RAS+."""
    within = ndimage.center_of_mass(mask.voxels)
    voxel = [b.start + at for b, at in zip(mask.box, within, strict=True)]
    return label_map.affine[:3, :3] @ voxel + label_map.affine[:3, 3]


def _within(value: float, bounds: Range) -> bool:
    low, high = bounds
    return low <= value <= high
