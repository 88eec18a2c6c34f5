import io

import matplotlib
import numpy as np
import pytest
from matplotlib import image as matplotlib_image
from matplotlib.colors import to_hex

from deepresolve.reports import drawing, heat_scale, layout, palette
from deepresolve.reports.preview import ImagePreview
from deepresolve.reports.preview import figure as preview_figure


@pytest.fixture
def figures(monkeypatch):
    """The figures behind the PNG files that are drawn."""
    drawn, png = [], drawing.png

    def keep(figure):
        drawn.append(figure)
        return png(figure)

    monkeypatch.setattr(drawing, "png", keep)
    return drawn


def panels(figure):
    """Of the acquired plane, then of the other two: [(input, output), ...]."""
    return list(zip(figure.axes[::2], figure.axes[1::2], strict=True))


def size_px(axes):
    """Height and width of the picture in a panel."""
    box = axes.get_images()[0].get_window_extent()
    return box.height, box.width


def test_all_panels_have_one_scale_in_mm(super_resolved, figures):
    png = preview_figure.draw(super_resolved)
    picture = matplotlib_image.imread(io.BytesIO(png), format="png")
    assert picture.shape[1] == layout.WIDTH_PX
    # PIR of 20 x 24 x 13 voxels of 0.5 x 0.75 x 1 mm.
    sizes_mm = [(18, 10), (18, 13), (10, 13)]  # sagittal, coronal, axial
    shares = [
        np.divide(size_px(axes), size_mm)
        for pair, size_mm in zip(panels(figures[0]), sizes_mm, strict=True)
        for axes in pair
    ]
    np.testing.assert_allclose(shares, shares[0][0], rtol=0.01)


def test_a_style_of_the_user_changes_nothing(super_resolved):
    plain = preview_figure.draw(super_resolved)
    foreign = {"text.usetex": True, "axes.facecolor": "pink", "savefig.bbox": "tight"}
    with matplotlib.rc_context(foreign):
        assert preview_figure.draw(super_resolved) == plain
        assert matplotlib.rcParams["axes.facecolor"] == "pink"  # and stays the user's


def test_input_stands_left_of_output_in_one_window(super_resolved, figures):
    preview_figure.draw(super_resolved)
    for left, right in panels(figures[0]):
        a, b = left.get_position(), right.get_position()
        assert a.x1 < b.x0
        assert a.y0 == b.y0
        limits = {axes.get_images()[0].get_clim() for axes in (left, right)}
        assert limits == {figures[0].axes[0].get_images()[0].get_clim()}
    (before, after) = panels(figures[0])[1]
    pair = super_resolved.pair("coronal", 10)
    np.testing.assert_array_equal(before.get_images()[0].get_array(), pair.before)
    np.testing.assert_array_equal(after.get_images()[0].get_array(), pair.after)


def test_ticks_lie_at_acquired_slices_and_outside_the_picture(super_resolved, figures):
    preview_figure.draw(super_resolved)
    sagittal, *others = panels(figures[0])
    assert not any(axes.collections for axes in sagittal)
    for (left, right), height_mm in zip(others, (18, 10), strict=True):
        for axes in (left, right):
            (ticks,) = axes.collections
            ends = np.array(ticks.get_segments())
            # Centres of columns 0, 3, 6, 9 and 12 of 1 mm.
            np.testing.assert_allclose(
                ends[:, :, 0], [[x, x] for x in (0.5, 3.5, 6.5, 9.5, 12.5)]
            )
            assert (ends[:, :, 1] > height_mm).all()


def test_ticks_of_axial_slices_lie_beside_the_picture(thick, thin, figures):
    """The same voxels as if stacked from bottom to top."""
    affine = np.diag([0.5, 0.75, 3.0, 1.0])
    scan = type(thick)(thick.array, affine)
    result = type(thin)(thin.array, np.diag([0.5, 0.75, 1.0, 1.0]))
    preview_figure.draw(ImagePreview(scan, result, "a.nii", "b.nii"))
    _, *others = panels(figures[0])
    for axes in (axes for pair in others for axes in pair):
        ends = np.array(axes.collections[0].get_segments())
        assert (ends[:, :, 0] < 0).all()
        np.testing.assert_allclose(sorted(ends[:, 0, 1]), (0.5, 3.5, 6.5, 9.5, 12.5))


def test_contours_run_along_the_classes_in_their_colours(segmented, figures):
    preview_figure.draw(segmented)
    both = [palette.line(1).colour, palette.line(2).colour]
    expected = [both, both[:1], both]  # the coronal slice has none of class 2
    for (left, right), lines in zip(panels(figures[0]), expected, strict=True):
        assert not left.collections
        assert [to_hex(c.get_edgecolor()[0]) for c in right.collections] == lines
    # Axial rows run from anterior to posterior as axis 0 does, 0.5 mm each; columns
    # from right to left, against axis 2, 1 mm each: [4:10] and 13 - [3:8].
    axial = panels(figures[0])[2][1].collections[0]
    corners = np.concatenate([path.vertices for path in axial.get_paths()])
    assert corners.min(axis=0) == pytest.approx((5, 2))
    assert corners.max(axis=0) == pytest.approx((10, 5))
    (legend,) = figures[0].legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == ["femoral cartilage: 112 mm³", "menisci: 18 mm³"]


def test_names_are_text_and_nothing_else(thick, thin, figures):
    name = "$\\frac{1}$ a_b\n.nii"
    png = preview_figure.draw(ImagePreview(thick, thin, name, "$x$.nii"))
    assert png.startswith(b"\x89PNG")
    # As Matplotlib draws it: dollars that open no mathematics.
    (headline,) = (t for t in figures[0].texts if "Input" in t.get_text())
    shown, is_mathematics = headline._preprocess_math(headline.get_text())
    assert not is_mathematics
    assert "Input: $\\frac{1}$ a_b\ufffd.nii" in shown
    assert "Output: $x$.nii" in shown


def test_colours_lie_over_the_output_where_a_network_looked(graded, figures):
    preview_figure.draw(graded)
    planes = ("sagittal", "coronal", "axial")
    for plane, (left, right) in zip(planes, panels(figures[0]), strict=True):
        (before,) = left.get_images()
        grey, heat = right.get_images()
        np.testing.assert_array_equal(grey.get_array(), before.get_array())
        stored = graded.pair(plane, graded.first_shown[plane]).heat
        expected = heat_scale.table()[stored]
        np.testing.assert_array_equal(heat.get_array(), expected)
        assert heat.get_extent() == grey.get_extent()
    (legend,) = figures[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["0.33", "0.67", "1"]
