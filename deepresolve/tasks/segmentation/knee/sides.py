"""Medial and lateral, told for the whole knee at once.

Close by, the medial and the lateral half of a joint look alike. A network is sure of
one half, hesitates in the other, and may call both medial. But one side is medial and
the other lateral, plates and menisci alike: what all voxels of both say decides. Where
they say nothing, it follows from which knee it is, if that is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepresolve.imaging.mirroring import left_right_axis
from deepresolve.imaging.volume import Volume
from deepresolve.quantification import halves
from deepresolve.quantification.parts import CARTILAGE, MENISCUS, pairs, parts
from deepresolve.quantification.sides import SIDES
from deepresolve.tasks.findings import Finding, digits

# Of all that is said; less is no verdict.
_LEAST = 0.05


def settle(
    label_map: Volume,
    class_names: Sequence[str],
    shares: Mapping[str, Volume],
    known_side: str = "",
) -> tuple[Volume, tuple[Finding, ...]]:
    """The label map with one medial and one lateral side.

    Args:
      label_map: uint8; 0 is background, n the n-th class, counted from 1.
      class_names: the classes.
      shares: by class name, how probable it is in each voxel of the label map.
      known_side: which knee it is, "right" or "left"; anything else: not known.

    Returns:
      The label map, as it is where a knee is not whole, its halves do not lie apart, or
      nothing speaks for either; and a finding where `known_side` alone spoke.
    """
    known = {
        value: part
        for value, part in parts(class_names).items()
        if part.kind == MENISCUS or (part.kind, part.bone) == (CARTILAGE, "tibia")
    }
    of_both = pairs(known)
    masks = [np.isin(label_map.array, pair) for pair in of_both]
    axis = left_right_axis(label_map)
    middle = _middle(masks, axis, label_map.spacing_mm[axis])
    if middle is None:
        return label_map, ()
    before = np.zeros(label_map.shape, bool)
    before[tuple(slice(middle if a == axis else None) for a in range(3))] = True
    by_value = {value: shares[class_names[value - 1]].array for value in known}
    verdict = sum(
        _says_before(before[mask], *(by_value[value][mask] for value in pair))
        for pair, mask in zip(of_both, masks, strict=True)
    )
    findings: tuple[Finding, ...] = ()
    is_before_medial = verdict > 0
    if abs(verdict) < _LEAST:
        if known_side not in SIDES:
            return label_map, ()
        # A left knee's medial side lies to the right.
        is_before_medial = (known_side == "left") == (
            label_map.orientation[axis] == "L"
        )
        findings = (_told_by(known_side, verdict),)
    is_medial = before if is_before_medial else ~before
    result = label_map.array.copy()
    for (medial, lateral), mask in zip(of_both, masks, strict=True):
        result[mask] = np.where(is_medial[mask], medial, lateral)
    return label_map.with_array(result), findings


def _told_by(known_side: str, verdict: float) -> Finding:
    return Finding(
        "sides",
        digits(abs(verdict)),
        [_LEAST, None],
        "the network tells no medial from a lateral side: plates and menisci have "
        f"theirs from what is known of the scan, a {known_side} knee's.",
    )


def _says_before(
    before: np.ndarray, of_medial: np.ndarray, of_lateral: np.ndarray
) -> float:
    """How much more medial voxels before the middle are said to be than those after.

    The halves count alike, however large they are: where both are called medial as
    surely, nothing is said.

    Args:
      before: (n,) bool.
      of_medial: (n,) probabilities.
      of_lateral: (n,) probabilities.

    Returns:
      -1 to 1; 0 where one of the halves has no voxel.
    """
    if before.all() or not before.any():
        return 0.0
    says = of_medial - of_lateral
    return float(says[before].mean() - says[~before].mean()) / 2


def _middle(masks: Sequence[np.ndarray], axis: int, step_mm: float) -> int | None:
    """The plane between the halves; None where there are no two halves."""
    if not masks:
        return None
    across = tuple(a for a in range(3) if a != axis)
    counts = np.sum([mask.sum(axis=across) for mask in masks], axis=0)
    return halves.parted_joint(counts, step_mm)
