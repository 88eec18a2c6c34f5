import dataclasses
import io

import numpy as np
import pytest
from matplotlib import image as matplotlib_image

from deepresolve.rendering import drawing
from deepresolve.rendering.drawing import Margins

MARGINS = Margins(left=50, right=30, top=40, bottom=60, gap=10)


def pixels(png):
    """(height, width, 3) in 0..1, opened as any other program would."""
    return matplotlib_image.imread(io.BytesIO(png), format="png")[..., :3]


@dataclasses.dataclass(frozen=True)
class Slice:
    shape: tuple[int, int] = (10, 8)
    pixel_mm: tuple[float, float] = (0.5, 2.0)
    edges: tuple[str, str, str, str] = ("S", "L", "I", "R")

    @property
    def size_mm(self):
        return self.shape[0] * self.pixel_mm[0], self.shape[1] * self.pixel_mm[1]


def test_panels_lie_where_margins_and_gaps_leave_them():
    figure, rows = drawing.grid([100, 200], 3, MARGINS)
    for row in rows:
        for axes in row:
            axes.set_axis_off()
            axes.imshow(np.ones((1, 1)), cmap="gray", vmin=0, vmax=1, aspect="auto")
    picture = pixels(drawing.png(figure))
    assert picture.shape[:2] == (40 + 100 + 10 + 200 + 60, drawing.WIDTH_PX)
    white = picture.min(axis=2) > 0.5
    rows_seen, columns_seen = (np.flatnonzero(white.any(axis)) for axis in (1, 0))
    assert (rows_seen[0], rows_seen[-1]) == pytest.approx((40, 349), abs=1)
    assert (columns_seen[0], columns_seen[-1]) == pytest.approx((50, 1969), abs=1)
    width = drawing.panel_width(3, MARGINS)
    assert width == (2000 - 50 - 30 - 2 * 10) / 3
    gaps = ~white[45]
    assert not gaps[60:600].any()
    assert gaps[round(50 + width) + 3 : round(50 + width) + 7].all()


def test_window_is_of_all_images():
    ramp = np.arange(1001, dtype=np.float32)  # 0..1000
    images = [ramp[:500].reshape(5, 100), ramp[500:].reshape(3, 167)]
    assert drawing.window(images) == pytest.approx((5, 995))


def test_panels_to_scale_have_as_many_pixels_a_mm():
    slices = [Slice((10, 8)), Slice((40, 4))]  # 5 x 16 mm and 20 x 8 mm
    figure, rows = drawing.grid_to_scale(slices, 2, MARGINS)
    px_per_mm = drawing.panel_width(2, MARGINS) / 16
    for shown, row in zip(slices, rows, strict=True):
        for axes in row:
            height = axes.get_position().height * figure.bbox.height
            assert height == pytest.approx(shown.size_mm[0] * px_per_mm, abs=1)


def test_rows_hold_panels_as_large_as_their_slices():
    rows = [[Slice((10, 8))] * 2, [Slice((40, 4)), Slice((8, 32))]]
    figure, panels = drawing.rows_to_scale(rows, MARGINS, row_gap=25)
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


def test_no_panel_lies_on_the_title_of_another():
    (_, second), _ = drawing.rows_to_scale(
        [[Slice((900, 1))] * 2, [Slice()]], MARGINS, row_gap=25
    )[1]
    assert second.get_position().x0 * drawing.WIDTH_PX == pytest.approx(50 + 160 + 10)


def test_outline_runs_along_the_edges_of_pixels_in_mm():
    """Rows 2 to 5 of 0.5 mm and columns 3 to 6 of 2 mm: 1 to 3 mm and 6 to 14 mm."""
    label_map = np.zeros((10, 8), np.uint8)
    label_map[2:6, 3:7] = 2
    _, ((axes,),) = drawing.grid([100], 1, MARGINS)
    line = {"color": "red", "linewidth": 1, "linestyle": "-"}
    drawing.contours(axes, label_map, Slice(), **line)
    (contour,) = axes.collections
    corners = np.concatenate([path.vertices for path in contour.get_paths()])
    assert corners.min(axis=0) == pytest.approx((6, 1))
    assert corners.max(axis=0) == pytest.approx((14, 3))


def test_every_class_has_an_outline_and_nothing_has_none():
    label_map = np.zeros((10, 8), np.uint8)
    _, ((axes,),) = drawing.grid([100], 1, MARGINS)
    line = {"color": "red", "linewidth": 1, "linestyle": "-"}
    drawing.contours(axes, label_map, Slice(), **line)
    assert len(axes.collections) == 0
    label_map[1:4, 1:4], label_map[5:8, 5:7] = 1, 3
    drawing.contours(axes, label_map, Slice(), **line)
    assert len(axes.collections) == 2


@pytest.mark.parametrize(("height_px", "length_mm"), [(300, 50), (30, 5), (2, 1)])
def test_scale_bar_has_its_length_and_a_round_one(height_px, length_mm):
    view = Slice((height_px, 8))  # of 0.5 mm: the bar fills less than half
    _, ((axes,),) = drawing.grid([100], 1, MARGINS)
    drawing.draw(axes, np.zeros(view.shape), view, cmap="gray", limits=(0, 1))
    drawing.scale_bar(axes, view)
    (bar,) = axes.lines
    assert np.ptp(bar.get_ydata()) == pytest.approx(length_mm)
    assert [text.get_text() for text in axes.texts] == [f"{length_mm} mm"]
