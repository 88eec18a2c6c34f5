"""The image sets of one subject: thickened, and brought back in several ways.

The super-resolution network gets what it would get in the clinic: the thick scan with
its geometry, scaled by the THICK scan's own percentiles. All sets end with the last
acquired slice: past it there is nothing to interpolate.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from deepresolve.imaging import floor
from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume

# A canonical scan of n thick slices, which `thicken` made, scaled to about 0..1, and D,
# to (rows, columns, (n - 1) D + 1): thin slices from the first thick one to the last.
Restore = Callable[[Volume, int], np.ndarray]


def acquired_span(image: Volume, downsample_factor: int) -> Volume:
    """The slices from the first that thickening keeps to the last that it keeps.

    Args:
      image: canonical thin-slice scan, or label map, of n slices.
      downsample_factor: D; slices 0, D, 2D, ... are kept.

    Returns:
      The first floor((n - 1) / D) D + 1 slices: a view.
    """
    last = (image.num_slices - 1) // downsample_factor * downsample_factor
    return image.crop((slice(None), slice(None), slice(last + 1)))


def restored_images(
    image: Volume, restore: Restore | None, *, downsample_factor: int
) -> tuple[dict[str, Volume], float | None]:
    """Thickens a scan and brings it back: SR, TCI and Fourier on its own grid.

    Args:
      image: canonical thin-slice scan.
      restore: the network; None for interpolations alone.
      downsample_factor: D, from 2 to 8.

    Returns:
      The volumes by name of image set, float32 in scan units on the grid of
      `acquired_span`, none with a voxel below the lowest of the thick scan, and the
      seconds that `restore` took, None without it.

    Raises:
      ValueError: the network returned another shape or voxels that are not finite.
    """
    thick = thicken(image, downsample_factor)
    scale = estimate_scale(thick.array)
    given = dataclasses.replace(thick, array=scale.apply(thick.array))
    scaled, seconds = {}, None
    if restore is not None:
        scaled["sr"], seconds = _restored(given, restore, downsample_factor)
    # All take the same way back, as `predict`'s results do: a network that adds nothing
    # equals TCI, and none is measured by voxels that no user would get.
    lowest = float(np.min(thick.array))
    scaled["tci"] = interpolate(given, downsample_factor).array
    scaled["fourier"] = interpolate(given, downsample_factor, method="fourier").array
    span = acquired_span(image, downsample_factor)
    volumes = {
        name: span.with_array(floor.hold(scale.invert(array), lowest))
        for name, array in scaled.items()
    }
    return volumes, seconds


def _restored(thick: Volume, restore: Restore, factor: int) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    thin = np.asarray(restore(thick, factor))
    seconds = time.perf_counter() - start
    rows, columns, num_thick = thick.shape
    shape = (rows, columns, (num_thick - 1) * factor + 1)
    if thin.shape != shape or not np.isfinite(thin).all():
        raise ValueError(
            f"The network must return finite voxels of shape {shape}; got shape "
            f"{thin.shape}, or NaN or infinity. Did its training diverge?"
        )
    return thin, seconds
