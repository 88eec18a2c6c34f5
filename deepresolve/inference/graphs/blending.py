"""`deepresolve.inference.tiling` in TensorFlow operations, to the same numbers.

Here the axes are taken one in the other: windows along the columns add up to a row of
them, rows to a slab of slices, and slabs to the volume. What the next window does not
reach is complete and leaves the loop, so that nothing as large as the volume is ever
added to.

There are two, for a graph learns a volume's shape only from the request, and changes no
array in place; `test_blending` holds both to literals, to SciPy's Gaussians and to sums
in double precision.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from deepresolve.inference.tiling import SIGMA_PER_WINDOW
from deepresolve.inference.window_size import WindowRule


def fitting_window(shape: tf.Tensor, rule: WindowRule, memory_gib: float) -> tf.Tensor:
    """As `window_size.fitting_window`, aligned, and no larger than the volume.

    Args:
      shape: (3,) int32, rows, columns and slices of the volume.
      rule: of the network.
      memory_gib: for what the network holds of a window, in GiB.

    Returns:
      (3,) int32.
    """
    rows, columns, slices = tf.unstack(shape)
    in_plane = tf.cast(rows, tf.float64) * tf.cast(columns, tf.float64)
    fitting = memory_gib * 2**30 / (rule.bytes_per_voxel * in_plane)
    step = rule.slice_step
    fitting = tf.cast(tf.minimum(fitting, 1e9), tf.int32) // step * step
    whole_slices = tf.stack([rows, columns, tf.minimum(slices, fitting)])
    enough = fitting >= tf.minimum(slices, rule.smallest[2])
    window = tf.where(enough, whole_slices, tf.minimum(shape, rule.smallest))
    return shape - (shape - window) // rule.multiple * rule.multiple


def window_starts(
    size: tf.Tensor,
    window: tf.Tensor,
    overlap: float,
    margin: int = 0,
    multiple: int = 1,
) -> tf.Tensor:
    """As `tiling.window_starts`: (windows,) int32."""
    slack = (size - window) // multiple
    step = tf.cast(tf.floor(tf.cast(window, tf.float64) * (1 - overlap)), tf.int32)
    step = tf.minimum(step, window - 2 * margin)
    num_steps = -(-slack // tf.maximum(1, step // multiple))
    return slack * tf.range(num_steps + 1) // tf.maximum(num_steps, 1) * multiple


def blending_weights(
    starts: tf.Tensor, window: tf.Tensor, margin: int = 0
) -> tf.Tensor:
    """As `tiling.blending_weights`: (windows, window) float32."""
    width = tf.cast(window, tf.float64)
    offsets = tf.range(width, dtype=tf.float64) - (width - 1) / 2
    gaussian = tf.exp(-0.5 * (offsets / (SIGMA_PER_WINDOW * width)) ** 2)
    voxels = starts[:, tf.newaxis] + tf.range(window)
    first, last = voxels[:, :1] == 0, starts[:, tf.newaxis] == starts[-1]
    after = first | (tf.range(window) >= margin)
    before = last | (tf.range(window) < window - margin)
    own = tf.where(after & before, gaussian, tf.zeros_like(gaussian))
    total = tf.math.unsorted_segment_sum(own, voxels, starts[-1] + window)
    return tf.cast(own / tf.gather(total, voxels), tf.float32)


def blended(
    network: Callable[[tf.Tensor], tf.Tensor],
    volume: tf.Tensor,
    window: tf.Tensor,
    rule: WindowRule,
) -> tf.Tensor:
    """The network's output for a volume, from windows of one shape.

    Args:
      network: takes (1, i, j, k, 1) float32 to (1, i, j, k, C).
      volume: (I, J, K) float32.
      window: (3,) int32, of `fitting_window`.
      rule: of the network.

    Returns:
      (I, J, K, C) float32.
    """
    shape, sizes = tf.unstack(tf.shape(volume)), tf.unstack(window)
    starts = [
        *map(window_starts, shape, sizes, rule.overlap, rule.margin, rule.multiple)
    ]
    weights = [*map(blending_weights, starts, sizes, rule.margin)]

    def of_window(*number: tf.Tensor) -> tf.Tensor:
        corner = [s[n] for s, n in zip(starts, number, strict=True)]
        voxels = tf.slice(volume, corner, sizes)
        rows, columns, slices = (w[n] for w, n in zip(weights, number, strict=True))
        weight = tf.einsum("i,j,k->ijk", rows, columns, slices)
        output = network(voxels[tf.newaxis, ..., tf.newaxis])[0]
        return weight[..., tf.newaxis] * output

    def of_row(i: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
        # (i, j, k, C) -> (j, i, k, C) and, from the sum, back
        row = along(1, lambda j: tf.transpose(of_window(i, j, k), (1, 0, 2, 3)))
        return tf.transpose(row, (1, 0, 2, 3))

    def of_slab(k: tf.Tensor) -> tf.Tensor:
        # (i, j, k, C) -> (k, i, j, C)
        return tf.transpose(along(0, lambda i: of_row(i, k)), (2, 0, 1, 3))

    def along(axis: int, part: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
        return _sum_along(starts[axis], sizes[axis], part, rule.num_outputs)

    return tf.transpose(along(2, of_slab), (1, 2, 0, 3))


def _sum_along(
    starts: tf.Tensor, window: tf.Tensor, part: Callable, num_outputs: int
) -> tf.Tensor:
    """Adds up parts that overlap along their first axis.

    Args:
      starts: (windows,) where the parts begin; without gaps.
      window: the length of each.
      part: takes a window's number to its tensor, (window, any, any, C).
      num_outputs: C.

    Returns:
      (starts[-1] + window, any, any, C).
    """
    lengths = tf.concat([starts[1:], starts[-1:] + window], axis=0) - starts

    def add(
        number: tf.Tensor, pending: tf.Tensor, blocks: tf.TensorArray
    ) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray]:
        fresh = part(number)
        reach = tf.shape(pending)[0]
        total = tf.concat([pending + fresh[:reach], fresh[reach:]], axis=0)
        length = lengths[number]
        return number + 1, total[length:], blocks.write(number, total[:length])

    blocks = tf.TensorArray(
        tf.float32,
        tf.size(starts),
        infer_shape=False,
        element_shape=(None, None, None, num_outputs),
    )
    *_, blocks = tf.while_loop(
        lambda number, *_: number < tf.size(starts),
        add,
        # Nothing is pending: no voxels, of a shape that goes with any other.
        (0, tf.zeros([0, 1, 1, num_outputs]), blocks),
        shape_invariants=(
            tf.TensorShape(()),
            tf.TensorShape((None, None, None, num_outputs)),
            tf.TensorShape(None),
        ),
        parallel_iterations=1,
    )
    return blocks.concat()
