"""Thin slices held to thick ones, against SciPy's damped least squares."""

import numpy as np
import pytest
from scipy.sparse.linalg import lsqr

from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.tasks.super_resolution.views import data_consistency
from deepresolve.tasks.super_resolution.views.data_consistency import DOUBT, hold
from deepresolve.tasks.super_resolution.views.slicing import ThinGrid

PROFILES = [
    SliceProfile("rect", 1.0),
    SliceProfile("rect", 2.0),
    SliceProfile("gaussian", 0.7),
    SliceProfile("fir", 1.0),
]
GRIDS = [ThinGrid.of_faces(6, 3), ThinGrid.of_faces(6, 2.4), ThinGrid.of_centres(6, 4)]


def scans(grid, num_thick=6):
    rng = np.random.default_rng(0)
    thick = rng.random((5, 4, num_thick), np.float32)
    return thick, rng.random((5, 4, grid.num_slices), np.float32)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("profile", PROFILES)
def test_the_change_is_that_of_damped_least_squares(profile, grid):
    thick, thin = scans(grid)
    held = thin.copy()
    hold(held, thick, profile, grid)
    matrix = profile.matrix(np.arange(6) - grid.first, grid.num_slices, grid.step)
    damp = np.sqrt(DOUBT * np.mean(np.sum(matrix**2, axis=1)))
    for at in np.ndindex(5, 4):
        missing = thick[at] - matrix @ thin[at]
        change = lsqr(matrix, missing, damp=damp, atol=1e-12, btol=1e-12)[0]
        np.testing.assert_allclose(held[at], thin[at] + change, atol=1e-5)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_gives_the_acquired_slices_back_is_left_as_it_is(profile):
    grid = GRIDS[0]
    _, thin = scans(grid)
    matrix = profile.matrix(np.arange(6) - grid.first, grid.num_slices, grid.step)
    thick = (thin @ matrix.T).astype(np.float32)
    held = thin.copy()
    hold(held, thick, profile, grid)
    np.testing.assert_allclose(held, thin, atol=1e-6)


@pytest.mark.parametrize("profile", PROFILES)
def test_less_is_missing_than_before(profile):
    for grid in GRIDS:
        thick, thin = scans(grid)
        matrix = profile.matrix(np.arange(6) - grid.first, grid.num_slices, grid.step)
        before = np.linalg.norm(thick - thin @ matrix.T)
        hold(thin, thick, profile, grid)
        assert np.linalg.norm(thick - thin @ matrix.T) < 0.5 * before


def test_blocks_of_rows_are_the_whole(monkeypatch):
    thick, thin = scans(GRIDS[1])
    whole, blocks = thin.copy(), thin.copy()
    hold(whole, thick, PROFILES[1], GRIDS[1])
    monkeypatch.setattr(data_consistency, "_BLOCK_BYTES", 1)
    hold(blocks, thick, PROFILES[1], GRIDS[1])
    np.testing.assert_allclose(blocks, whole, atol=1e-6)


def test_a_single_slice_has_no_neighbours():
    thick, thin = np.full((2, 2, 1), 0.5, np.float32), np.zeros((2, 2, 3), np.float32)
    hold(thin, thick, SliceProfile("rect", 1.0), ThinGrid.of_faces(1, 3))
    np.testing.assert_allclose(thin, 0.5 / (1 + DOUBT), atol=1e-6)
