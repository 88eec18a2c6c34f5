import io

import numpy as np
import pytest
from matplotlib import image as matplotlib_image

from deepresolve.evaluation.table_1.analysis import analyse
from deepresolve.evaluation.table_1.figures import charts


@pytest.fixture
def drawn(monkeypatch):
    """Figures that were drawn, instead of their files."""
    figures = []
    monkeypatch.setattr(
        charts.drawing, "png", lambda figure, background: figures.append(figure)
    )
    return figures


def test_panels_are_the_papers_measures(full_results):
    panels = {panel.title: panel.sides for panel in charts.paired_panels(full_results)}
    assert list(panels["pSNR (dB)"]) == ["SR-CNN", "TCI"]
    assert list(panels["DSC (%), dark tissue"]) == ["Ground truth", "SR-CNN", "TCI"]
    assert list(panels["VOE (%), bright tissue, ground truth"]) == [
        "3D Seg-CNN",
        "2D SegNet",
    ]
    assert len(panels) == 2 + 2 * 2 + 2 * 2
    values = full_results.values("dsc", "tci", network="seg", label_class="dark tissue")
    assert panels["DSC (%), dark tissue"]["TCI"] == pytest.approx(
        [100 * value for value in values]
    )


def test_super_resolution_alone_has_its_own_panels(results):
    assert [panel.title for panel in charts.paired_panels(results)] == [
        "SSIM (x100)",
        "pSNR (dB)",
    ]


def test_a_line_a_subject_and_one_for_the_mean(full_analysis, drawn):
    charts.paired(full_analysis)
    (figure,) = drawn
    axes = next(a for a in figure.axes if a.get_title() == "pSNR (dB)")
    *subjects, mean = (line.get_ydata() for line in axes.lines)
    results = full_analysis.results
    pairs = np.transpose([results.values("psnr", s) for s in ("sr", "tci")])
    np.testing.assert_allclose(subjects, pairs)
    np.testing.assert_allclose(mean, pairs.mean(axis=0))


def test_infinite_values_leave_a_gap(results, with_values):
    infinite = with_values(results, {("sr", "sr", "psnr"): [np.inf, 30.0, 31.0]})
    png = charts.paired(analyse(infinite))
    assert png.startswith(b"\x89PNG\r\n")


def test_bland_altman_shows_difference_over_mean_on_shared_scales(full_analysis, drawn):
    charts.bland_altman(full_analysis)
    (figure,) = drawn
    assert len(figure.axes) == 2 * 5  # tissues; four image sets and the benchmark
    row = full_analysis.volumes[1]
    axes = figure.axes[1]
    assert axes.get_title() == "bright tissue\n3D Seg-CNN, SR-CNN"
    values = full_analysis.results
    found, true = (
        np.array(values.values(name, "sr", network="seg", label_class="bright tissue"))
        for name in ("volume_mm3", "reference_volume_mm3")
    )
    points, zero, *levels = axes.lines
    np.testing.assert_allclose(points.get_xdata(), (found + true) / 2)
    np.testing.assert_allclose(points.get_ydata(), found - true)
    assert zero.get_ydata()[0] == 0
    assert [line.get_ydata()[0] for line in levels] == pytest.approx(
        [row["bias"], row["lower"], row["upper"]]
    )
    for same_class in (figure.axes[:5], figure.axes[5:]):
        assert len({a.get_xlim() for a in same_class}) == 1
        low, high = same_class[0].get_ylim()
        for a in same_class:
            for line in a.lines:
                assert low <= min(line.get_ydata())
                assert max(line.get_ydata()) <= high


def test_one_subject_has_no_limits_of_agreement(full_results, drawn):
    first = full_results.measurements[0].subject
    one = charts.Results(
        full_results.plan,
        full_results.subjects[:1],
        tuple(m for m in full_results.measurements if m.subject == first),
        full_results.timings,
        full_results.example,
    )
    charts.bland_altman(analyse(one))
    assert len(drawn[0].axes[0].lines) == 3  # the point, zero and the bias


def test_files_open_elsewhere(full_analysis):
    for draw in (charts.paired, charts.bland_altman):
        picture = matplotlib_image.imread(io.BytesIO(draw(full_analysis)), format="png")
        assert min(picture.shape[:2]) > 300
        assert (picture[0, 0, :3] == 1).all()  # white paper
