"""How bones moved, of shapes and moves that are known."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deepresolve.quantification import bone_positions
from deepresolve.quantification.bone_positions import (
    BonesInWorld,
    bone_in_world,
    moved,
)

SPACING_MM = (0.6, 0.6, 1.0)
# Of a lopsided body, so that every turn shows.
_MIDDLE, _HALF_MM = np.array([4.0, -7, 3]), np.array([30.0, 22, 14])


def body(turn, shift_mm, shape=(150, 140, 70), affine=None):
    """An egg that was turned about its middle and shifted, drawn in closed form."""
    if affine is None:
        affine = np.diag([*SPACING_MM, 1])
        affine[:3, 3] = -np.multiply(shape, SPACING_MM) / 2
    voxels = np.moveaxis(np.indices(shape), 0, -1)
    world = voxels @ affine[:3, :3].T + affine[:3, 3]
    own = turn.inv().apply((world - _MIDDLE - shift_mm).reshape(-1, 3)) / _HALF_MM
    # Blunt on one side: an ellipsoid alone has three turns of half a circle.
    own[:, 0] *= 1 + 0.25 * own[:, 1] + 0.15 * own[:, 2]
    mask = (np.linalg.norm(own, axis=1) < 1).reshape(shape)
    return bone_in_world(mask, affine)


def off_mm(found, turn, shift_mm):
    """How far places of the body are from where they went, at most."""
    places = _MIDDLE + _HALF_MM * np.random.default_rng(1).uniform(-1, 1, (200, 3))
    expected = turn.apply(places - _MIDDLE) + _MIDDLE + shift_mm
    return np.linalg.norm(found(places) - expected, axis=1).max()


@pytest.mark.parametrize("degrees", [(0, 0, 0), (4, -3, 5), (12, 10, -14)])
def test_a_bone_is_found_where_it_was_moved(degrees):
    turn, shift = Rotation.from_rotvec(np.radians(degrees)), np.array([5.0, -3, 2])
    before = body(Rotation.identity(), np.zeros(3))
    found = moved(before, body(turn, shift), np.array([3.0, 0, 0]))
    assert off_mm(found, turn, shift) < 0.15


def test_a_bone_that_the_scan_cuts_is_found_by_what_both_scans_hold():
    turn, shift = Rotation.from_rotvec(np.radians([3, 4, -2])), np.array([1.0, 2, 0])
    affine = np.diag([0.5, 0.5, 1.2, 1.0])
    affine[:3, 3] = (-18, -40, -30)  # 9 mm of the body lie before its first voxel
    cut = body(turn, shift, (150, 160, 52), affine)
    before = body(Rotation.identity(), np.zeros(3))
    assert off_mm(moved(before, cut, np.zeros(3)), turn, shift) < 0.3


def test_some_bone_that_has_grown_does_not_move_the_rest():
    """A spur of 6 mm, as osteophytes are."""
    before = body(Rotation.identity(), np.zeros(3))
    grown = before.away_mm.copy()
    steps = np.moveaxis(np.indices(grown.shape), 0, -1)
    world = steps @ before.affine[:3, :3].T + before.affine[:3, 3]
    spur = np.linalg.norm(world - _MIDDLE - (0, _HALF_MM[1], 0), axis=-1) - 6
    after = before._replace(away_mm=np.minimum(grown, spur).astype(np.float32))
    found = moved(before, after, np.zeros(3))
    assert off_mm(found, Rotation.identity(), np.zeros(3)) < 0.15


def test_another_bone_and_one_elsewhere_are_refused():
    before = body(Rotation.identity(), np.zeros(3))
    stretched = before._replace(places_mm=before.places_mm * (1.3, 0.8, 1.2))
    with pytest.raises(ValueError, match="is it another knee"):
        moved(stretched, before, np.zeros(3))
    with pytest.raises(ValueError, match="0% of its surface lie in this scan"):
        moved(before, before, np.array([500.0, 0, 0]))


def test_a_bone_without_a_surface_is_refused():
    with pytest.raises(ValueError, match="full or empty"):
        bone_in_world(np.zeros((9, 9, 9), bool), np.eye(4))


def test_a_bone_is_looked_for_once_and_only_if_it_is_asked_for(monkeypatch):
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[3:9, 3:9, 3:9], labels[12:18, 3:9, 3:9] = 5, 6
    looked = []

    def look(mask, affine):
        looked.append(labels[mask].max(initial=0))
        return bone_in_world(mask, affine)

    monkeypatch.setattr(bone_positions, "bone_in_world", look)
    values = {"femur": [5, 9], "tibia": [6], "patella": []}
    bones = BonesInWorld(labels, np.diag([2.0, 2, 2, 1]), values)
    assert looked == []
    tibia = bones["tibia"]
    assert tibia is bones["tibia"] and looked == [6]
    np.testing.assert_allclose(tibia.places_mm.mean(axis=0), (29, 11, 11), atol=0.1)
    assert [*bones] == ["femur", "tibia"] and len(bones) == 2
    assert "patella" not in bones and looked == [6, 5, 0]
    with pytest.raises(KeyError):
        bones["fibula"]


def test_bones_are_those_of_the_label_map_as_it_was():
    """In voxels of 0.5 mm, of which every third will do."""
    labels = np.zeros((80, 80, 80), np.uint8)
    labels[12:36, 12:36, 12:36] = 5
    affine = np.diag([0.5, 0.5, 0.5, 1])
    whole = bone_in_world(labels == 5, affine)
    bones = BonesInWorld(labels, affine, {"femur": [5]})
    labels[:] = 0
    np.testing.assert_array_equal(bones["femur"].places_mm, whole.places_mm)
    np.testing.assert_array_equal(bones["femur"].affine, whole.affine)
