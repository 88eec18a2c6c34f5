"""Slice profiles: areas, widths, and what a slice weighs."""

import numpy as np
import pytest
from scipy import integrate, stats

from deepresolve.imaging.slice_profile import SHAPES, SliceProfile, read_profile


@pytest.mark.parametrize("shape", SHAPES)
def test_constant_tissue_keeps_its_value_also_at_the_edges(shape):
    matrix = SliceProfile(shape, 3.0).matrix(np.array([0.0, 1.3, 9.9]), 20, 0.5)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)


def test_rect_is_the_mean_of_what_it_covers():
    # 3 mm around 5.5 mm covers the samples 5 to 6 whole: centres 4.5, 5.5, 6.5.
    matrix = SliceProfile("rect", 3.0).matrix(np.array([5.0]), 11, 1.0)
    expected = np.zeros(11)
    expected[4:7] = 1 / 3
    np.testing.assert_allclose(matrix[0], expected, atol=1e-12)


def test_gaussian_has_its_full_width_at_half_maximum():
    profile = SliceProfile("gaussian", 3.0)
    fine = np.linspace(-6, 6, 100_001)
    density = np.gradient(profile.cumulative(fine), fine)
    above = fine[density >= density.max() / 2]
    assert above[-1] - above[0] == pytest.approx(3.0, abs=1e-3)
    expected = stats.norm.pdf(fine, scale=3.0 / 2.354820045)
    np.testing.assert_allclose(density[10:-10], expected[10:-10], rtol=1e-3, atol=1e-6)


def test_fir_passes_low_frequencies_and_stops_high_ones():
    profile = SliceProfile("fir", 3.0)
    x = np.arange(-60, 60.01, 0.05)
    density = np.gradient(profile.cumulative(x), x)
    for cycles_per_mm, low, high in ((0.10, 0.97, 1.03), (0.24, -0.02, 0.02)):
        wave = np.cos(2 * np.pi * cycles_per_mm * x)
        response = integrate.trapezoid(density * wave, x)
        assert low < response < high


def test_a_measured_profile_equals_the_shape_that_was_measured(tmp_path):
    offsets = np.linspace(-6, 6, 1201)
    weights = stats.norm.pdf(offsets, scale=3.0 / 2.354820045)
    path = tmp_path / "profile.csv"
    np.savetxt(path, np.c_[offsets, weights], delimiter=",", header="mm, weight")
    measured = read_profile(path)
    assert measured.thickness_mm == pytest.approx(3.0, abs=0.01)
    centres = np.array([4.0, 7.3])
    np.testing.assert_allclose(
        measured.matrix(centres, 40, 0.3),
        SliceProfile("gaussian", 3.0).matrix(centres, 40, 0.3),
        atol=1e-4,
    )


@pytest.mark.parametrize(
    "text",
    ["", "1 2 3\n4 5 6\n7 8 9", "0 1\n-1 1\n1 1", "1 1\n2 1\n3 1", "-1 0\n0 0\n1 0"],
)
def test_a_file_that_is_no_profile_is_named(tmp_path, text):
    path = tmp_path / "profile.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"profile\.txt: no slice profile"):
        read_profile(path)


def test_a_profile_needs_a_known_shape_and_a_thickness():
    with pytest.raises(ValueError, match="rect, gaussian, fir"):
        SliceProfile("box", 3.0)
    with pytest.raises(ValueError, match="above 0 mm"):
        SliceProfile("rect", 0.0)


def test_a_profile_of_few_samples_is_straight_between_them(tmp_path):
    path = tmp_path / "triangle.txt"
    path.write_text("-2 0\n0 3\n2 0\n")
    found = read_profile(path).cumulative(np.array([-2.0, -1.0, 0.0, 1.5, 2.0]))
    # The area of a triangle on its side, and what is left of one.
    np.testing.assert_allclose(found, [0, 1 / 8, 1 / 2, 31 / 32, 1], atol=1e-6)


def test_a_measured_profile_is_the_same_both_ways(tmp_path):
    path = tmp_path / "skewed.txt"
    path.write_text("-1 0\n0 2\n3 0\n")
    profile = read_profile(path)
    at = np.linspace(-4, 4, 33)
    areas = profile.cumulative(at)
    np.testing.assert_allclose(areas, 1 - areas[::-1], atol=1e-6)
    # Half of two triangles, 1 and 3 wide: within 1 mm both, beyond one.
    inner = (1 / 2 + (3 - 4 / 3) / 2) / 4 * 2
    found = np.diff(profile.cumulative(np.array([-1.0, 1.0])))[0]
    assert found == pytest.approx(inner, abs=1e-3)
