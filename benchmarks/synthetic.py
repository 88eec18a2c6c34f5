"""Scans for benchmarks: of any size in seconds, with tissue everywhere.

Smooth random fields with noise, not knees: cutting, moving and degrading voxels takes
as long whatever they show. No region is air, so that no patch is skipped. NumPy alone,
for other interpreters read this, too.
"""

from __future__ import annotations

import functools

import numpy as np

OAI_SHAPE = (384, 384, 160)
# A sagittal scan of OAI's voxels in mm: rows inferior, columns posterior, slices left.
AFFINE = np.array([[0, 0, -0.7, 0], [0, -0.365, 0, 0], [-0.365, 0, 0, 0], [0, 0, 0, 1]])

_KNOTS = 8  # of the smooth fields, along each axis


def scan(seed: int, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A scan and its labels.

    Args:
      seed: same seed, same scan.
      shape: (rows, columns, slices).

    Returns:
      int16 intensities of about 400 to 1000, and uint8 labels, 1 in a few per cent of
      the voxels and 0 elsewhere.
    """
    generator = np.random.default_rng(seed)
    intensity = 400 + 600 * _smooth_field(generator, shape)
    intensity += 30 * generator.standard_normal(shape, np.float32)
    label = np.abs(_smooth_field(generator, shape) - 0.5) < 0.01
    return intensity.astype(np.int16), label.astype(np.uint8)


def _smooth_field(generator: np.random.Generator, shape) -> np.ndarray:
    """Random numbers of 0..1 on a coarse grid, and linear between: float32."""
    field = generator.random((_KNOTS,) * 3, np.float32)
    for axis, count in enumerate(shape):
        along = np.moveaxis(field, axis, -1) @ _interpolation(count).T
        field = np.moveaxis(along, -1, axis)
    return np.ascontiguousarray(field)


@functools.cache
def _interpolation(count: int) -> np.ndarray:
    """(count, knots) weights of linear interpolation, float32."""
    place = np.linspace(0, _KNOTS - 1, count)[:, np.newaxis]
    weights = 1 - np.abs(place - np.arange(_KNOTS))
    return np.maximum(weights, 0).astype(np.float32)
