"""Tricubic interpolation of any number of slices, in TensorFlow operations.

`degradation.interpolation_matrix` asks SciPy for the not-a-knot spline through the
slices. A graph learns how many there are only from the request, so it solves for the
spline itself. For slices a distance of 1 apart, the slopes s of the spline through y
follow from (de Boor, A Practical Guide to Splines, chapter IV)

    s[i-1] + 4 s[i] + s[i+1] = 3 (y[i+1] - y[i-1])         between the ends
    s[0] + 2 s[1] = (5 (y[1] - y[0]) + (y[2] - y[1])) / 2   and mirrored at the other

So there are two; `test_interpolation` holds both to B-splines.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import tensorflow as tf

# With fewer slices the two ends' conditions are one, and the spline is a parabola, a
# line or a constant.
_FEWEST_OF_A_SPLINE = 4


def cubic_matrix(num_thick: tf.Tensor, factor: int) -> tf.Tensor:
    """From thick slices to thin ones, as `interpolation_matrix` has it.

    Args:
      num_thick: number of thick slices, an int32 scalar of 1 or more.
      factor: thin slices per thick slice spacing.

    Returns:
      ((num_thick - 1) * factor + 1, num_thick) float32.
    """
    thin = tf.range((num_thick - 1) * factor + 1)
    return cubic_matrix_at(num_thick, tf.cast(thin, tf.float64) / factor)


def cubic_matrix_at(num_thick: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """From thick slices to values at any positions between them.

    Args:
      num_thick: number of thick slices, an int32 scalar of 1 or more.
      positions: (n,) float64 in thick slices, 0 to num_thick - 1.

    Returns:
      (n, num_thick) float32.
    """

    def of_few(count: int) -> Callable[[], tf.Tensor]:
        return lambda: _polynomial_matrix(count, positions)

    few = [of_few(count) for count in range(1, _FEWEST_OF_A_SPLINE)]
    number = tf.minimum(num_thick, _FEWEST_OF_A_SPLINE) - 1
    spline = functools.partial(_spline_matrix, num_thick, positions)
    return tf.cast(tf.switch_case(number, [*few, spline]), tf.float32)


def _polynomial_matrix(count: int, positions: tf.Tensor) -> tf.Tensor:
    """The polynomial through all slices, in Lagrange's form."""
    shares = []
    for own in range(count):
        share = tf.ones_like(positions)
        for other in set(range(count)) - {own}:
            share *= (positions - other) / (own - other)
        shares.append(share)
    return tf.stack(shares, axis=1)


def _spline_matrix(num_thick: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """Hermite's cubic between neighbouring slices, through their values and slopes."""
    values = tf.eye(num_thick, dtype=tf.float64)
    slopes = _slopes(num_thick)
    left = tf.minimum(tf.cast(tf.floor(positions), tf.int32), num_thick - 2)
    t = (positions - tf.cast(left, tf.float64))[:, tf.newaxis]
    return (
        (1 + 2 * t) * (1 - t) ** 2 * tf.gather(values, left)
        + t * (1 - t) ** 2 * tf.gather(slopes, left)
        + t**2 * (3 - 2 * t) * tf.gather(values, left + 1)
        - t**2 * (1 - t) * tf.gather(slopes, left + 1)
    )


def _slopes(num_thick: tf.Tensor) -> tf.Tensor:
    """Slopes at the slices: row i belongs to slice i, column j to its value's share."""
    identity = tf.eye(num_thick, dtype=tf.float64)
    steps = identity[1:] - identity[:-1]
    right_side = tf.concat(
        [
            (5 * steps[:1] + steps[1:2]) / 2,
            3 * (identity[2:] - identity[:-2]),
            (5 * steps[-1:] + steps[-2:-1]) / 2,
        ],
        axis=0,
    )
    inner = tf.ones([num_thick - 2], tf.float64)
    end, skipped = tf.ones([1], tf.float64), tf.zeros([1], tf.float64)
    above = tf.concat([2 * end, inner, skipped], axis=0)
    middle = tf.concat([end, 4 * inner, end], axis=0)
    below = tf.concat([skipped, inner, 2 * end], axis=0)
    diagonals = tf.stack([above, middle, below])
    with tf.device("/CPU:0"):  # Far too small for a GPU, whose solver differs.
        return tf.linalg.tridiagonal_solve(diagonals, right_side)
