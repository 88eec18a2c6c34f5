"""Scanner units to 0..1 and back.

Chaudhari et al. (MRSR, arXiv 1808.04447) scale intensities to 0..1 and leave the
statistic open. Ours: robust percentiles, so that a few bright vessels do not set the
scale, and no clipping, so that the inverse is exact.

Served models have their own, `inference.graphs.scaling`, for a graph runs no NumPy;
`test_scaling` holds both to `np.percentile`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

LOW_PERCENTILE = 0.1
HIGH_PERCENTILE = 99.9

_COUNTED_AT_ONCE = 2**16


@dataclasses.dataclass(frozen=True)
class IntensityScale:
    """The affine map that takes `low` to 0 and `high` to 1.

    Attributes:
      low: intensity in the scan's own units that becomes 0.
      high: intensity in the scan's own units that becomes 1.

    Raises:
      ValueError: the two are not finite, or `high` is not above `low`.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.high > self.low):
            raise ValueError(
                "An intensity scale needs finite bounds with low < high; got "
                f"{self.low} and {self.high}."
            )

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Scan units to about 0..1, float32; values outside the bounds stay outside."""
        scaled = np.asarray(array, dtype=np.float32) - np.float32(self.low)
        return scaled / np.float32(self.high - self.low)

    def invert(self, array: np.ndarray) -> np.ndarray:
        """0..1 back to scan units, float32."""
        scaled = np.asarray(array, dtype=np.float32)
        return scaled * np.float32(self.high - self.low) + np.float32(self.low)


def estimate_scale(array: np.ndarray) -> IntensityScale:
    """Scale of a scan from its 0.1 and 99.9 percentiles.

    Where the two coincide (a small bright object in air) the extremes take over.

    Args:
      array: voxels of any shape, in scan units.

    Raises:
      ValueError: a voxel is NaN or infinite, or all voxels are equal.
    """
    smallest, largest = np.min(array), np.max(array)
    if not np.isfinite([smallest, largest]).all():
        raise ValueError(
            "Intensities must be finite to be scaled; the voxels hold NaN or infinity."
        )
    low, high = percentiles(array, (LOW_PERCENTILE, HIGH_PERCENTILE))
    if high == low:
        low, high = smallest, largest
    if high == low:
        raise ValueError(
            f"Every voxel has the value {low}: there is no image to scale."
        )
    return IntensityScale(float(low), float(high))


def percentiles(array: np.ndarray, percentages: Sequence[float]) -> np.ndarray:
    """What `np.percentile` gives, faster for integers of 16 bits and fewer.

    Where few values are possible they are counted instead of sorted: 0.04 s instead of
    0.45 s for a scan of 384 x 384 x 160.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "iu" or array.dtype.itemsize > 2:
        return np.percentile(array, percentages)
    smallest = int(array.min())
    counts = np.zeros(int(array.max()) - smallest + 1, np.int64)
    flat = array.ravel(order="K")
    # A part at a time: bincount makes 8 bytes of each voxel, which stay in the cache.
    size = max(_COUNTED_AT_ONCE, 4 * counts.size)
    # Above the smallest: unsigned integers wrap around, so that all of them fit.
    above = np.empty(min(size, flat.size), f"u{array.dtype.itemsize}")
    lowest = np.int64(smallest).astype(above.dtype)
    for start in range(0, flat.size, size):
        part = flat[start : start + size].astype(array.dtype.newbyteorder("="))
        into = above[: part.size]
        np.subtract(part.view(above.dtype), lowest, out=into)
        counts += np.bincount(into, minlength=counts.size)
    upto = np.cumsum(counts)
    results = []
    for percentage in percentages:
        place = (array.size - 1) * (percentage / 100)
        below = int(place)
        at = np.searchsorted(upto, [below, min(below + 1, array.size - 1)], "right")
        first, second = (at + smallest).tolist()
        results.append(_between(first, second, place - below))
    return np.array(results)


def _between(first: float, second: float, fraction: float) -> float:
    """Linear interpolation, rounded as NumPy's percentiles are."""
    if fraction >= 0.5:
        return second - (second - first) * (1 - fraction)
    return first + (second - first) * fraction


def to_dtype(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Intensities as `dtype`: rounded and held within its range if it is an integer.

    float64 has no 2**63 - 1, nor 2**64 - 1: there the largest is the next below it.
    """
    dtype = np.dtype(dtype)
    if np.issubdtype(dtype, np.integer):
        bounds = np.iinfo(dtype)
        highest = float(bounds.max)
        if highest > bounds.max:
            highest = float(np.nextafter(highest, 0))
        # float32 has not the bounds of 32-bit integers; float64 has.
        exact = np.asarray(array, np.result_type(array, dtype))
        array = np.clip(np.rint(exact), float(bounds.min), highest)
    return array.astype(dtype)
