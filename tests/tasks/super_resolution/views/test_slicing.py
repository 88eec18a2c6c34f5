"""Matrices of views against SciPy and plain means."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from deepresolve.imaging.degradation import cubic_matrix, interpolate
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.imaging.volume import Volume
from deepresolve.networks.sr_views import NUM_PARTS
from deepresolve.tasks.super_resolution.views.slicing import (
    ThinGrid,
    example_matrices,
    num_slices_in,
    part_centres,
    parts_to_thin,
)


@pytest.mark.parametrize("num_thick", [1, 5, 22])
@pytest.mark.parametrize("factor", [2, 2.5, 3, 4.29])
def test_outer_faces_stay_where_they_were(num_thick, factor):
    grid = ThinGrid.of_faces(num_thick, factor)
    first, last = grid.centres[[0, -1]]
    assert first - grid.step / 2 == pytest.approx(-0.5, abs=1e-12)
    assert last + grid.step / 2 == pytest.approx(num_thick - 0.5, abs=1e-12)
    np.testing.assert_allclose(np.diff(grid.centres), grid.step, atol=1e-12)
    # No other number of slices comes nearer to the factor.
    assert abs(grid.num_slices - num_thick * factor) <= 0.5


def test_from_centre_to_centre_is_the_published_grid(smooth_array):
    thick = Volume(smooth_array[..., :7], np.diag([0.5, 0.5, 3.0, 1.0]))
    published = interpolate(thick, 3)
    grid = ThinGrid.of_centres(7, 3)
    assert grid.num_slices == published.num_slices
    placed = thick.resliced(published.array, step=grid.step, first=grid.first)
    np.testing.assert_allclose(placed.affine, published.affine, atol=1e-12)


def test_interpolation_is_the_not_a_knot_spline_that_is_held_past_the_ends():
    values = np.random.default_rng(0).normal(size=9)
    positions = np.array([-0.7, 0, 0.3, 4.5, 7.99, 8, 8.4])
    expected = CubicSpline(np.arange(9), values)(positions)
    expected[[0, -1]] = values[[0, -1]]
    np.testing.assert_allclose(cubic_matrix(9, positions) @ values, expected)


def test_one_slice_is_held_everywhere():
    np.testing.assert_array_equal(cubic_matrix(1, np.array([-0.4, 0.2])), [[1], [1]])


def test_parts_fill_their_slices():
    centres = part_centres(3).reshape(3, NUM_PARTS)
    np.testing.assert_allclose(centres.mean(axis=1), [0, 1, 2], atol=1e-12)
    np.testing.assert_allclose(np.diff(part_centres(3)), 1 / NUM_PARTS)
    assert centres[0, 0] - 0.5 / NUM_PARTS == pytest.approx(-0.5)


@pytest.mark.parametrize("factor", [1.4, 2, 2.5, 3, 4.29, 8, 11, 16])
def test_thin_slices_weigh_parts_by_one(factor):
    matrix = parts_to_thin(6, ThinGrid.of_faces(6, factor))
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)
    assert matrix.min() >= 0


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_whole_parts_are_plain_means(factor):
    matrix = parts_to_thin(5, ThinGrid.of_faces(5, factor))
    parts = np.random.default_rng(1).normal(size=5 * NUM_PARTS)
    means = parts.reshape(5 * factor, -1).mean(axis=1)
    np.testing.assert_allclose(matrix @ parts, means, atol=1e-12)


def test_slices_thinner_than_parts_are_interpolated_linearly():
    grid = ThinGrid.of_faces(3, 16)
    matrix = parts_to_thin(3, grid)
    parts = np.random.default_rng(2).normal(size=3 * NUM_PARTS)
    expected = np.interp(grid.centres, part_centres(3), parts)
    np.testing.assert_allclose(matrix @ parts, expected, atol=1e-12)


PROFILES = [("rect", 4.0), ("gaussian", 3.1), ("fir", 4.6)]


@pytest.mark.parametrize(("shape", "thickness"), PROFILES)
def test_nothing_is_added_to_what_is_constant(shape, thickness):
    profile = SliceProfile(shape, thickness)
    thick, added = example_matrices(61, 4.3, profile, 0.3)
    assert thick.dtype == added.dtype == np.float32
    assert thick.shape == (14, 61)
    assert added.shape == (14 * NUM_PARTS, 61)
    np.testing.assert_allclose(thick.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(added.sum(axis=1), 0, atol=1e-5)


@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_touching_slices_of_whole_pixels_are_their_means(offset):
    pixels = np.random.default_rng(3).normal(size=30)
    thick, _ = example_matrices(30, 4.0, SliceProfile("rect", 4.0), offset)
    room = pixels[:28] if offset == 0 else pixels[2:]
    means = room.reshape(7, 4).mean(axis=1)
    np.testing.assert_allclose(thick @ pixels, means, atol=1e-6)


@pytest.mark.parametrize(("shape", "thickness"), PROFILES)
def test_what_is_added_makes_the_parts_those_of_the_axis(shape, thickness):
    # Parts of two pixels each: of 16 pixels a slice.
    pixels = np.random.default_rng(4).normal(size=5 * 16)
    profile = SliceProfile(shape, thickness * 4)
    thick, added = example_matrices(5 * 16, 16.0, profile, 0.0)
    slices = thick @ pixels
    cubic = CubicSpline(np.arange(5), slices)(np.clip(part_centres(5), 0, 4))
    means = pixels.reshape(-1, 2).mean(axis=1)
    np.testing.assert_allclose(cubic + added @ pixels, means, atol=1e-5)


def test_parts_are_never_finer_than_a_pixel():
    pixels = np.random.default_rng(5).normal(size=24)
    thick, added = example_matrices(24, 4.0, SliceProfile("rect", 4.0), 0.0)
    cubic = cubic_matrix(6, part_centres(6)) @ (thick @ pixels)
    # Half a pixel wide, they are interpolated between the pixels' centres.
    places = (np.arange(6 * NUM_PARTS) + 0.5) / 2 - 0.5
    expected = np.interp(places, np.arange(24), pixels)
    np.testing.assert_allclose(cubic + added @ pixels, expected, atol=1e-5)


def test_rounding_loses_no_slice():
    """Spacings that fill an axis are seldom whole in binary."""
    for num_pixels in range(32, 200):
        for pixel_mm in (0.3, 0.36, 0.7):
            for wanted in (6, 7, 16):
                spacing_mm = num_pixels * pixel_mm / wanted
                assert num_slices_in(num_pixels, spacing_mm / pixel_mm) == wanted
    assert num_slices_in(63, 64 / 6) == 5
