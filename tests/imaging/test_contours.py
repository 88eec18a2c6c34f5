"""Exact coverage of pixels by contours."""

import numpy as np
import pytest
from matplotlib.path import Path
from scipy import ndimage
from skimage import measure

from deepresolve.imaging import contours


def rectangle(left, top, right, bottom):
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


@pytest.fixture
def sampled():
    """The share of each pixel inside a polygon, by 40 x 40 points each (matplotlib)."""

    def sample(contour, shape, num=40):
        inside = (np.arange(num) + 0.5) / num - 0.5
        rows = (np.arange(shape[0])[:, None] + inside).ravel()
        columns = (np.arange(shape[1])[:, None] + inside).ravel()
        grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
        found = Path(np.vstack([contour, contour[:1]])).contains_points(grid)
        blocks = found.reshape(shape[0], num, shape[1], num)
        return blocks.mean(axis=(1, 3))

    return sample


def test_a_rectangle_covers_what_it_overlaps():
    # Pixel (row 1, column 2) is 1.5 <= x <= 2.5, 0.5 <= y <= 1.5.
    share = contours.coverage([rectangle(1.75, 0.5, 3.5, 2)], (4, 5))
    expected = np.zeros((4, 5))
    expected[1, 2:4] = 0.75, 1
    expected[2, 2:4] = 0.375, 0.5
    np.testing.assert_allclose(share, expected, atol=1e-12)


@pytest.mark.parametrize("turn", [1, -1], ids=["clockwise", "anticlockwise"])
@pytest.mark.parametrize("seed", range(4))
def test_polygons_agree_with_many_points_in_each_pixel(seed, turn, sampled):
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 17))
    radii = rng.uniform(2, 8, (17, 1))
    star = (9.3, 8.1) + radii * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    share = contours.coverage([star[::turn]], (18, 20))
    # An edge through a pixel errs by about one line of its 40 x 40 points.
    np.testing.assert_allclose(share, sampled(star, (18, 20)), atol=0.03)
    # The shoelace formula.
    x, y = star.T
    area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    assert share.sum() == pytest.approx(area, rel=1e-9)


def test_a_mask_comes_back_from_its_contours():
    """find_contours cuts the corner of a lone pixel to exactly half of it."""
    rng = np.random.default_rng(0)
    blob = np.hypot(*np.mgrid[-15:15, -20:20]) < 12
    mask = blob & (rng.random(blob.shape) < 0.97)
    mask[2, 3] = True
    drawn = [found[:, ::-1] for found in measure.find_contours(mask.astype(float), 0.5)]
    again = contours.fill(drawn, mask.shape)
    # A hole of one pixel is half full, too, and half counts as full.
    lone_holes = ~mask & (ndimage.uniform_filter(mask.astype(float), 3) * 9 > 7.5)
    np.testing.assert_array_equal(again, mask | lone_holes)


def test_holes_islands_and_neighbours():
    nested = [rectangle(n - 0.5, n - 0.5, 12.5 - n, 12.5 - n) for n in (0, 2, 4)]
    share = contours.coverage(nested[::-1], (13, 13))
    assert share[6, 0] == share[6, 6] == 1
    assert share[6, 3] == 0
    assert share.sum() == pytest.approx(13**2 - 9**2 + 5**2)
    halves = [rectangle(-0.5, -0.5, 1, 2.5), rectangle(1, -0.5, 2.5, 2.5)]
    np.testing.assert_allclose(contours.coverage(halves, (3, 3)), 1)


def test_a_contour_given_twice_is_no_hole():
    twice = [rectangle(0.5, 0.5, 3.5, 3.5)] * 2
    assert contours.fill(twice, (5, 5)).sum() == 9


@pytest.mark.parametrize("points", [[], [(1, 1)], [(1, 1), (3, 2)]])
def test_fewer_than_three_points_enclose_nothing(points):
    contour = np.reshape(points, (-1, 2))
    assert not contours.coverage([contour], (4, 4)).any()


def test_the_edge_of_the_image():
    share = contours.coverage([rectangle(-1, -1, 5, 4)], (4, 5))
    np.testing.assert_allclose(share, 1)


@pytest.mark.parametrize(
    ("contour", "message"),
    [
        (np.zeros((3, 3)), r"\(n, 2\); got shape \(3, 3\)"),
        ([(0, 0), (1, np.nan), (1, 1)], "NaN or infinite"),
        (rectangle(0, 0, 5.5, 2), r"columns 0 to 5.5 .* 5 columns and 4 rows"),
        (rectangle(0, -1.5, 2, 2), r"rows -1.5 to 2, .* 5 columns and 4 rows"),
        (rectangle(0, 0, 1e30, 2), "lies off the image"),
    ],
)
def test_what_is_no_contour_of_the_image_is_refused(contour, message):
    with pytest.raises(ValueError, match=message):
        contours.fill([contour], (4, 5))
