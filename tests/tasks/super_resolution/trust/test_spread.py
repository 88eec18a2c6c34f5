import numpy as np
import pytest

from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.super_resolution.trust import spread


def test_super_resolution_that_depends_on_the_row():
    """A network that adds 0.1 to the first half of the rows, and nothing else."""
    array = np.random.default_rng(2).random((8, 6, 5)).astype(np.float32) * 500
    array[0, 0, 0] = -900  # so dark that nothing else is held at the minimum
    scan = Volume(array, np.diag([1, 1, 3, 1.0]))

    def enhance(interpolated, progress=False):
        result = interpolated.copy()
        result[: len(result) // 2] += 0.1
        return result

    canonical = scan.canonical()
    scale = estimate_scale(array)
    thin = interpolate(canonical.with_array(scale.apply(canonical.array)), 3)
    thin = thin.with_array(scale.invert(enhance(thin.array))).restore()
    numbers, deviation = spread.measure(enhance, scan, 3, thin)
    # Of three passes one differs by 0.1: the deviation is 0.1 / sqrt(3) everywhere.
    assert numbers["mean"] == pytest.approx(0.1 / np.sqrt(3), rel=1e-2)
    expected = 0.1 / np.sqrt(3) * (scale.high - scale.low)
    np.testing.assert_allclose(deviation.array, expected, rtol=1e-3)
    assert deviation.shape == thin.shape
    np.testing.assert_allclose(deviation.affine, thin.affine)
