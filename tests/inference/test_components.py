"""Pieces of classes."""

import numpy as np

from deepresolve.inference.components import pieces


def test_pieces_of_each_class_have_sizes_and_middles():
    array = np.zeros((6, 5, 4), np.uint8)
    array[0, 0, :2], array[4:, 2:4, 1] = 3, 3
    array[3, 3, 3] = 7
    found = list(pieces(array))
    assert [of.value for of in found] == [3, 7]
    three, seven = found
    assert three.sizes.tolist() == [0, 2, 4] and seven.sizes.tolist() == [0, 1]
    for axis, middles in enumerate(([0, 0, 4.5], [0, 0, 2.5], [0, 0.5, 1])):
        np.testing.assert_allclose(three.middles(axis), middles)
        np.testing.assert_allclose(seven.middles(axis), [0, 3])
    inside = three.numbers > 0
    np.testing.assert_array_equal(array[three.box][inside], 3)
    assert not list(pieces(np.zeros((2, 2, 2), np.uint8)))
