import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from deepresolve.imaging import floor

FINITE = arrays.arrays(
    np.float32,
    arrays.array_shapes(max_dims=3),
    elements=st.floats(-1e6, 1e6, width=32),
)


def test_voxels_below_are_held_and_others_stay():
    array = np.array([-30, -0.5, 0, 1e9], np.float32)
    assert floor.hold(array, 0).tolist() == [0, 0, 0, 1e9]
    assert array[0] == -30  # its input is untouched


def test_a_scan_with_negative_voxels_keeps_its_own_range():
    array = np.array([-300, -200, 5], np.float32)
    assert floor.hold(array, -250).tolist() == [-250, -200, 5]


def test_what_is_held_is_counted():
    # Of 8 voxels 3 are below 10, 2 of them by more than 1% of 1000; the worst by 310.
    array = np.array([-300, -10, 9, 10, 11, 20, 30, 900], np.float32)
    found = floor.measure(array, 10, 1000)
    assert found == (10, 3 / 8, 2 / 8, pytest.approx(0.31))


@settings(deadline=None, max_examples=100, derandomize=True)
@given(FINITE, st.floats(-1e6, 1e6, width=32), st.floats(1, 1e6))
def test_nothing_lies_below_what_was_held(array, lowest, data_range):
    held = floor.hold(array, lowest)
    assert held.min() >= lowest
    np.testing.assert_array_equal(held[array >= lowest], array[array >= lowest])
    after = floor.measure(held, lowest, data_range)
    assert after == (lowest, 0, 0, 0)
    before = floor.measure(array, lowest, data_range)
    assert before.share == np.mean(array < np.float32(lowest))
    assert before.share_far <= before.share
