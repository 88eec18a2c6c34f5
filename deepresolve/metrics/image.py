"""Image quality of a whole volume against its ground truth.

Measures of similarity and error are scikit-image's, taken in 3D over all voxels, air
included. SSIM and pSNR depend on `data_range`, the span of intensities that counts as
full scale; RMSE and MSE are in the units of the voxels. Edge sharpness looks along the
slice axis alone, where thick slices blur.
"""

from __future__ import annotations

import math

import numpy as np
from skimage import metrics

SSIM_WINDOW = 7  # voxels along each axis, uniform weights: scikit-image's default

# Share of the steps between slices, in percent, that are no strong edges. Ours.
EDGE_PERCENTILE = 95

SSIM_MEANING = (
    "structural similarity in 3D, at most 1 (identical); mean over all windows inside "
    f"the volume, uniform, {SSIM_WINDOW} voxels along each axis, K1 = 0.01, K2 = 0.03"
)
PSNR_MEANING = (
    "peak signal-to-noise ratio in dB, 10 log10(data_range^2 / mean squared error) "
    "over all voxels; infinite for identical volumes"
)
RMSE_MEANING = (
    "root mean squared error over all voxels, in their units (full scale is 1 in an "
    "evaluation); 0 is best"
)
MSE_MEANING = "mean squared error over all voxels, in their units squared; 0 is best"
NRMSE_MEANING = (
    "root mean squared error over the root mean square of the ground truth "
    "(the Euclidean normalisation); 0 is best"
)
EDGE_SHARPNESS_MEANING = (
    "mean slope (intensity per mm along the slice axis) of the estimate at the ground "
    "truth's strong edges, in the direction of those edges, over that of the ground "
    f"truth; strong: the steepest {100 - EDGE_PERCENTILE} % of all steps from one "
    "slice to the next; 1 is as sharp as the ground truth, below 1 is blurred, 0 is "
    "no edge at all there"
)


def ssim(reference: np.ndarray, estimate: np.ndarray, *, data_range: float) -> float:
    """Mean structural similarity (Wang et al., IEEE TIP 2004) in 3D.

    The window is always 7 x 7 x 7 voxels: a window that shrank with the volume would
    give numbers that cannot be compared.

    Args:
      reference: (rows, columns, slices) ground truth, any real dtype.
      estimate: the same shape, in the same units.
      data_range: intensity difference from black to white, above 0.

    Returns:
      At most 1, which identical volumes reach.

    Raises:
      ValueError: shapes differ, an axis is shorter than the window, a voxel is not
        finite, or data_range is not above 0.
    """
    _check(reference, estimate)
    _check_range(data_range)
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


def psnr(reference: np.ndarray, estimate: np.ndarray, *, data_range: float) -> float:
    """Peak signal-to-noise ratio in dB.

    Args:
      reference: (rows, columns, slices) ground truth, any real dtype.
      estimate: the same shape, in the same units.
      data_range: the peak: intensity difference from black to white, above 0.

    Returns:
      10 log10(data_range^2 / mean squared error); infinity for identical volumes.

    Raises:
      ValueError: shapes differ, a voxel is not finite, or data_range is not above 0.
    """
    _check(reference, estimate)
    _check_range(data_range)
    with np.errstate(divide="ignore"):  # no error at all: infinity, as documented
        return float(
            metrics.peak_signal_noise_ratio(reference, estimate, data_range=data_range)
        )


def mse(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Mean squared error over all voxels.

    Args:
      reference: (rows, columns, slices) ground truth, any real dtype.
      estimate: the same shape, in the same units.

    Returns:
      In the squared units of the voxels; 0 for identical volumes.

    Raises:
      ValueError: shapes differ, or a voxel is not finite.
    """
    _check(reference, estimate)
    return float(metrics.mean_squared_error(reference, estimate))


def rmse(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Root mean squared error over all voxels.

    Args:
      reference: (rows, columns, slices) ground truth, any real dtype.
      estimate: the same shape, in the same units.

    Returns:
      In the units of the voxels; 0 for identical volumes.

    Raises:
      ValueError: shapes differ, or a voxel is not finite.
    """
    return math.sqrt(mse(reference, estimate))


def nrmse(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Root mean squared error over the root mean square of the reference.

    This normalisation ("Euclidean") is scikit-image's default, and the square root of
    NMSE as the reconstruction challenges report it (fastMRI). It does not depend on
    the unit of the intensities, but on where their zero lies.

    Args:
      reference: (rows, columns, slices) ground truth, any real dtype.
      estimate: the same shape, in the same units.

    Returns:
      0 for identical volumes, 1 for an estimate of zeros; infinity if the reference is
      all zeros and the estimate is not.

    Raises:
      ValueError: shapes differ, or a voxel is not finite.
    """
    _check(reference, estimate)
    if not np.any(reference):
        return math.inf if np.any(estimate) else 0.0
    return float(
        metrics.normalized_root_mse(reference, estimate, normalization="euclidean")
    )


def edge_sharpness(reference: np.ndarray, estimate: np.ndarray) -> float:
    """How steep the reference's edges along the slice axis are in the estimate. Ours.

    The slope between two neighbouring slices is the intensities' difference in one
    column of voxels, per mm. Strong edges are where the REFERENCE's slope, up or down,
    is at or above its 95th percentile over the volume. There the mean slope of the
    estimate, counted positive in the direction in which the reference's goes, is
    divided by that of the reference. So

      - both slopes are per mm of one spacing: the ratio has no unit, and slices that
        resolve the edges give one number however thin they are;
      - noise in the estimate raises and lowers slopes alike and is not mistaken for
        sharpness, as it would be in a mean of absolute values or of squares;
      - an edge that lies elsewhere, or goes the other way, does not count as sharp;
      - noise in the REFERENCE is part of its steepest slopes, so that an estimate
        without noise stays below 1: compare estimates of the same references.

    Args:
      reference: (rows, columns, slices) ground truth, any real dtype.
      estimate: the same shape, in the same units.

    Returns:
      1 for edges as steep as the reference's, below 1 for blurred ones, 0 for none,
      above 1 for sharpened ones. A reference that is constant along the slice axis has
      no edge to blur: 1.

    Raises:
      ValueError: shapes differ, there are fewer than two slices, or a voxel is not
        finite.
    """
    _check(reference, estimate)
    if reference.shape[2] < 2:
        raise ValueError(
            f"Edge sharpness needs at least two slices; got a volume of "
            f"{reference.shape}."
        )
    true, found = _slice_steps(reference), _slice_steps(estimate)
    steepness = np.abs(true)
    strong = steepness >= np.percentile(steepness, EDGE_PERCENTILE)
    total = np.sum(steepness[strong], dtype=np.float64)
    if total == 0:
        return 1.0
    along = np.sum(found[strong] * np.sign(true[strong]), dtype=np.float64)
    return float(along / total)


def _slice_steps(array: np.ndarray) -> np.ndarray:
    """Differences of neighbouring slices, (rows, columns, slices - 1), floating."""
    # Integers would wrap around.
    return np.diff(array.astype(np.result_type(array, np.float32), copy=False), axis=2)


def _check(reference: np.ndarray, estimate: np.ndarray) -> None:
    if reference.ndim != 3 or reference.shape != estimate.shape:
        raise ValueError(
            "Image metrics compare two 3D volumes of one shape; got "
            f"{reference.shape} and {estimate.shape}."
        )
    if not (np.isfinite(reference).all() and np.isfinite(estimate).all()):
        raise ValueError("Image metrics need finite voxels; got NaN or infinity.")


def _check_range(data_range: float) -> None:
    if not (np.isfinite(data_range) and data_range > 0):
        raise ValueError(f"data_range must be finite and above 0; got {data_range}.")
