import dataclasses
import io

import numpy as np
import pytest
from matplotlib import image as matplotlib_image

from deepresolve.evaluation.table_1.experiment import evaluate
from deepresolve.evaluation.table_1.figures import comparison, views
from deepresolve.evaluation.table_1.figures.comparison import MARGINS
from deepresolve.evaluation.table_1.plan import Network, Plan
from deepresolve.evaluation.table_1.results import Example
from deepresolve.reports import layout


def pixels(png):
    """(height, width, 3) in 0..1, opened as any other program would."""
    return matplotlib_image.imread(io.BytesIO(png), format="png")[..., :3]


def columns(picture, number=5):
    """The columns of panels, without margins."""
    inner = picture[MARGINS.top : -MARGINS.bottom, MARGINS.left : -MARGINS.right]
    width = (inner.shape[1] - (number - 1) * MARGINS.gap) / number
    starts = [round(i * (width + MARGINS.gap)) for i in range(number)]
    return [inner[:, start : start + int(width)] for start in starts]


def difference(panel, other):
    """Mean over all pixels: the outermost may be drawn a fraction to the side."""
    return np.abs(panel - other).mean()


def with_images(results, name, truth, estimate):
    images = dict.fromkeys(("sr", "tci", "fourier"), estimate)
    shown = Example(name, {"ground_truth": truth} | images)
    return dataclasses.replace(results, example=shown)


def test_png_opens_and_has_its_size(results):
    png = comparison.draw(results)
    assert png.startswith(b"\x89PNG\r\n")
    picture = pixels(png)
    assert picture.shape[1] == layout.WIDTH_PX
    # 24 x 22 x 20 voxels of 0.5, 0.6 and 0.8 mm, 19 slices of them measured: sagittal
    # 12 mm high and 13.2 wide, coronal 12 by 15.2, axial 13.2 by 15.2. The widest,
    # 15.2 mm, fills a column.
    column_px = (2000 - MARGINS.left - MARGINS.right - 4 * MARGINS.gap) / 5
    panels_px = (12 + 13.2 + 12) * column_px / 15.2
    margins_px = MARGINS.top + MARGINS.bottom + 2 * MARGINS.gap
    assert picture.shape[0] == pytest.approx(panels_px + margins_px, abs=3)


def test_same_results_give_the_same_picture(results):
    assert comparison.draw(results) == comparison.draw(results)


def test_equal_errors_look_equal_and_half_of_it_darker(results, better_results):
    *_, sr_error, tci_error = columns(pixels(comparison.draw(results)))
    assert difference(sr_error, tci_error) < 1e-3
    *_, sr_error, tci_error = columns(pixels(comparison.draw(better_results)))
    assert sr_error.mean() < 0.8 * tci_error.mean()


def test_a_ball_is_round_though_voxels_are_not(results):
    truth = results.example.ground_truth
    index = np.indices(truth.shape).transpose(1, 2, 3, 0)
    centre = (np.array(truth.shape) - 1) / 2
    distance_mm = np.linalg.norm((index - centre) * truth.spacing_mm, axis=-1)
    ball = truth.with_array((distance_mm < 4.4).astype(np.float32))
    balls = with_images(results, "ball", ball, ball)
    picture = pixels(comparison.draw(balls))
    # Coronal, 12 mm high; the letters are yellow, the scale bar is elsewhere.
    px_per_mm = 380 / 15.2  # a column of 380 pixels shows 19 slices
    white = columns(picture)[0][: int(12 * px_per_mm)].min(axis=2) > 0.9
    height, width = (np.ptp(np.flatnonzero(white.any(axis))) for axis in (1, 0))
    assert height == pytest.approx(width, abs=0.8 * px_per_mm)  # one voxel
    assert height > 150


def test_no_error_at_all_can_be_drawn(results):
    truth = results.example.ground_truth
    same = with_images(results, "same", truth, truth)
    *_, sr_error, tci_error = columns(pixels(comparison.draw(same)))
    assert difference(sr_error, tci_error) < 1e-3
    assert tci_error.mean() < 0.02  # the dark end of the scale


def test_without_sr_there_are_ground_truth_and_tci(make_subject, segment, classes):
    plan = Plan({"seg": Network("Seg", segment)}, 3, classes)
    results = evaluate([make_subject(0)], plan)
    truth, tci, error = columns(pixels(comparison.draw(results)), number=3)
    assert difference(truth[..., 0], truth[..., 2]) < 0.02  # grey but for the letters
    assert difference(tci, truth) > 0.005
    assert difference(error[..., 0], error[..., 2]) > 0.05  # colours


def test_what_was_done_is_told_in_mm(results):
    assert views.thickening(results) == (
        "knee-0: sagittal slices every 2.40 mm, brought back to 0.80 mm (factor 3)"
    )
