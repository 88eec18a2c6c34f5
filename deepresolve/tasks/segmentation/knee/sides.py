"""Medial and lateral, told for the whole knee at once.

Close by, the medial and the lateral half of a joint look alike. A network is sure of
one half, hesitates in the other, and may call both medial. But one side is medial and
the other lateral, plates and menisci alike: what all voxels of both say decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage

from deepresolve.imaging.mirroring import left_right_axis
from deepresolve.imaging.volume import Volume
from deepresolve.quantification.parts import CARTILAGE, MENISCUS, pairs, parts

# Both halves of a joint are wider than this, and between them lies a gap; ours.
_WHOLE_MM = 45.0
_GAP_SHARE = 0.35  # of the fullest plane
_SMOOTH_MM = 2.0
# Of the smaller half, beside the larger one: less is no half.
_BALANCE = 0.25
# Of all that is said; less is no verdict.
_LEAST = 0.05


def settle(
    label_map: Volume, class_names: Sequence[str], shares: Mapping[str, Volume]
) -> Volume:
    """The label map with one medial and one lateral side.

    Args:
      label_map: uint8; 0 is background, n the n-th class, counted from 1.
      class_names: the classes.
      shares: by class name, how probable it is in each voxel of the label map.

    Returns:
      Where a knee is not whole, its halves do not lie apart, or nothing speaks for
      either, the label map as it is.
    """
    known = {
        value: part
        for value, part in parts(class_names).items()
        if part.kind == MENISCUS or (part.kind, part.bone) == (CARTILAGE, "tibia")
    }
    halves = pairs(known)
    masks = [np.isin(label_map.array, pair) for pair in halves]
    axis = left_right_axis(label_map)
    middle = _middle(masks, axis, label_map.spacing_mm[axis])
    if middle is None:
        return label_map
    before = np.zeros(label_map.shape, bool)
    before[tuple(slice(middle if a == axis else None) for a in range(3))] = True
    by_value = {value: shares[class_names[value - 1]].array for value in known}
    verdict = sum(
        _says_before(before[mask], *(by_value[value][mask] for value in pair))
        for pair, mask in zip(halves, masks, strict=True)
    )
    if abs(verdict) < _LEAST:
        return label_map
    is_medial = before if verdict > 0 else ~before
    result = label_map.array.copy()
    for (medial, lateral), mask in zip(halves, masks, strict=True):
        result[mask] = np.where(is_medial[mask], medial, lateral)
    return label_map.with_array(result)


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


def _middle(masks: Sequence[np.ndarray], axis: int, spacing_mm: float) -> int | None:
    """The plane between the halves; None where there are no two halves."""
    if not masks:
        return None
    across = tuple(a for a in range(3) if a != axis)
    counts = sum(mask.sum(axis=across) for mask in masks)
    filled = np.flatnonzero(counts)
    if not filled.size or np.ptp(filled) * spacing_mm < _WHOLE_MM:
        return None
    smooth = ndimage.gaussian_filter1d(counts.astype(float), _SMOOTH_MM / spacing_mm)
    start, stop = np.quantile(filled, (0.25, 0.75)).astype(int)
    middle = start + int(np.argmin(smooth[start : stop + 1]))
    sizes = counts[:middle].sum(), counts[middle:].sum()
    is_gap = smooth[middle] < _GAP_SHARE * smooth.max()
    return middle if is_gap and min(sizes) > _BALANCE * max(sizes) else None
