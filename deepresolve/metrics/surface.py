"""Distances in mm between the surfaces of two segmentations of one class.

Tools differ in what they call a surface and in how they pool distances; numbers of two
definitions cannot be compared. Here, as in Heimann et al. (IEEE TMI 2009) and Metrics
Reloaded (Maier-Hein et al., Nature Methods 2024):

    surface          the mask's voxels that have one of their 6 neighbours (across a
                     face) outside the mask; beyond the image's border all is outside
    distance         from the centre of a surface voxel to the nearest centre of the
                     other mask's surface voxels, in mm, voxels of any proportions
    ASSD             mean over the surface voxels of both masks, pooled
    95% Hausdorff    the larger of the two directions' 95th percentiles

A surface is thin, so its nearest neighbours are found in a k-d tree of its voxels
rather than in a distance transform of the whole volume; both are exact, and where a
network finds pieces everywhere the transform is many times faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import scipy  # its trees are loaded where they are first used
from scipy import ndimage

from deepresolve.metrics.overlap import check_masks

HAUSDORFF_PERCENTILE = 95
# A voxel of a distance transform takes 0.3 µs, a search in the tree 3 to 12 and more
# where the surfaces lie far apart.
_VOXELS_A_SEARCH = 10

ASSD_MEANING = (
    "average symmetric surface distance in mm, mean over the surface voxels of both "
    "masks (voxels with a face towards the outside, distances between centres); 0 is "
    "best; 0 if both masks are empty, infinite if one is"
)
HD95_MEANING = (
    "95th-percentile Hausdorff distance in mm, the larger of the 95th percentiles of "
    "the two directions, surfaces as for ASSD; 0 is best; 0 if both masks are empty, "
    "infinite if one is"
)


def assd(
    reference: np.ndarray, estimate: np.ndarray, *, spacing_mm: Sequence[float]
) -> float:
    """Average symmetric surface distance in mm (Heimann et al., IEEE TMI 2009).

    Args:
      reference: boolean mask of the tissue.
      estimate: boolean mask of the same shape.
      spacing_mm: distance between voxel centres along each axis.

    Returns:
      Mean over the surface voxels of both masks of the distance to the other surface;
      0 for equal masks, two empty ones among them. A surface has no distance from
      nothing: infinity if one mask is empty.

    Raises:
      ValueError: the masks are not boolean, their shapes differ, or spacing_mm is not
        one length above 0 for each axis.
    """
    return _summary(
        reference,
        estimate,
        spacing_mm,
        lambda there, back: np.mean(np.concatenate((there, back))),
    )


def hd95(
    reference: np.ndarray, estimate: np.ndarray, *, spacing_mm: Sequence[float]
) -> float:
    """95th-percentile Hausdorff distance in mm: the larger of the two directions'.

    Args:
      reference: boolean mask of the tissue.
      estimate: boolean mask of the same shape.
      spacing_mm: distance between voxel centres along each axis.

    Returns:
      The larger one of the 95th percentiles (interpolated linearly) of the distances
      from reference to estimate and from estimate to reference; 0 for equal masks, two
      empty ones among them; infinity if one mask is empty.

    Raises:
      ValueError: the masks are not boolean, their shapes differ, or spacing_mm is not
        one length above 0 for each axis.
    """
    return _summary(
        reference,
        estimate,
        spacing_mm,
        lambda *ways: max(np.percentile(way, HAUSDORFF_PERCENTILE) for way in ways),
    )


def _summary(
    reference: np.ndarray,
    estimate: np.ndarray,
    spacing_mm: Sequence[float],
    summarise: Callable[[np.ndarray, np.ndarray], float],
) -> float:
    """Sums up the distances in mm of all surface voxels, there and back."""
    check_masks(reference, estimate)
    _check_spacing(spacing_mm, reference.ndim)
    held = [mask.any() for mask in (reference, estimate)]
    if not all(held):
        return math.inf if any(held) else 0.0
    # All that is outside both is of no surface; beyond the border all is outside.
    boxes = ndimage.find_objects((reference | estimate).view(np.uint8))
    true, found = (_surface(mask[boxes[0]]) for mask in (reference, estimate))
    return float(
        summarise(
            _nearest_mm(true, found, spacing_mm), _nearest_mm(found, true, spacing_mm)
        )
    )


def _surface(mask: np.ndarray) -> np.ndarray:
    """Mask of the surface voxels."""
    return mask & ~ndimage.binary_erosion(mask, border_value=0)


def _nearest_mm(
    surface: np.ndarray, other: np.ndarray, spacing_mm: Sequence[float]
) -> np.ndarray:
    """From each voxel of one surface to the nearest one of the other, in mm."""
    if np.count_nonzero(surface) * _VOXELS_A_SEARCH > surface.size:
        return ndimage.distance_transform_edt(~other, spacing_mm)[surface]
    points, others = (np.argwhere(mask) * spacing_mm for mask in (surface, other))
    return scipy.spatial.KDTree(others).query(points, workers=-1)[0]


def _check_spacing(spacing_mm: Sequence[float], num_axes: int) -> None:
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    if spacing.shape != (num_axes,) or not np.all((spacing > 0) & np.isfinite(spacing)):
        raise ValueError(
            f"spacing_mm needs one length above 0 for each of the {num_axes} axes; got "
            f"{spacing_mm}."
        )
