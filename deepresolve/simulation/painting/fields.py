"""Smooth fields: random ones, single bumps, and the distance to a tissue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from deepresolve.imaging.regridding import resample_image

_COARSE_MM = 0.75


def smooth(
    shape: Sequence[int],
    spacing_mm: npt.ArrayLike,
    length_mm: npt.ArrayLike,
    random: np.random.Generator,
) -> np.ndarray:
    """Float32 of mean 0 and standard deviation 1, the same wherever one looks.

    Args:
      shape: in voxels.
      spacing_mm: between them.
      length_mm: over which it varies, of all axes or of each.
      random: to draw from.
    """
    lengths_mm = np.broadcast_to(np.asarray(length_mm, float), (3,))
    spacings_mm = np.broadcast_to(np.asarray(spacing_mm, float), (3,))
    knots = [
        max(2, round(num * mm / length))
        for num, mm, length in zip(shape, spacings_mm, lengths_mm, strict=True)
    ]
    # Of a field that is finer than voxels, each has its own.
    knots = [min(k, n) for k, n in zip(knots, shape, strict=True)]
    field = resample_image(random.standard_normal(knots, np.float32), shape)
    field -= field.mean()
    deviation = field.std()
    return field / deviation if deviation else field


def bump(
    shape: Sequence[int],
    spacing_mm: Sequence[float],
    centre: Sequence[int],
    radius_mm: float,
) -> np.ndarray:
    """A Gaussian of height 1 whose radius is two standard deviations; float64.

    Args:
      shape: in voxels.
      spacing_mm: between them.
      centre: voxel that it stands on.
      radius_mm: of the bump.
    """
    squared = sum(
        np.square((axis - at) * mm)
        for axis, at, mm in zip(
            np.ogrid[tuple(map(slice, shape))], centre, spacing_mm, strict=True
        )
    )
    return np.exp(-squared / (2 * (radius_mm / 2) ** 2))


def distance_mm(mask: np.ndarray, spacing_mm: Sequence[float]) -> np.ndarray:
    """How far each voxel is from the nearest one of a mask; float32.

    Measured at places some `_COARSE_MM` apart and interpolated, in a fraction of the
    time that all voxels take. Of nothing all is infinitely far.

    Args:
      mask: (I, J, K) bool.
      spacing_mm: between voxels.
    """
    steps = [max(1, round(_COARSE_MM / mm)) for mm in spacing_mm]
    coarse = mask[tuple(slice(None, None, step) for step in steps)]
    if not coarse.any():
        return np.full(mask.shape, np.inf, np.float32)
    found = ndimage.distance_transform_edt(~coarse, np.multiply(spacing_mm, steps))
    if max(steps) == 1:
        return found.astype(np.float32)
    return ndimage.affine_transform(
        found.astype(np.float32),
        np.reciprocal(np.array(steps, float)),
        output_shape=mask.shape,
        order=1,
        mode="nearest",
    )
