import numpy as np
from scipy import stats

from deepresolve.pipeline.augmentation import noise


def test_it_is_gaussian_and_each_voxel_for_itself(compute):
    drawn = compute(
        lambda seed: noise.sample_noise(seed, 0.2, (20, 30, 10, 1)), [3, 4]
    )[..., 0]
    standard = drawn / drawn.std()
    assert stats.kstest(standard.ravel(), "norm").pvalue > 1e-3
    for axis in range(3):
        first, second = standard.take(0, axis), standard.take(1, axis)
        # Independent, a correlation of n pairs has a standard deviation of 1/sqrt(n).
        assert abs(np.mean(first * second)) < 5 / np.sqrt(first.size)


def test_levels_are_drawn_as_stated(draw):
    drawn = draw(lambda seed: noise.sample_noise(seed, 0.2, (10, 10, 10, 1)))
    levels = drawn.std(axis=(1, 2, 3, 4))
    # An estimate from 1,000 voxels is off by 1/sqrt(2000) = 2% of the level.
    assert stats.kstest(levels, stats.uniform(0, 0.2).cdf).pvalue > 1e-3


def test_it_is_added(compute):
    patch, added = np.random.default_rng(0).normal(size=(2, 3, 4, 5, 1))
    np.testing.assert_array_equal(
        compute(noise.apply_noise, patch, added), patch + added
    )
