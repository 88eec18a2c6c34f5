import io

import numpy as np
import pytest
from matplotlib import image as matplotlib_image

from deepresolve.reports import drawing, layout
from deepresolve.reports.layout import Margins

MARGINS = Margins(left=50, right=30, top=40, bottom=60, gap=10)


def pixels(png):
    """(height, width, 3) in 0..1, opened as any other program would."""
    return matplotlib_image.imread(io.BytesIO(png), format="png")[..., :3]


def test_panels_lie_where_margins_and_gaps_leave_them():
    figure, rows = layout.grid([100, 200], 3, MARGINS)
    for row in rows:
        for axes in row:
            axes.set_axis_off()
            axes.imshow(np.ones((1, 1)), cmap="gray", vmin=0, vmax=1, aspect="auto")
    picture = pixels(drawing.png(figure))
    assert picture.shape[:2] == (40 + 100 + 10 + 200 + 60, layout.WIDTH_PX)
    white = picture.min(axis=2) > 0.5
    rows_seen, columns_seen = (np.flatnonzero(white.any(axis)) for axis in (1, 0))
    assert (rows_seen[0], rows_seen[-1]) == pytest.approx((40, 349), abs=1)
    assert (columns_seen[0], columns_seen[-1]) == pytest.approx((50, 1969), abs=1)
    width = layout.panel_width(3, MARGINS)
    assert width == (2000 - 50 - 30 - 2 * 10) / 3
    gaps = ~white[45]
    assert not gaps[60:600].any()
    assert gaps[round(50 + width) + 3 : round(50 + width) + 7].all()


def test_panels_to_scale_have_as_many_pixels_a_mm(make_slice):
    slices = [make_slice((10, 8)), make_slice((40, 4))]  # 5 x 16 mm and 20 x 8 mm
    figure, rows = layout.grid_to_scale(slices, 2, MARGINS)
    px_per_mm = layout.panel_width(2, MARGINS) / 16
    for shown, row in zip(slices, rows, strict=True):
        for axes in row:
            height = axes.get_position().height * figure.bbox.height
            assert height == pytest.approx(shown.size_mm[0] * px_per_mm, abs=1)


def test_rows_hold_panels_as_large_as_their_slices(make_slice):
    rows = [[make_slice((10, 8))] * 2, [make_slice((40, 4)), make_slice((8, 32))]]
    figure, panels = layout.rows_to_scale(rows, MARGINS, row_gap=25)
    width, height = figure.bbox.width, figure.bbox.height
    px_per_mm = (2000 - 50 - 30 - 10) / (8 + 64)  # the second row fills the width
    boxes = [[axes.get_position() for axes in row] for row in panels]
    for row, slices in zip(boxes, rows, strict=True):
        for box, shown in zip(row, slices, strict=True):
            size = box.height * height, box.width * width
            assert size == pytest.approx(np.multiply(shown.size_mm, px_per_mm), abs=1)
    assert [box.x0 * width for box in boxes[1]] == pytest.approx(
        (50, 50 + 8 * px_per_mm + 10), abs=1
    )
    tops = [height * (1 - row[0].y1) for row in boxes]
    assert tops == pytest.approx((40, 40 + 5 * px_per_mm + 25), abs=1)


def test_no_panel_lies_on_the_title_of_another(make_slice):
    (_, second), _ = layout.rows_to_scale(
        [[make_slice((900, 1))] * 2, [make_slice()]], MARGINS, row_gap=25
    )[1]
    assert second.get_position().x0 * layout.WIDTH_PX == pytest.approx(50 + 160 + 10)
