"""A slab whose thickness is known, holes, mirrored knees, and what does not fit."""

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging import mirroring
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification.knee import measure
from deepresolve.quantification.thickness_map import DENUDED, thickness_map
from deepresolve.simulation import phantom

NAMES = {1: "femoral cartilage", 5: "femur"}
SPACING_MM = (0.5, 0.5, 0.75)


@pytest.fixture(scope="module")
def slab():
    """Femur above, 2.5 mm of cartilage below it, bare in 6 x 6 mm of its middle."""
    array = np.zeros((40, 60, 48), np.uint8)  # Down, back, to the left.
    array[:20] = 5
    array[20:25, 8:52, 8:40] = 1
    array[20:25, 24:36, 20:28] = 0
    return Volume(array, affine_along_axes("IPL", SPACING_MM))


def test_a_slab_is_as_thick_everywhere(slab):
    found = thickness_map(measure(slab, NAMES), slab, NAMES)
    assert found.array.dtype == np.float32
    np.testing.assert_array_equal(found.affine, slab.affine)
    is_cartilage = slab.array == 1
    # A closed form: five voxels of 0.5 mm.
    assert np.median(found.array[is_cartilage]) == pytest.approx(2.5, abs=0.03)
    inner = np.zeros_like(is_cartilage)
    inner[:, 12:48, 12:36] = is_cartilage[:, 12:48, 12:36]
    inner[:, 20:40, 16:32] = False
    np.testing.assert_allclose(found.array[inner], 2.5, atol=0.1)
    assert (found.array[is_cartilage] > 0).all()
    assert (found.array[~is_cartilage] <= 0).all()


def test_denuded_bone_is_marked_where_it_lies(slab):
    found = thickness_map(measure(slab, NAMES), slab, NAMES).array
    row, column, plane = np.nonzero(found == DENUDED)
    assert (row == 19).all(), "the last layer of bone alone"
    # 96 voxels of bone lie below the hole; its rim may count a voxel more or less.
    assert 5 * 9 <= len(row) <= 14 * 10
    assert column.min() >= 23 and column.max() <= 36
    assert plane.min() >= 19 and plane.max() <= 28
    assert (found[19, 26:34, 22:26] == DENUDED).all()
    filled = slab.array.copy()
    filled[20:25, 24:36, 20:28] = 1
    whole = slab.with_array(filled)
    assert thickness_map(measure(whole, NAMES), whole, NAMES).array.min() == 0


@pytest.mark.parametrize("axcodes", ["RAS", "PIR", "LSA"])
def test_a_map_lies_on_its_label_map_whatever_the_axes(slab, axcodes):
    turn = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("IPL"), nib.orientations.axcodes2ornt(axcodes)
    )
    expected = thickness_map(measure(slab, NAMES), slab, NAMES).array
    array = nib.orientations.apply_orientation(slab.array, turn)
    to_old = nib.orientations.inv_ornt_aff(turn, slab.shape)
    turned = Volume(array, slab.affine @ to_old)
    found = thickness_map(measure(turned, NAMES), turned, NAMES)
    np.testing.assert_array_equal(
        found.array, nib.orientations.apply_orientation(expected, turn)
    )
    np.testing.assert_array_equal(found.affine, turned.affine)


@pytest.fixture(scope="module")
def knee():
    return phantom.labelled(seed=7, shape=(150, 150, 80), spacing_mm=(0.8, 0.8, 1.0))


def test_a_knee_is_as_thick_as_it_was_drawn(knee):
    """The phantom knows the thickness at each voxel, along the bone's normal."""
    names = phantom.LABEL_NAMES
    found = thickness_map(measure(knee.label, names), knee.label, names).array
    drawn = knee.thickness_mm.array
    for value in (1, 2, 3, 4):
        there = (knee.label.array == value) & (drawn > 0)
        apart = found[there] - drawn[there]
        assert abs(apart.mean()) < 0.06 and np.median(np.abs(apart)) < 0.15


def test_labels_may_have_sides_that_plates_have_not_and_plates_that_labels_have_not(
    slab,
):
    whole = thickness_map(measure(slab, NAMES), slab, NAMES).array
    parted = slab.array.copy()
    parted[..., 24:][parted[..., 24:] == 1] = 2
    names = {1: "lateral femoral cartilage", 2: "medial femoral cartilage", 5: "femur"}
    label = slab.with_array(parted)
    found = thickness_map(measure(label, names), label, names).array
    np.testing.assert_array_equal(np.abs(found), np.abs(whole))
    # Plates that were told apart by something else than their labels.
    upside_down = slab.with_array(np.flip(parted, 0))
    tibia = {2: "medial tibial cartilage", 1: "lateral tibial cartilage", 5: "tibia"}
    knee = measure(upside_down, tibia)
    sided = thickness_map(knee, upside_down, tibia).array
    in_one = upside_down.with_array(np.flip(slab.array, 0))
    found = thickness_map(knee, in_one, {1: "tibial cartilage", 5: "tibia"}).array
    assert set(knee.plates) == {"MT", "LT"}
    assert np.abs(found - sided).max() < 0.1


def test_a_mirrored_knee_has_the_mirrored_map(knee):
    names = phantom.LABEL_NAMES
    axis = mirroring.left_right_axis(knee.label)
    mirrored = knee.label.with_array(np.flip(knee.label.array, axis))
    one, other = (
        thickness_map(measure(label, names), label, names).array
        for label in (knee.label, mirrored)
    )
    np.testing.assert_array_equal(np.flip(other, axis), one)
    assert (one == DENUDED).any() and one.max() > 2


def test_another_label_map_or_other_names_are_refused(slab):
    knee = measure(slab, NAMES)
    moved = Volume(slab.array, slab.affine + np.eye(4)[:, [1, 2, 3, 0]])
    with pytest.raises(ValueError, match="does not lie where the knee was measured"):
        thickness_map(knee, moved, NAMES)
    with pytest.raises(ValueError, match="no voxel of plate F, which was measured"):
        thickness_map(knee, slab, {5: "femur", 9: "femoral cartilage"})
