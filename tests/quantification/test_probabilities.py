"""Probabilities beside a label map: what becomes cartilage, and where surfaces lie."""

import numpy as np
import pytest
from scipy import ndimage

from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification.knee import measure
from deepresolve.quantification.parts import parts_of
from deepresolve.quantification.probabilities import (
    Arrays,
    Probabilities,
    at_threshold,
    checked,
)

SPACING_MM = (0.4, 0.4, 0.8)
NAMES = {1: "medial tibial cartilage", 2: "lateral tibial cartilage", 3: "tibia"}
# Ten voxels thick; probabilities fall off over 1.2 mm at each surface.
_TOP, _BONE = 20, 30


def slab(moved_voxels=0.0):
    """Two plates on a bone, of which probabilities lie further down than labels."""
    array = np.zeros((45, 40, 60), np.uint8)
    array[_BONE:, 5:35, 5:55] = 3
    for value, planes in ((1, slice(5, 28)), (2, slice(32, 55))):
        array[_TOP:_BONE, 5:35, planes] = value
    label_map = Volume(array, affine_along_axes("IPL", SPACING_MM), slice_axis=2)
    shares = {
        value: label_map.with_array(
            ndimage.shift(
                ndimage.uniform_filter1d((array == value).astype(np.float32), 3, 0),
                (moved_voxels, 0, 0),
                order=1,
                mode="nearest",
            )
        )
        for value in NAMES
    }
    return label_map, shares


def test_thresholds_move_both_surfaces_of_cartilage():
    label_map, shares = slab()
    # One third beyond each surface is above 0.3, two thirds within are below 0.7.
    thick = at_threshold(label_map, Probabilities(shares, NAMES, 0.3)).array
    thin = at_threshold(label_map, Probabilities(shares, NAMES, 0.7)).array
    column = (slice(None), 30, 15)
    assert np.flatnonzero(thick[column] == 1).tolist() == [*range(_TOP - 1, _BONE + 1)]
    assert np.flatnonzero(thin[column] == 1).tolist() == [*range(_TOP + 1, _BONE - 1)]
    # What cartilage loses to the bone is bone, and nothing above it.
    assert thin[_TOP, 30, 15] == 0 and thin[_BONE - 1, 30, 15] == 3


def test_an_island_of_high_probability_is_not_taken_in():
    label_map, shares = slab()
    shares[1].array[10:14, 10:14, 10:14] = 0.45
    found = at_threshold(label_map, Probabilities(shares, NAMES, 0.3))
    assert not found.array[10:14, 10:14, 10:14].any()


@pytest.mark.parametrize("names", [NAMES, {v: NAMES[v] for v in (1, 2)}])
def test_surfaces_lie_where_probabilities_do(names):
    """Moved down by a quarter of a voxel, on a bone that a label is or is not."""
    label_map, shares = slab(0.25)
    shares = {value: shares[value] for value in names}
    known = checked(shares, label_map, names)
    knee = measure(label_map, names, known_side="right", probabilities=known)
    for plate in (knee.plates["MT"], knee.plates["LT"]):
        middle = plate.bone.vertices.mean(axis=0)
        inner = np.all(np.abs(plate.bone.vertices - middle) < (2, 4, 6), axis=1)
        depth_mm = plate.bone.vertices[inner, 0]
        np.testing.assert_allclose(depth_mm, (_BONE - 0.5 + 0.25) * 0.4, atol=0.02)
        np.testing.assert_allclose(plate.thickness_mm[inner], 4.0, atol=0.03)


def test_a_knee_and_its_mirror_image_measure_the_same():
    label_map, shares = slab(0.25)
    shares[1].array[:, :20] *= 0.9
    known = Probabilities(shares, NAMES)
    table = measure(label_map, NAMES, probabilities=known).table
    turned = {v: of.with_array(np.flip(of.array, 2)) for v, of in shares.items()}
    other = label_map.with_array(np.flip(label_map.array, 2))
    mirrored = measure(other, NAMES, probabilities=Probabilities(turned, NAMES))
    assert mirrored.side == "right" and mirrored.table == table


def test_cartilage_in_one_label_is_parted_with_its_probabilities():
    label_map, shares = slab()
    expected = measure(label_map, NAMES, probabilities=Probabilities(shares, NAMES))
    names = {1: "tibial cartilage", 3: "tibia"}
    joined = np.where(label_map.array == 2, 1, label_map.array)
    both = shares[1].with_array(shares[1].array + shares[2].array)
    known = Probabilities({1: both, 3: shares[3]}, names)
    found = measure(
        label_map.with_array(joined), names, known_side="left", probabilities=known
    )
    assert found.table == expected.table


def test_plates_of_one_bone_are_one_tissue_where_labels_do_not_part_them():
    shape = (2, 2, 2)
    medial, lateral = np.full(shape, 0.3), np.full(shape, 0.25)
    arrays = {1: medial, 2: lateral, 3: np.full(shape, 0.2)}
    elsewhere = np.zeros(shape, bool)
    elsewhere[1] = True
    known = Arrays(arrays, parts_of(NAMES), 0.5)
    found = known.shares("tibia", elsewhere)
    np.testing.assert_allclose(found.bone, 0.2)
    np.testing.assert_allclose(found.both[0], 0.75)
    np.testing.assert_allclose(found.both[1], 0.2)


def test_a_bone_without_a_label_is_what_cartilage_is_not_on_its_side():
    cartilage = np.array([0.1, 0.6, 0.8, 0.3])[:, None, None] * np.ones((1, 3, 3))
    bone = np.zeros(cartilage.shape, bool)
    bone[3, 1, 1] = True
    known = Arrays({1: cartilage}, parts_of(NAMES), 0.5)
    found = known.shares_on(bone, "tibia", np.zeros_like(bone))
    # The bone's voxel, the cartilage beside it, and neither beside and beyond them.
    np.testing.assert_allclose(found.bone[:, 1, 1], [0, 0, 0.2, 0.7], atol=1e-6)
    assert found.bone[3, 0, 0] == 0
    np.testing.assert_allclose(found.both[:, 1, 1], [0.1, 0.6, 0.8, 1], atol=1e-6)
