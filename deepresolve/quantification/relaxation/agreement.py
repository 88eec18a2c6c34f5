"""Whether a label map lies on the anatomy of a scan, by their edges.

Bone and cartilage end where the scan has edges, bright on dark or dark on bright, which
no contrast and no shading of coils changes: normalised gradients of both agree there
(Haber & Modersitzki, Methods Inf. Med. 2007;46:292). A label map of a patient who has
moved since agrees better somewhere else, and one of another knee hardly better than
anywhere. Both are told, with how much; neither is proved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from scipy import fft, ndimage
from skimage.transform import downscale_local_mean

from deepresolve.imaging.resampling import resample_labels
from deepresolve.imaging.volume import Volume
from deepresolve.quantification.parts import BONE, CARTILAGE, parts_of

# Edges are looked at on voxels of about this size, a little blurred.
_STEP_MM, _BLUR_MM = 1.5, 1.5
# As far as a label map is moved on trial.
_REACH_MM = 20.0
# Flatter places than this share of a usual edge count little.
_FLAT_SHARE = 0.5
# A label map lies elsewhere from here on, and by more than one step of the search, ...
_LEAST_MOVED_MM = 3.0
# ... where edges agree so much better there.
_LEAST_BETTER = 1.1
# By what right maps agree better than maps anywhere: 2.5 to 3 times, those of cartilage
# alone 2; maps of other knees 1.4 to 1.8 times (docs/relaxometry.md).
_LEAST_ABOVE_ANYWHERE = 1.9
# Of the world's axes, what is above 0 and what is below.
_DIRECTIONS = (
    ("to the right", "to the left"),
    ("to the front", "to the back"),
    ("up", "down"),
)


class NoEdgeError(ValueError):
    """There is nothing to compare: the label map or the scan has no edge there."""


class Agreement(NamedTuple):
    """How well edges of a label map and of a scan agree: 0 not at all, 1 everywhere.

    Attributes:
      here: as the label map lies, give or take a step of the search.
      anywhere: median over all places it was moved to.
      best: the most.
      moved_mm: (3,) to the right, to the front and up: where that is.
      steps_mm: (3,) of the search along the same axes, the largest first step that each
        can tell.
    """

    here: float
    anywhere: float
    best: float
    moved_mm: np.ndarray
    steps_mm: np.ndarray


def notes(
    scan: Volume, label_map: Volume, label_names: Mapping[int, str]
) -> tuple[str, ...]:
    """What makes it doubtful that a label map belongs to a scan; () where nothing does.

    Args:
      scan: such as a first echo.
      label_map: of the same session, on any grid.
      label_names: what its values mean.

    Raises:
      ValueError: the two have no place in common.
    """
    of = {v for v, p in parts_of(label_names).items() if p.kind in (BONE, CARTILAGE)}
    try:
        found = of_edges(scan, label_map, of)
    except NoEdgeError as error:
        return (f"Whether the label map lies on the anatomy is not known. {error}",)
    if found.best < _LEAST_ABOVE_ANYWHERE * found.anywhere:
        return (
            "Edges of the label map agree little with those of the scan, even if it is "
            f"moved: {found.best:.2f} at best, {found.anywhere:.2f} anywhere (1 is "
            "everywhere); those of a right one agree twice as well as anywhere. Is it "
            "of another knee, or a poor one? Look at both.",
        )
    least_mm = np.maximum(_LEAST_MOVED_MM, 1.01 * found.steps_mm)
    moved_mm = np.where(np.abs(found.moved_mm) > least_mm, found.moved_mm, 0)
    if moved_mm.any() and found.best > _LEAST_BETTER * found.here:
        return (
            "The label map may lie beside the anatomy: moved by "
            f"{_told(moved_mm)} its edges agree better with those of the scan "
            f"({found.best:.2f} there, {found.here:.2f} as it lies; 1 is everywhere). "
            "Did the patient move, or is it of another scan? Look at both.",
        )
    return ()


def of_edges(scan: Volume, label_map: Volume, values: Collection[int]) -> Agreement:
    """Compares edges, with the label map where it lies and moved by up to 20 mm.

    Args:
      scan: whose grid is used, made coarser.
      label_map: on any grid.
      values: whose edge is looked at, taken together.

    Raises:
      NoEdgeError: there is no such edge in the scan, or the scan has none.
      ValueError: the two have no place in common.
    """
    mask = np.isin(resample_labels(label_map, scan).array, list(values))
    factors = np.rint(np.divide(_STEP_MM, scan.spacing_mm)).astype(int)
    # A gradient takes two voxels, also of a few thin slices.
    factors = np.clip(factors, 1, np.maximum(1, np.floor_divide(scan.shape, 2)))
    steps_mm = factors * scan.spacing_mm
    of_scan, of_mask = (_gradients(a, factors, steps_mm) for a in (scan.array, mask))
    if not of_mask.any():
        raise NoEdgeError(
            "No edge of the label map lies within the scan. Are both of one session?"
        )
    if not of_scan.any():
        raise NoEdgeError("The scan has no edge there.")
    reach = np.ceil(_REACH_MM / steps_mm).astype(int)
    agreed = _agreed(of_scan, of_mask, reach)
    # Steps to either side of where the label map lies, in mm along the scan's axes.
    steps = np.moveaxis(np.indices(agreed.shape), 0, -1) - reach
    far_mm = np.linalg.norm(steps * steps_mm, axis=-1)
    agreed[far_mm > _REACH_MM] = np.nan
    best = np.unravel_index(np.nanargmax(agreed), agreed.shape)
    axes = scan.affine[:3, :3] * factors
    return Agreement(
        float(agreed[(np.abs(steps) <= 1).all(axis=-1)].max(initial=0.0)),
        float(np.nanmedian(agreed)),
        float(agreed[best]),
        axes @ steps[best],
        np.abs(axes).max(axis=1),
    )


def _gradients(
    array: np.ndarray, factors: np.ndarray, steps_mm: np.ndarray
) -> np.ndarray:
    """(3, ...) per mm, on voxels that are `factors` times as large."""
    whole = tuple(slice(n // f * f) for n, f in zip(array.shape, factors, strict=True))
    coarse = downscale_local_mean(array[whole].astype(np.float64), tuple(factors))
    # Thick slices are blurred enough.
    blurred = ndimage.gaussian_filter(
        coarse, np.where(steps_mm < 2 * _BLUR_MM, _BLUR_MM / steps_mm, 0)
    )
    return np.stack(np.gradient(blurred, *steps_mm))


def _agreed(of_scan: np.ndarray, of_mask: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Mean squared cosine between both gradients, by the steps that one is moved.

    The scan's are shorter than 1 in flat places; the mask's weigh by their length. The
    square of a sum over three axes is one of six products, each of which is correlated.
    """
    length = np.linalg.norm(of_scan, axis=0)
    flat = _FLAT_SHARE * np.median(length[length >= length.mean()])
    unit = of_scan / np.hypot(length, flat)
    unit = np.pad(unit, [(0, 0), *((n, n) for n in reach)])
    weight = np.linalg.norm(of_mask, axis=0)
    # Products are correlated by their spectra; what wraps around is beyond the reach.
    shape = [fft.next_fast_len(n, real=True) for n in unit.shape[1:]]
    spectrum: np.ndarray | float = 0.0
    for one, other, times in _pairs():
        product = of_mask[one] * of_mask[other]
        product = np.divide(product, weight, np.zeros_like(product), where=weight > 0)
        of_pair = fft.rfftn(unit[one] * unit[other], shape)
        spectrum = spectrum + times * of_pair * fft.rfftn(product, shape).conj()
    total = fft.irfftn(spectrum, shape)[tuple(slice(2 * n + 1) for n in reach)]
    return total / weight.sum()


def _pairs() -> Iterator[tuple[int, int, int]]:
    """Two of three axes, and how often the pair is in a square."""
    for one in range(3):
        for other in range(one, 3):
            yield one, other, 1 if one == other else 2


def _told(moved_mm: np.ndarray) -> str:
    """'15 mm to the left and 4 mm up'."""
    parts = [
        f"{abs(mm):.0f} mm {above if mm > 0 else below}"
        for mm, (above, below) in zip(moved_mm, _DIRECTIONS, strict=True)
        if mm
    ]
    return " and ".join(parts)
