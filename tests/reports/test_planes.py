import nibabel as nib
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from deepresolve.imaging.volume import Volume
from deepresolve.reports.planes import (
    box_around,
    central_slice,
    fullest_slice,
    fullest_window,
)


@pytest.fixture
def volume():
    """(32, 24, 16) voxels whose slices are sagittal, from right to left."""
    affine = nib.orientations.inv_ornt_aff(
        nib.orientations.axcodes2ornt("IPL"), (32, 24, 16)
    )
    return Volume(np.zeros((32, 24, 16), np.float32), affine)


def test_fullest_slice_has_the_largest_sum_where_one_looks(volume):
    weights = np.zeros((32, 24, 16), np.float32)
    weights[0, 0, 1] = 9.0  # far from the middle
    weights[0, 0, 6] = 0.5
    weights[:5, 0, 9] = 0.4
    volume = volume.with_array(weights)
    assert fullest_slice(volume, "sagittal") == 1
    assert fullest_slice(volume, "sagittal", middle_only=True) == 9
    nothing = volume.with_array(np.zeros_like(weights))
    assert fullest_slice(nothing, "sagittal") == 8
    assert fullest_slice(nothing, "sagittal", middle_only=True) == 8


def test_central_slice_is_at_the_centre_of_mass(volume):
    weights = np.zeros((32, 24, 16), np.float32)
    weights[3, 4, 2] = 1.0
    weights[5, 6, 10] = 3.0
    volume = volume.with_array(weights)
    assert central_slice(volume, "sagittal") == 8  # (2 + 3 x 10) / 4
    assert central_slice(volume.with_array(0 * weights), "sagittal") == 8


@pytest.mark.parametrize("shape", [(3, 5), (4, 2), (1, 1), (30, 4), (30, 30)])
def test_fullest_window_equals_a_search_of_all(shape):
    rng = np.random.default_rng(0)
    for _ in range(10):
        weights = rng.random((12, 15)) * (rng.random((12, 15)) > 0.95)
        size = tuple(np.minimum(shape, weights.shape))
        best = sliding_window_view(weights, size).sum(axis=(2, 3)).max()
        window = fullest_window(weights, shape)
        assert weights[window].shape == size
        # Moving it to the middle of what it holds loses nothing.
        assert weights[window].sum() >= best - 1e-9


def test_a_window_has_what_it_holds_in_its_middle():
    weights = np.zeros((20, 30))
    weights[10, 12:17] = 1
    assert fullest_window(weights, (5, 9)) == (slice(8, 13), slice(10, 19))
    weights = np.zeros((20, 30))
    weights[0, 29] = 1  # as far as the slice goes
    assert fullest_window(weights, (5, 9)) == (slice(0, 5), slice(21, 30))


def test_box_holds_all_and_a_margin():
    weights = np.zeros((20, 30))
    weights[10, 12] = weights[13, 28] = 1
    # 2 mm are four rows of 0.5 mm and one column of 2 mm.
    box = box_around(weights, (0.5, 2.0), 2.0)
    assert box == (slice(6, 18), slice(11, 30))
    assert box_around(0 * weights, (0.5, 2.0), 2.0) == (slice(0, 20), slice(0, 30))
