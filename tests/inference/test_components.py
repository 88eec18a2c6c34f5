import numpy as np

from deepresolve.inference.components import keep_largest


def test_largest_component_of_each_class_stays():
    plane = np.array(
        [
            [1, 1, 0, 0, 2],
            [1, 0, 0, 0, 2],
            [0, 0, 2, 0, 0],
            [1, 1, 0, 0, 4],
        ],
        np.uint8,
    )
    expected = np.array(
        [
            [1, 1, 0, 0, 2],
            [1, 0, 0, 0, 2],
            [0, 0, 0, 0, 0],
            [0, 0, 0, 0, 4],
        ],
        np.uint8,
    )
    kept = keep_largest(plane[..., np.newaxis])
    assert kept.dtype == np.uint8
    np.testing.assert_array_equal(kept[..., 0], expected)


def test_voxels_that_share_a_corner_are_connected():
    diagonal = np.zeros((3, 3, 3), np.uint8)
    diagonal[range(3), range(3), range(3)] = 5
    np.testing.assert_array_equal(keep_largest(diagonal), diagonal)


def test_classes_that_touch_stay_apart():
    row = np.array([1, 2, 2, 1, 1, 2], np.uint8).reshape(1, 1, 6)
    np.testing.assert_array_equal(keep_largest(row)[0, 0], [0, 2, 2, 1, 1, 0])


def test_first_of_equally_large_ones_stays_and_the_input_is_untouched():
    row = np.array([1, 0, 1], np.uint8).reshape(3, 1, 1)
    np.testing.assert_array_equal(keep_largest(row)[:, 0, 0], [1, 0, 0])
    np.testing.assert_array_equal(row[:, 0, 0], [1, 0, 1])


def test_empty_map_stays_empty():
    assert not keep_largest(np.zeros((2, 3, 4), np.uint8)).any()
