"""Which places of a surface have cartilage: layers that voxels show, hide or lack."""

import numpy as np
import pytest

from deepresolve.quantification.coverage import holes, is_covered
from deepresolve.quantification.surfaces import Surface

SPACING_MM = (0.5, 0.5, 0.5)


def plane():
    """Places 0.6 mm apart on a plane, and cartilage in front of one half of it."""
    at = np.arange(1.5, 18, 0.6)
    vertices = np.stack(np.meshgrid([5.2], at, at, indexing="ij"), -1).reshape(-1, 3)
    cartilage = np.zeros((20, 40, 40), bool)
    cartilage[11:13, 20:] = True
    return vertices, np.tile((1.0, 0.0, 0.0), (len(vertices), 1)), cartilage


@pytest.mark.parametrize(
    ("elsewhere_mm", "bare_mm", "is_bare"),
    # 1.6 voxels are 0.8 mm, half a voxel 0.25 mm.
    [(0.5, 0.3, False), (0.5, 0.2, True), (0.9, 0.3, True), (0.9, 0.0, True)],
)
def test_a_thin_layer_may_hide_between_voxels(elsewhere_mm, bare_mm, is_bare):
    vertices, directions, cartilage = plane()
    shown = vertices[:, 1] > 9.7
    apart_mm = np.where(shown, elsewhere_mm, bare_mm)
    found = is_covered(vertices, directions, apart_mm, cartilage, SPACING_MM)
    assert found[shown].all()
    near = ~shown & (vertices[:, 1] > 9)  # 1 mm is two voxels
    assert found[near].any() != is_bare
    assert found[near].all() != is_bare


def test_a_hole_is_bare_and_cut_off_from_the_rest():
    count = 9
    number = np.arange(count * count).reshape(count, count)
    low, right, down = number[:-1, :-1], number[:-1, 1:], number[1:, :-1]
    faces = np.concatenate(
        [
            np.stack([low, right, down], -1).reshape(-1, 3),
            np.stack([right, number[1:, 1:], down], -1).reshape(-1, 3),
        ]
    )
    nothing = np.zeros((count * count, 3))
    bone = Surface(nothing, faces, nothing, np.ones(count * count))
    covered = np.zeros((count, count), bool)
    covered[2:7, 2:7] = True
    covered[3:5, 4] = False
    found = holes(bone, covered.ravel(), np.ones(count * count, bool))
    assert np.flatnonzero(found).tolist() == [3 * count + 4, 4 * count + 4]
    # Bare to the end of what is seen is no hole.
    covered[:3, 4] = False
    ended = np.arange(count * count) >= count
    assert not holes(bone, covered.ravel(), ended).any()
