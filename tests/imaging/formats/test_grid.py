import numpy as np
import pytest

from deepresolve.imaging.formats import grid


def test_a_shift_moves_every_corner_alike():
    other = np.eye(4)
    other[:3, 3] = (3, 0, -4)
    assert grid.corner_distance_mm((2, 3, 4), np.eye(4), other) == pytest.approx(5)


def test_a_wrong_spacing_shows_at_the_far_corner():
    # 101 voxels of 1.01 instead of 1 mm: the last one lies 100 * 0.01 mm off.
    other = np.diag([1.01, 1, 1, 1])
    apart = grid.corner_distance_mm((101, 50, 20), np.eye(4), other)
    assert apart == pytest.approx(1.0)


def test_no_inner_voxel_lies_farther_than_the_corners():
    rng = np.random.default_rng(5)
    shape = (4, 5, 6)
    indices = np.argwhere(np.ones(shape, dtype=bool))
    affine, other = np.eye(4), np.eye(4)
    affine[:3], other[:3] = rng.normal(size=(2, 3, 4))
    difference = affine[:3] - other[:3]
    everywhere = np.linalg.norm(
        indices @ difference[:, :3].T + difference[:, 3], axis=1
    )
    assert grid.corner_distance_mm(shape, affine, other) == pytest.approx(
        everywhere.max()
    )
