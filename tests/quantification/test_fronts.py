"""Distances to surfaces whose place between voxels is known in closed form."""

import numpy as np
import pytest

from deepresolve.quantification import fronts

SPACING_MM = (0.4, 0.5, 0.8)


@pytest.mark.parametrize("way", [(1, 0, 0), (0, -1, 0), (0.6, 0.48, 0.64)])
def test_a_plane_lies_where_it_is_between_voxels(way):
    places = np.moveaxis(np.indices((30, 26, 20)), 0, -1) * SPACING_MM
    off_mm = (places - (5.9, 6.1, 7.3)) @ way
    found = fronts.signed_mm(-0.05 * off_mm, SPACING_MM)
    assert found.dtype == np.float32
    inner = (slice(1, -1),) * 3  # all of a voxel's neighbours are in the array
    error = (found - off_mm)[inner]
    # Nearer than this a plane lies between a voxel and a neighbour along each axis.
    least_mm = min(abs(w) * mm for w, mm in zip(way, SPACING_MM, strict=True) if w)
    beside = np.abs(off_mm[inner]) < least_mm
    assert beside.any()
    np.testing.assert_allclose(error[beside], 0, atol=2e-3)
    # Further away they are known to half a voxel.
    near = np.abs(off_mm[inner]) < 1.5
    assert np.abs(error[near]).max() < 0.4 and np.abs(error[near]).mean() < 0.1


def test_what_lies_on_a_voxel_is_no_distance_of_nothing():
    excess = np.array([0.5, 0.0, -0.5])[:, None, None] * np.ones((3, 4, 5))
    found = fronts.signed_mm(excess, SPACING_MM)
    np.testing.assert_allclose(found[1], 0, atol=1e-3)
    np.testing.assert_allclose(found[2], 0.4, atol=1e-3)


@pytest.mark.parametrize("value", [0.2, -0.2])
def test_one_sign_has_no_surface(value):
    with pytest.raises(ValueError, match="one sign everywhere"):
        fronts.signed_mm(np.full((3, 3, 3), value), SPACING_MM)
