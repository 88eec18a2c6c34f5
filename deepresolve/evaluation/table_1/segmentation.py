"""One image segmented, and the seconds that it took."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume


def segment(
    image: Volume, network: Callable[[Volume], np.ndarray], num_classes: int
) -> tuple[Volume, float]:
    """Runs a segmentation as `predict` does.

    Args:
      image: canonical scan in any units; scaled here by its OWN percentiles, since in
        the clinic there is no other image of the patient.
      network: takes the float32 Volume scaled to about 0..1; returns class numbers of
        its shape, 0 for background.
      num_classes: classes beside the background.

    Returns:
      The uint8 label map on the image's grid, and the seconds that `network` took.

    Raises:
      ValueError: the network returned another shape, or numbers that are no classes.
    """
    scaled = image.with_array(estimate_scale(image.array).apply(image.array))
    start = time.perf_counter()
    found = np.asarray(network(scaled))
    seconds = time.perf_counter() - start
    whole = np.issubdtype(found.dtype, np.integer)
    if (
        found.shape != image.shape
        or not whole
        or not 0 <= found.min() <= found.max() <= num_classes
    ):
        raise ValueError(
            f"The network must return whole numbers from 0 to {num_classes} of shape "
            f"{image.shape}; got {found.dtype} of shape {found.shape}, from "
            f"{found.min()} to {found.max()}."
        )
    return image.with_array(found.astype(np.uint8)), seconds
