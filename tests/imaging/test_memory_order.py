import itertools
import tracemalloc

import numpy as np
import pytest

from deepresolve.imaging import memory_order
from deepresolve.imaging.memory_order import in_c_order

ORDERS = list(itertools.permutations(range(3)))
FLIPS = list(itertools.product((1, -1), repeat=3))


@pytest.fixture
def small_buffer(monkeypatch):
    """So that arrays of a test need several parts, the last one shorter."""
    monkeypatch.setattr(memory_order, "_BUFFER_BYTES", 600)


@pytest.mark.usefixtures("small_buffer")
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("flip", FLIPS)
@pytest.mark.parametrize("dtype", ["<i2", "<f4"])
def test_it_gives_what_numpy_gives(order, flip, dtype):
    whole = np.arange(5 * 7 * 11, dtype="<i2").reshape(5, 7, 11)
    view = whole.transpose(order)[tuple(slice(None, None, step) for step in flip)]
    result = in_c_order(view, dtype)
    np.testing.assert_array_equal(result, view)
    assert result.dtype == np.dtype(dtype)
    assert result.flags.c_contiguous


def test_voxels_of_the_other_byte_order():
    view = np.arange(24, dtype=">i2").reshape(2, 3, 4).T
    np.testing.assert_array_equal(in_c_order(view, "<i2"), view)


@pytest.mark.parametrize("shape", [(), (3,), (4, 3), (2, 3, 4, 5), (0, 3, 2)])
def test_arrays_of_any_rank(shape):
    array = np.asfortranarray(np.ones(shape))
    result = in_c_order(array, np.float32)
    np.testing.assert_array_equal(result, np.ascontiguousarray(array).reshape(shape))


def test_what_is_in_order_is_not_copied():
    for shape in ((2, 3, 4), (5, 4, 1)):
        array = np.zeros(shape, np.int16)
        assert in_c_order(array, np.int16) is array


@pytest.mark.parametrize("num_slices", [32, 64])
def test_it_takes_the_result_and_a_buffer(num_slices):
    view = np.ones((num_slices, 128, 128), np.int16).T
    tracemalloc.start()
    result = in_c_order(view, np.int16)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.nbytes < peak < result.nbytes + memory_order._BUFFER_BYTES + 2**14
