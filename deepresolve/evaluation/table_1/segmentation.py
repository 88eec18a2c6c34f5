"""One image segmented, and its label map measured against the reference."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume
from deepresolve.metrics.table import Metric

# Metrics of the label maps beside those of LABEL_METRICS, for Bland and Altman.
VOLUME = "volume_mm3"
REFERENCE_VOLUME = "reference_volume_mm3"
VOLUME_MEANINGS = {
    VOLUME: "voxels of the class in the network's label map, in mm³",
    REFERENCE_VOLUME: "voxels of the class in the reference, in mm³",
}


def segment(
    image: Volume, network: Callable[[np.ndarray], np.ndarray], num_classes: int
) -> tuple[Volume, float]:
    """Runs a segmentation as `predict` does.

    Args:
      image: canonical scan in any units; scaled here by its OWN percentiles, since in
        the clinic there is no other image of the patient.
      network: see `plan.Network.run`.
      num_classes: classes beside the background.

    Returns:
      The uint8 label map on the image's grid, and the seconds that `network` took.

    Raises:
      ValueError: the network returned another shape, or numbers that are no classes.
    """
    scaled = estimate_scale(image.array).apply(image.array)
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


def measure(
    reference: Volume,
    estimate: Volume,
    class_names: Sequence[str],
    metrics: Mapping[str, Metric],
) -> Iterator[tuple[str, str, float]]:
    """Measures every class, and its volume.

    Args:
      reference: uint8 label map, n for the n-th class.
      estimate: the network's, on the same grid.
      class_names: names of the classes.
      metrics: by name; each takes two masks.

    Yields:
      (metric, class, value).
    """
    spacing_mm, voxel_mm3 = reference.spacing_mm, reference.voxel_mm3
    for number, name in enumerate(class_names, start=1):
        true, found = (labels.array == number for labels in (reference, estimate))
        for metric, function in metrics.items():
            yield (
                metric,
                name,
                function(true, found, spacing_mm=spacing_mm, data_range=1.0),
            )
        yield VOLUME, name, float(np.count_nonzero(found) * voxel_mm3)
        yield REFERENCE_VOLUME, name, float(np.count_nonzero(true) * voxel_mm3)
