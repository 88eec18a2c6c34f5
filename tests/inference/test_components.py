import numpy as np
import pytest
from scipy import ndimage

from deepresolve.inference.components import drop_small
from deepresolve.simulation import phantom

_TIBIAL = [number for number, name in phantom.LABEL_NAMES.items() if "tibial" in name]


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
    kept = drop_small(plane[..., np.newaxis], 1.0)
    assert kept.dtype == np.uint8
    np.testing.assert_array_equal(kept[..., 0], expected)


def test_voxels_that_share_a_corner_are_connected():
    diagonal = np.zeros((3, 3, 3), np.uint8)
    diagonal[range(3), range(3), range(3)] = 5
    np.testing.assert_array_equal(drop_small(diagonal, 1.0), diagonal)


def test_classes_that_touch_stay_apart():
    row = np.array([1, 2, 2, 1, 1, 2], np.uint8).reshape(1, 1, 6)
    np.testing.assert_array_equal(drop_small(row, 1.0)[0, 0], [0, 2, 2, 1, 1, 0])


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (1.0, [1, 1, 1, 1, 0, 0, 0, 0, 0]),
        (0.5, [1, 1, 1, 1, 0, 1, 1, 0, 0]),
        (0.25, [1, 1, 1, 1, 0, 1, 1, 0, 1]),
    ],
)
def test_pieces_stay_that_are_large_beside_the_largest(share, expected):
    row = np.array([1, 1, 1, 1, 0, 1, 1, 0, 1], np.uint8).reshape(9, 1, 1)
    before = row.copy()
    np.testing.assert_array_equal(drop_small(row, share)[:, 0, 0], expected)
    np.testing.assert_array_equal(row, before)


def test_equally_large_ones_stay():
    row = np.array([1, 0, 1], np.uint8).reshape(3, 1, 1)
    np.testing.assert_array_equal(drop_small(row, 1.0), row)


def test_both_tibial_plateaus_stay():
    """Of a whole knee; the largest piece alone is one of them."""
    knee = phantom.knee(seed=901, shape=(96, 96, 60), spacing_mm=(1.2, 1.2, 1.5))
    tibial = np.isin(knee.label.array, _TIBIAL).astype(np.uint8)
    strayed = tibial.copy()
    strayed[2:4, 2:4, 2:4] = 1
    assert not tibial[2:4, 2:4, 2:4].any()
    pieces, _ = ndimage.label(tibial, np.ones((3, 3, 3)))
    *others, second, first = np.sort(np.bincount(pieces.ravel())[1:])
    assert second > 0.5 * first and sum(others) < 0.01 * first
    kept = drop_small(strayed, 0.1)
    assert kept.sum() == first + second and not kept[2:4, 2:4, 2:4].any()
    assert drop_small(strayed, 1.0).sum() == first


def test_empty_map_stays_empty():
    assert not drop_small(np.zeros((2, 3, 4), np.uint8), 0.5).any()
