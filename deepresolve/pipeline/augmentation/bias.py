"""A bias field: the smooth shading of a receive coil."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

DEGREE = 3  # of the field's logarithm, a polynomial along each axis


def sample_bias(seed: tf.Tensor, max_bias: float) -> tf.Tensor:
    """Control points of the field's logarithm over a patch.

    Returns:
      (4, 4, 4) float32 along (rows, columns, slices), uniform in -max_bias..max_bias.
    """
    shape = (DEGREE + 1,) * 3
    return tf.random.stateless_uniform(shape, seed, -max_bias, max_bias)


def apply_bias(patch: tf.Tensor, control_points: tf.Tensor) -> tf.Tensor:
    """Multiplies a (rows, columns, slices, 1) patch by its bias field.

    The field is exp of a Bezier volume. It lies in the control points' range, for the
    Bernstein polynomials that weight them are positive and add up to 1.

    Args:
      patch: float32 of static shape.
      control_points: of `sample_bias`.
    """
    rows, columns, slices = (_bernstein(n) for n in patch.shape[:3])
    # Last the axis that is summed over for all the others: one matrix product.
    log_field = tf.einsum("abc,kc->abk", control_points, slices)
    log_field = tf.einsum("abk,jb->ajk", log_field, columns)
    log_field = tf.einsum("ajk,ia->ijk", log_field, rows)
    return patch * tf.exp(log_field)[..., tf.newaxis]


def _bernstein(count: int) -> np.ndarray:
    """Bernstein polynomials at `count` points of 0..1: (count, DEGREE + 1) float32."""
    x = np.linspace(0, 1, count)[:, np.newaxis]
    n = np.arange(DEGREE + 1)
    choose = np.array([math.comb(DEGREE, int(number)) for number in n])
    return (choose * x**n * (1 - x) ** (DEGREE - n)).astype(np.float32)
