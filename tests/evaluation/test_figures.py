import dataclasses
import io

import numpy as np
import pytest
from matplotlib import image as matplotlib_image

from deepresolve.evaluation import figures
from deepresolve.evaluation.subjects import Example


def pixels(png):
    """(height, width, 3) in 0..1, opened as any other program would."""
    return matplotlib_image.imread(io.BytesIO(png), format="png")[..., :3]


def columns(picture):
    """The five columns of panels, without margins."""
    left, right = figures._LEFT, figures.WIDTH_PX - figures._RIGHT
    inner = picture[figures._TOP : -figures._BOTTOM, left:right]
    width = (inner.shape[1] - 4 * figures._GAP) / 5
    starts = [round(i * (width + figures._GAP)) for i in range(5)]
    return [inner[:, start : start + int(width)] for start in starts]


def difference(panel, other):
    """Mean over all pixels: the outermost may be drawn a fraction to the side."""
    return np.abs(panel - other).mean()


def test_png_opens_and_has_its_size(results):
    png = figures.comparison(results)
    assert png.startswith(b"\x89PNG\r\n")
    picture = pixels(png)
    assert picture.shape[1] == figures.WIDTH_PX
    # 24 x 22 x 20 voxels of 0.5, 0.6 and 0.8 mm, 19 slices of them measured: sagittal
    # 12 mm high and 13.2 wide, coronal 12 by 15.2, axial 13.2 by 15.2. The widest,
    # 15.2 mm, fills a column.
    column_px = (2000 - figures._LEFT - figures._RIGHT - 4 * figures._GAP) / 5
    panels_px = (12 + 13.2 + 12) * column_px / 15.2
    margins_px = figures._TOP + figures._BOTTOM + 2 * figures._GAP
    assert picture.shape[0] == pytest.approx(panels_px + margins_px, abs=3)


def test_same_results_give_the_same_picture(results):
    assert figures.comparison(results) == figures.comparison(results)


def test_equal_errors_look_equal_and_half_of_it_darker(results, better_results):
    *_, sr_error, tci_error = columns(pixels(figures.comparison(results)))
    assert difference(sr_error, tci_error) < 1e-3
    *_, sr_error, tci_error = columns(pixels(figures.comparison(better_results)))
    assert sr_error.mean() < 0.8 * tci_error.mean()


def test_a_ball_is_round_though_voxels_are_not(results):
    truth = results.example.ground_truth
    index = np.indices(truth.shape).transpose(1, 2, 3, 0)
    centre = (np.array(truth.shape) - 1) / 2
    distance_mm = np.linalg.norm((index - centre) * truth.spacing_mm, axis=-1)
    ball = truth.with_array((distance_mm < 4.4).astype(np.float32))
    shown = Example("ball", ball, dict.fromkeys(("sr", "tci", "fourier"), ball))
    picture = pixels(figures.comparison(dataclasses.replace(results, example=shown)))
    # Coronal, 12 mm high; the letters are yellow, the scale bar is elsewhere.
    px_per_mm = 380 / 15.2  # a column of 380 pixels shows 19 slices
    white = columns(picture)[0][: int(12 * px_per_mm)].min(axis=2) > 0.9
    height, width = (np.ptp(np.flatnonzero(white.any(axis))) for axis in (1, 0))
    assert height == pytest.approx(width, abs=0.8 * px_per_mm)  # one voxel
    assert height > 150


def test_no_error_at_all_can_be_drawn(results):
    truth = results.example.ground_truth
    same = Example("same", truth, dict.fromkeys(("sr", "tci", "fourier"), truth))
    picture = pixels(figures.comparison(dataclasses.replace(results, example=same)))
    *_, sr_error, tci_error = columns(picture)
    assert difference(sr_error, tci_error) < 1e-3
    assert tci_error.mean() < 0.02  # the dark end of the scale
