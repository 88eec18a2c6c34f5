import numpy as np
import pytest

from deepresolve.pipeline.augmentation import flips


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("columns", [False, True])
def test_flips_are_numpys(compute, rows, columns):
    patch = np.random.default_rng(0).normal(size=(4, 5, 6, 1)).astype(np.float32)
    axes = [axis for axis, chosen in enumerate((rows, columns)) if chosen]
    flipped = compute(flips.apply_flips, patch, [rows, columns])
    np.testing.assert_array_equal(flipped, np.flip(patch, axes))


def test_each_axis_flips_half_of_the_time_independently(draw):
    drawn = draw(flips.sample_flips, 400)
    # Binomial(400, 1/2) has a standard deviation of 10.
    np.testing.assert_allclose(drawn.sum(axis=0), 200, atol=50)
    np.testing.assert_allclose((drawn[:, 0] ^ drawn[:, 1]).sum(), 200, atol=50)
