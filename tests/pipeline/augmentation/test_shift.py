import numpy as np
from scipy import stats

from deepresolve.pipeline.augmentation import shift


def test_every_voxel_moves_alike(compute):
    patch = np.random.default_rng(0).normal(size=(3, 4, 5, 1)).astype(np.float32)
    moved = compute(shift.apply_shift, patch, np.float32(-0.25))
    np.testing.assert_array_equal(moved, patch - np.float32(0.25))


def test_shifts_are_drawn_as_stated(draw):
    shifts = draw(lambda seed: shift.sample_shift(seed, 0.1))
    assert stats.kstest(shifts, stats.uniform(-0.1, 0.2).cdf).pvalue > 1e-3
