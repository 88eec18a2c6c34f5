"""`deepresolve.imaging.intensity` in TensorFlow operations, to the same numbers.

There are two, for a server runs no NumPy, and `intensity` counts values instead of
sorting them; `test_scaling` holds both to `np.percentile`.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from deepresolve.imaging.intensity import HIGH_PERCENTILE, LOW_PERCENTILE


class Scale(NamedTuple):
    """The affine map that takes `low` to 0 and `high` to 1; float64 scalars."""

    low: tf.Tensor
    high: tf.Tensor

    def apply(self, array: tf.Tensor) -> tf.Tensor:
        """Scan units to about 0..1, float32."""
        return (array - tf.cast(self.low, tf.float32)) / self._range()

    def invert(self, array: tf.Tensor) -> tf.Tensor:
        """0..1 back to scan units, float32."""
        return array * self._range() + tf.cast(self.low, tf.float32)

    def _range(self) -> tf.Tensor:
        return tf.cast(self.high - self.low, tf.float32)


def estimate_scale(array: tf.Tensor) -> Scale:
    """The scale of a scan, as `intensity.estimate_scale` finds it.

    The graph ends with InvalidArgumentError where a voxel is NaN or infinite, where all
    voxels are equal, and where there are none.

    Args:
      array: float32 voxels of any shape, in scan units.
    """
    voxels = tf.reshape(array, [-1])
    checks = [
        tf.debugging.Assert(tf.size(voxels) > 0, ["The volume has no voxels."]),
        tf.debugging.Assert(
            tf.reduce_all(tf.math.is_finite(voxels)),
            [
                "Intensities must be finite to be scaled; the voxels hold NaN or "
                "infinity."
            ],
        ),
    ]
    with tf.control_dependencies(checks):
        voxels = tf.identity(voxels)
    low = _low_percentile(voxels, LOW_PERCENTILE / 100)
    high = _high_percentile(voxels, HIGH_PERCENTILE / 100)
    extremes = tf.cast([tf.reduce_min(voxels), tf.reduce_max(voxels)], tf.float64)
    alike = tf.equal(low, high)
    low = tf.where(alike, extremes[0], low)
    high = tf.where(alike, extremes[1], high)
    check = tf.debugging.Assert(
        high > low, ["Every voxel has the same value: there is no image to scale."]
    )
    with tf.control_dependencies([check]):
        return Scale(tf.identity(low), tf.identity(high))


def _low_percentile(voxels: tf.Tensor, share: float) -> tf.Tensor:
    below, weight, last = _place(voxels, share)
    above = tf.minimum(below + 1, last)
    ascending = -tf.math.top_k(-voxels, above + 1).values
    return _between(ascending[below], ascending[above], weight)


def _high_percentile(voxels: tf.Tensor, share: float) -> tf.Tensor:
    below, weight, last = _place(voxels, share)
    above = tf.minimum(below + 1, last)
    # Sorting all voxels would take many times as long as finding the few at the end.
    descending = tf.math.top_k(voxels, last - below + 1).values
    return _between(descending[last - below], descending[last - above], weight)


def _place(voxels: tf.Tensor, share: float) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Index below the percentile in sorted voxels, how far beyond, and the last one."""
    last = tf.size(voxels) - 1
    place = tf.cast(last, tf.float64) * share
    below = tf.floor(place)
    return tf.cast(below, tf.int32), place - below, last


def _between(below: tf.Tensor, above: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Linear interpolation from the nearer end, as NumPy does it; float64."""
    step = tf.cast(above - below, tf.float64)
    below, above = tf.cast(below, tf.float64), tf.cast(above, tf.float64)
    return tf.where(weight < 0.5, below + step * weight, above - step * (1 - weight))
