"""Image quality of a whole volume against its ground truth.

Both measures are scikit-image's, taken in 3D over all voxels, air included, and depend
on `data_range`: the span of intensities that counts as full scale.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from skimage import metrics

SSIM_WINDOW = 7  # voxels along each axis, uniform weights: scikit-image's default

SSIM_MEANING = (
    "structural similarity in 3D, at most 1 (identical); mean over all windows inside "
    f"the volume, uniform, {SSIM_WINDOW} voxels along each axis, K1 = 0.01, K2 = 0.03"
)
PSNR_MEANING = (
    "peak signal-to-noise ratio in dB, 10 log10(data_range^2 / mean squared error) "
    "over all voxels; infinite for identical volumes"
)


def ssim(
    reference: np.ndarray,
    estimate: np.ndarray,
    *,
    spacing_mm: Sequence[float],
    data_range: float,
) -> float:
    """Mean structural similarity (Wang et al., IEEE TIP 2004) in 3D.

    The window is always 7 x 7 x 7 voxels: a window that shrank with the volume would
    give numbers that cannot be compared.

    Args:
      reference: (rows, columns, slices) ground truth, any real dtype.
      estimate: the same shape, in the same units.
      spacing_mm: not used: the window is counted in voxels.
      data_range: intensity difference from black to white, above 0.

    Returns:
      At most 1, which identical volumes reach.

    Raises:
      ValueError: shapes differ, an axis is shorter than the window, a voxel is not
        finite, or data_range is not above 0.
    """
    del spacing_mm
    _check(reference, estimate, data_range)
    if min(reference.shape) < SSIM_WINDOW:
        raise ValueError(
            f"SSIM needs at least {SSIM_WINDOW} voxels along each axis; got a volume "
            f"of {reference.shape}. Evaluate a thicker block of slices."
        )
    return float(
        metrics.structural_similarity(
            reference,
            estimate,
            win_size=SSIM_WINDOW,
            data_range=data_range,
        )
    )


def psnr(
    reference: np.ndarray,
    estimate: np.ndarray,
    *,
    spacing_mm: Sequence[float],
    data_range: float,
) -> float:
    """Peak signal-to-noise ratio in dB.

    Args:
      reference: (rows, columns, slices) ground truth, any real dtype.
      estimate: the same shape, in the same units.
      spacing_mm: not used: every voxel counts the same.
      data_range: the peak: intensity difference from black to white, above 0.

    Returns:
      10 log10(data_range^2 / mean squared error); infinity for identical volumes.

    Raises:
      ValueError: shapes differ, a voxel is not finite, or data_range is not above 0.
    """
    del spacing_mm
    _check(reference, estimate, data_range)
    with np.errstate(divide="ignore"):  # no error at all: infinity, as documented
        return float(
            metrics.peak_signal_noise_ratio(reference, estimate, data_range=data_range)
        )


def _check(reference: np.ndarray, estimate: np.ndarray, data_range: float) -> None:
    if reference.ndim != 3 or reference.shape != estimate.shape:
        raise ValueError(
            "Image metrics compare two 3D volumes of one shape; got "
            f"{reference.shape} and {estimate.shape}."
        )
    if not (np.isfinite(reference).all() and np.isfinite(estimate).all()):
        raise ValueError("Image metrics need finite voxels; got NaN or infinity.")
    if not (np.isfinite(data_range) and data_range > 0):
        raise ValueError(f"data_range must be finite and above 0; got {data_range}.")
