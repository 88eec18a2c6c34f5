"""Resampling against SciPy's splines, block means and straight lines."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline, interp1d

from deepresolve.imaging import regridding
from deepresolve.imaging.volume import Volume


@pytest.fixture
def array():
    return np.random.default_rng(0).random((12, 9, 6), np.float32)


def centres(old, new):
    """Of new voxels, in old ones: both fill the same field of view."""
    return (np.arange(new) + 0.5) * old / new - 0.5


@pytest.mark.parametrize(
    ("num", "spacing_mm", "wanted_mm", "expected"),
    [(512, 0.3125, 0.45, 356), (40, 1.5, 1.0, 60), (10, 1.0, 1.0, 10), (2, 0.1, 9, 1)],
)
def test_as_many_voxels_as_fill_the_field_of_view(num, spacing_mm, wanted_mm, expected):
    assert regridding.num_voxels(num, spacing_mm, wanted_mm) == expected


def test_coarser_voxels_are_means(array):
    expected = array.reshape(4, 3, 3, 3, 2, 3).mean(axis=(1, 3, 5))
    for resample in (regridding.resample_image, regridding.resample_probabilities):
        np.testing.assert_allclose(resample(array, (4, 3, 2)), expected, atol=1e-6)


def test_parts_of_voxels_count_by_their_share(array):
    found = regridding.resample_image(array, (8, 9, 6))
    # Two voxels of 1.5 old ones each from three old ones.
    three = array.reshape(4, 3, 9, 6)
    expected = np.stack(
        [(three[:, 0] + three[:, 1] / 2) / 1.5, (three[:, 1] / 2 + three[:, 2]) / 1.5],
        axis=1,
    ).reshape(8, 9, 6)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_finer_images_are_splines_and_finer_probabilities_run_straight(array):
    places = np.clip(centres(6, 15), 0, 5)
    expected = CubicSpline(np.arange(6), array, axis=2)(places)
    found = regridding.resample_image(array, (12, 9, 15))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    expected = interp1d(np.arange(6), array, axis=2)(places)
    found = regridding.resample_probabilities(array, (12, 9, 15))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert array.min() <= found.min() and found.max() <= array.max()


def test_one_axis_becomes_finer_while_another_becomes_coarser(array):
    both = regridding.resample_image(array, (4, 9, 12))
    one = regridding.resample_image(array, (4, 9, 6))
    np.testing.assert_allclose(
        both, regridding.resample_image(one, (4, 9, 12)), atol=1e-6
    )
    np.testing.assert_array_equal(regridding.resample_image(array, array.shape), array)


def test_faces_of_the_field_of_view_stay(array):
    affine = np.array([[0, 0, 3.0, 5], [0, 0.5, 0, -7], [-0.5, 0, 0, 2], [0, 0, 0, 1]])
    volume = Volume(array, affine, slice_thickness_mm=2.0)
    for shape in ((6, 9, 2), (24, 3, 13)):
        other = volume.resampled(np.zeros(shape, np.float32))
        for corner in np.ndindex(2, 2, 2):
            places = [
                v.affine @ [*(np.array(v.shape) * corner - 0.5), 1]
                for v in (volume, other)
            ]
            np.testing.assert_allclose(places[0], places[1], atol=1e-9)
    # Slices of 9 mm are as thick, those of 1.4 mm still see 2 mm.
    assert volume.resampled(array[..., :2]).slice_thickness_mm == 9
    finer = volume.resampled(np.repeat(array, 2, axis=2))
    assert finer.slice_thickness_mm == 2.0


def test_of_labels_a_voxel_has_the_value_that_most_of_it_has():
    labels = np.zeros((12, 9, 6), np.uint8)
    labels[:7, :, :], labels[:, 4:, 3:] = 3, 200
    coarse = regridding.resample_labels(labels, (4, 3, 2))
    assert coarse.dtype == np.uint8
    blocks = labels.reshape(4, 3, 3, 3, 2, 3).transpose(0, 2, 4, 1, 3, 5)
    counts = [(blocks == value).sum(axis=(3, 4, 5)) for value in (0, 3, 200)]
    expected = np.array([0, 3, 200])[np.argmax(counts, axis=0)]
    np.testing.assert_array_equal(coarse, expected)
    fine = regridding.resample_labels(coarse, labels.shape)
    np.testing.assert_array_equal(
        regridding.resample_labels(fine, coarse.shape), coarse
    )


@pytest.mark.parametrize(("old", "new"), [(40, 20), (40, 10), (40, 60), (60, 40)])
def test_of_equal_shares_no_label_gains(old, new):
    """Pieces of 2 to 7 voxels at every place keep their size on average."""
    kept = []
    for width in range(2, 8):
        for start in range(8, 16):
            labels = np.zeros((old, 1, 1), np.uint8)
            labels[start : start + width] = 1
            found = regridding.resample_labels(labels, (new, 1, 1))
            kept.append(found.sum() * old / new / width)
    assert np.mean(kept) == pytest.approx(1.0, abs=0.04)
