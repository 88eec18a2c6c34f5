"""Distances within a reach are SciPy's, and beyond it the reach."""

import numpy as np
import pytest
from scipy import ndimage

from deepresolve.quantification import near_distances
from deepresolve.quantification.near_distances import distances_mm


@pytest.mark.parametrize("shape", [(23, 31, 17), (1, 9, 40), (40, 1, 1)])
@pytest.mark.parametrize("reach_mm", [0.3, 2.7, 60.0])
@pytest.mark.parametrize("block_voxels", [1, 3000, 1 << 20])
def test_distances_are_exact_within_the_reach(
    monkeypatch, shape, reach_mm, block_voxels
):
    monkeypatch.setattr(near_distances, "_BLOCK_VOXELS", block_voxels)
    spacing_mm = (0.4, 0.7, 1.3)
    mask = np.random.default_rng(5).random(shape) < 0.004
    mask[tuple(n // 2 for n in shape)] = True
    expected = ndimage.distance_transform_edt(~mask, spacing_mm)
    assert (expected > 0.7).any()
    found = distances_mm(mask, spacing_mm, reach_mm)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.minimum(expected, reach_mm), rtol=2e-6)


def test_without_a_mask_all_is_as_far_as_the_reach():
    found = distances_mm(np.zeros((3, 4, 5), bool), (1.0, 1.0, 1.0), 2.5)
    np.testing.assert_allclose(found, 2.5)
