"""Where the medial and the lateral half of a joint part."""

import numpy as np
import pytest

from deepresolve.quantification.halves import parted, parted_joint


def joint(first=20, gap=9, second=20, between=0):
    """Voxels in planes of 1 mm: two halves of 100 each, `between` in the gap."""
    return np.repeat([0, 100, between, 100, 0], [4, first, gap, second, 4])


@pytest.mark.parametrize("between", [0, 20, 30])
def test_halves_part_in_the_middle_of_their_gap(between):
    counts = joint(between=between)
    assert parted_joint(counts, 1.0) == parted(counts, 1.0) == 28


@pytest.mark.parametrize("step_mm", [0.36, 0.7, 1.5, 3.0])
def test_planes_may_lie_as_far_apart_as_they_do_in_scans(step_mm):
    first, gap, second = (round(mm / step_mm) for mm in (26, 12, 22))
    found = parted_joint(joint(first, gap, second), step_mm)
    assert 4 + first < found < 4 + first + gap


@pytest.mark.parametrize(
    "counts",
    [
        joint(between=50),  # as full as a half's rim
        joint(second=3),  # hardly a second one
        joint(first=48, gap=0, second=0),
    ],
)
def test_one_half_is_not_parted(counts):
    assert parted(counts, 1.0) is None
    assert parted_joint(counts, 1.0) is None


def test_a_plate_with_a_gap_is_no_joint():
    counts = joint(15, 6, 15)
    assert parted(counts, 1.0) is not None and parted_joint(counts, 1.0) is None
    assert parted_joint(np.zeros(50, int), 1.0) is None


def test_a_plane_in_which_a_network_found_little_is_no_gap():
    counts = joint(24, 0, 24)
    counts[24] = 20
    assert parted_joint(counts, 0.7 * 48 / 33) is None
