"""Pieces of classes."""

import numpy as np

from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.inference.components import pieces


def grid(array, spacing_mm=(1.0, 1.0, 1.0), orientation="IPL"):
    return Volume(array, affine_along_axes(orientation, spacing_mm), slice_axis=2)


def test_pieces_of_each_class_have_sizes_and_middles():
    array = np.zeros((6, 5, 4), np.uint8)
    array[0, 0, :2], array[4:, 2:4, 1] = 3, 3
    array[3, 3, 3] = 7
    found = list(pieces(grid(array)))
    assert [of.value for of in found] == [3, 7]
    three, seven = found
    assert three.sizes.tolist() == [0, 2, 4] and seven.sizes.tolist() == [0, 1]
    for axis, middles in enumerate(([0, 0, 4.5], [0, 0, 2.5], [0, 0.5, 1])):
        np.testing.assert_allclose(three.middles(axis), middles)
        np.testing.assert_allclose(seven.middles(axis), [0, 3])
    inside = three.numbers > 0
    np.testing.assert_array_equal(array[three.box][inside], 3)
    assert not list(pieces(grid(np.zeros((2, 2, 2), np.uint8))))


def test_in_thick_slices_what_is_a_slice_apart_is_one_piece():
    """A layer that moves 3 mm from slice to slice, and a speck 6 mm from it."""
    array = np.zeros((30, 8, 4), np.uint8)
    for k in range(4):
        array[6 * k : 6 * k + 2, :4, k] = 1
    array[28, 7, 0] = 1
    in_mm = {}
    for slice_mm in (1.0, 4.0):
        (found,) = pieces(grid(array, (0.5, 0.5, slice_mm), "PLI"))
        in_mm[slice_mm] = sorted(found.sizes[1:])
        assert found.sizes.sum() == array.sum()
        np.testing.assert_array_equal(found.numbers > 0, array[found.box] == 1)
    assert in_mm == {1.0: [1, 8, 8, 8, 8], 4.0: [1, 32]}
    # Sagittal slices cut cartilage across.
    (found,) = pieces(grid(array, (0.5, 0.5, 4.0)))
    assert sorted(found.sizes[1:]) == in_mm[1.0]
