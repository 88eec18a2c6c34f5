"""Kinds of slices: drawn within what is asked for."""

import numpy as np
import pytest

from deepresolve.imaging.slice_profile import SHAPES, SliceProfile
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.views.kinds import SliceKinds, facts

KINDS = SliceKinds(SHAPES, (2.0, 8.0), (0.7, 1.5))


@pytest.fixture
def profile_file(tmp_path):
    """A triangle 5 mm wide at its foot, 2.5 mm at half of its maximum."""
    path = tmp_path / "profile.txt"
    path.write_text("-2.5 0\n0 1\n2.5 0\n")
    return path


def test_all_that_is_drawn_is_within_the_ranges():
    numbers = np.random.default_rng(0).random((400, 3))
    drawn = [KINDS.draw(three, highest_mm=5.0) for three in numbers]
    spacings = [spacing_mm for spacing_mm, _ in drawn]
    assert min(spacings) < 2.1
    assert max(spacings) == 5.0
    shares = [profile.thickness_mm / spacing_mm for spacing_mm, profile in drawn]
    assert 0.7 <= min(shares) < 0.71
    assert 1.49 < max(shares) <= 1.5 + 1e-9
    counts = [[p.shape for _, p in drawn].count(shape) for shape in SHAPES]
    assert min(counts) > 100  # a third of 400 each


def test_the_same_numbers_draw_the_same_kind():
    spacing_mm, profile = KINDS.draw(np.array([0.5, 0.5, 0.25]), np.inf)
    # The middle of three shapes; the geometric mean of 2 and 8; a quarter of the way.
    assert spacing_mm == pytest.approx(4.0)
    assert profile.shape == "gaussian"
    assert profile.thickness_mm == pytest.approx(4 * 0.9)
    assert KINDS.draw(np.array([0.5, 0.5, 0.25]), np.inf) == (spacing_mm, profile)


def test_a_number_of_one_draws_the_last_shape():
    _, profile = KINDS.draw(np.ones(3), np.inf)
    assert profile.shape == SHAPES[-1]


def test_a_measured_profile_keeps_its_own_thickness(profile_file):
    config = SuperResolutionConfig(
        model="sr_views", slice_profiles=(str(profile_file),), thickness_range=(0.5, 2)
    )
    kinds = SliceKinds.of(config)
    for numbers in np.random.default_rng(1).random((5, 3)):
        _, profile = kinds.draw(numbers, np.inf)
        assert profile.thickness_mm == pytest.approx(2.5, abs=0.01)
        # The area left of -1.25 mm is an eighth of the triangle's.
        assert profile.cumulative(np.array(-1.25)) == pytest.approx(1 / 8, abs=1e-6)


def test_a_profile_that_is_not_there_is_named(tmp_path):
    config = SuperResolutionConfig(
        model="sr_views", slice_profiles=(str(tmp_path / "lost.txt"), "rect")
    )
    with pytest.raises(FileNotFoundError, match=r"lost\.txt"):
        SliceKinds.of(config)


def test_facts_are_shares_of_the_spacing():
    assert facts(SliceProfile("rect", 3.0), 4.0, 0.5) == (0.75, 0.125, 0.0)
    assert facts(SliceProfile("fir", 4.0), 4.0, 0.5) == (1.0, 0.125, 1.0)
