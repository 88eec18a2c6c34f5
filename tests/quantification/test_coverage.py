"""Which places of a surface have cartilage: layers that voxels show, hide or lack."""

import numpy as np
import pytest

from deepresolve.quantification.coverage import hidden, holes, meets
from deepresolve.quantification.surfaces import Surface

SPACING_MM = (0.5, 0.5, 0.5)


def test_who_goes_from_a_point_meets_what_is_near():
    cartilage = np.zeros((20, 20, 20), bool)
    cartilage[10:12] = True  # from 4.75 mm on
    points_mm = np.array([[4.2, 5, 5], [3.9, 5, 5], [4.2, 5, 5]])
    directions = np.array([[1.0, 0, 0], [1, 0, 0], [-1, 0, 0]])
    found = meets(cartilage, points_mm, directions, SPACING_MM)
    assert found.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("elsewhere_mm", "bare_mm", "is_hidden"),
    # 1.6 voxels are 0.8 mm, half a voxel 0.25 mm.
    [(0.5, 0.3, True), (0.5, 0.2, False), (0.9, 0.3, False), (0.9, 0.0, False)],
)
def test_a_thin_layer_may_hide_between_voxels(elsewhere_mm, bare_mm, is_hidden):
    at = np.arange(1.5, 18, 0.6)
    vertices = np.stack(np.meshgrid([5.2], at, at, indexing="ij"), -1).reshape(-1, 3)
    normals = np.tile((1.0, 0.0, 0.0), (len(vertices), 1))
    plane = Surface(vertices, np.empty((0, 3), int), normals, np.ones(len(vertices)))
    # Within two voxels, 1 mm, of what is covered.
    bare = (vertices[:, 1] > 9) & (vertices[:, 1] < 9.7)
    apart_mm = np.where(bare, bare_mm, elsewhere_mm)
    found = hidden(plane, apart_mm, bare, SPACING_MM)
    assert bare.any() and (found[bare] == is_hidden).all()
    assert not found[~bare].any()


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
