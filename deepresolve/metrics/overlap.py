"""Overlap and volume of two segmentations of one class.

All measures take boolean masks of one shape: threshold probabilities before. They
count voxels, so that the size of a voxel cancels.
"""

from __future__ import annotations

import math

import numpy as np

DSC_MEANING = (
    "Dice similarity coefficient: the voxels in common, twice, over the voxels of both "
    "masks; from 0 (apart) to 1 (the same); 1 if both masks are empty, 0 if one is"
)
VOE_MEANING = (
    "volumetric overlap error: 1 less the intersection over the union; from 0 (the "
    "same) to 1 (apart); 0 if both masks are empty, 1 if one is"
)
VOLUME_DIFFERENCE_MEANING = (
    "volume of the estimate less that of the reference, as a share of the reference: 0 "
    "is right, above 0 is too large; 0 if both masks are empty, -1 if only the "
    "estimate is, infinite if only the reference is"
)


def dsc(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Dice similarity coefficient (Dice, Ecology 1945): 2|A∩B| / (|A| + |B|).

    Args:
      reference: boolean mask of the tissue.
      estimate: boolean mask of the same shape.

    Returns:
      From 0 (no voxel in common) to 1 (equal masks). Two empty masks are equal: 1; one
      empty mask has nothing in common with the other: 0.

    Raises:
      ValueError: the masks are not boolean, or their shapes differ.
    """
    check_masks(reference, estimate)
    sizes = np.count_nonzero(reference) + np.count_nonzero(estimate)
    if sizes == 0:
        return 1.0
    return float(2 * np.count_nonzero(reference & estimate) / sizes)


def voe(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Volumetric overlap error: 1 - |A∩B| / |A∪B|.

    Args:
      reference: boolean mask of the tissue.
      estimate: boolean mask of the same shape.

    Returns:
      From 0 (equal masks) to 1 (no voxel in common). Two empty masks are equal: 0; one
      empty mask has nothing in common with the other: 1.

    Raises:
      ValueError: the masks are not boolean, or their shapes differ.
    """
    check_masks(reference, estimate)
    union = np.count_nonzero(reference | estimate)
    if union == 0:
        return 0.0
    return float(1 - np.count_nonzero(reference & estimate) / union)


def volume_difference(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Signed volume difference as a share of the reference: (|B| - |A|) / |A|.

    Args:
      reference: boolean mask of the tissue, A.
      estimate: boolean mask of the same shape, B.

    Returns:
      0 for equal volumes, wherever they lie; above 0 if the estimate is the larger one;
      -1 if it is empty. If only the reference is empty there is no share to speak of:
      infinity. Two empty masks have equal volumes: 0.

    Raises:
      ValueError: the masks are not boolean, or their shapes differ.
    """
    check_masks(reference, estimate)
    true, found = np.count_nonzero(reference), np.count_nonzero(estimate)
    if true == 0:
        return math.inf if found else 0.0
    return float((found - true) / true)


def volume_mm3(mask: np.ndarray, *, voxel_mm3: float) -> float:
    """Volume of a tissue in mm³: its voxels, counted.

    Args:
      mask: boolean mask of the tissue.
      voxel_mm3: volume of a voxel, gaps between slices included.
    """
    return float(np.count_nonzero(mask) * voxel_mm3)


def check_masks(reference: np.ndarray, estimate: np.ndarray) -> None:
    """Refuses what cannot be compared voxel by voxel.

    Raises:
      ValueError: the masks are not boolean, or their shapes differ.
    """
    if reference.dtype != bool or estimate.dtype != bool:
        raise ValueError(
            f"Label metrics compare boolean masks; got {reference.dtype} and "
            f"{estimate.dtype}. Take one class of a label map with `label_map == n`, "
            "or threshold a probability."
        )
    if reference.shape != estimate.shape:
        raise ValueError(
            f"Label metrics compare two masks of one shape; got {reference.shape} and "
            f"{estimate.shape}."
        )
