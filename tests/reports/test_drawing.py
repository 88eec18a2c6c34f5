import numpy as np
import pytest

from deepresolve.reports import drawing, layout
from deepresolve.reports.layout import Margins

MARGINS = Margins(left=50, right=30, top=40, bottom=60, gap=10)


def test_window_is_of_all_images():
    ramp = np.arange(1001, dtype=np.float32)  # 0..1000
    images = [ramp[:500].reshape(5, 100), ramp[500:].reshape(3, 167)]
    assert drawing.window(images) == pytest.approx((5, 995))


def test_outline_runs_along_the_edges_of_pixels_in_mm(make_slice):
    """Rows 2 to 5 of 0.5 mm and columns 3 to 6 of 2 mm: 1 to 3 mm and 6 to 14 mm."""
    label_map = np.zeros((10, 8), np.uint8)
    label_map[2:6, 3:7] = 2
    _, ((axes,),) = layout.grid([100], 1, MARGINS)
    line = {"color": "red", "linewidth": 1, "linestyle": "-"}
    drawing.contours(axes, label_map, make_slice(), **line)
    (contour,) = axes.collections
    corners = np.concatenate([path.vertices for path in contour.get_paths()])
    assert corners.min(axis=0) == pytest.approx((6, 1))
    assert corners.max(axis=0) == pytest.approx((14, 3))


def test_every_class_has_an_outline_and_nothing_has_none(make_slice):
    label_map = np.zeros((10, 8), np.uint8)
    _, ((axes,),) = layout.grid([100], 1, MARGINS)
    line = {"color": "red", "linewidth": 1, "linestyle": "-"}
    drawing.contours(axes, label_map, make_slice(), **line)
    assert len(axes.collections) == 0
    label_map[1:4, 1:4], label_map[5:8, 5:7] = 1, 3
    drawing.contours(axes, label_map, make_slice(), **line)
    assert len(axes.collections) == 2


@pytest.mark.parametrize(("height_px", "length_mm"), [(300, 50), (30, 5), (2, 1)])
def test_scale_bar_has_its_length_and_a_round_one(height_px, length_mm, make_slice):
    view = make_slice((height_px, 8))  # of 0.5 mm: the bar fills less than half
    _, ((axes,),) = layout.grid([100], 1, MARGINS)
    drawing.draw(axes, np.zeros(view.shape), view, cmap="gray", limits=(0, 1))
    drawing.scale_bar(axes, view)
    (bar,) = axes.lines
    assert np.ptp(bar.get_ydata()) == pytest.approx(length_mm)
    assert [text.get_text() for text in axes.texts] == [f"{length_mm} mm"]
