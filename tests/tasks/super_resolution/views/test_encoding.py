"""Slices of which we know how they were made, by their spectrum alone."""

import dataclasses

import pytest

from deepresolve.imaging.degradation import acquire
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.tasks.super_resolution.views.encoding import looks_phase_encoded


@pytest.mark.parametrize(("shape", "expected"), [("fir", True), ("rect", False)])
def test_a_knee_tells_how_its_slices_were_made(thick_knee, shape, expected):
    assert looks_phase_encoded(thick_knee(shape)) is expected


def test_too_few_slices_tell_nothing(thick_knee):
    scan = thick_knee("fir")
    few = scan.crop((slice(None), slice(None), slice(8, 16)))
    assert looks_phase_encoded(few) is False


def test_its_own_header_does_not_matter(thick_knee):
    scan = dataclasses.replace(thick_knee("fir"), slice_encoding="2D")
    assert looks_phase_encoded(scan) is True


# Phase encoding leaves no gaps.
@pytest.mark.parametrize(
    ("shape", "share", "expected"),
    [
        ("fir", 1.5, True),
        ("fir", 2.0, True),
        ("rect", 0.7, False),
        ("rect", 1.5, False),
        ("rect", 2.0, False),
    ],
)
def test_gaps_and_overlap_that_are_known_do_not_matter(knee, shape, share, expected):
    profile = SliceProfile(shape, share * 3.2)
    assert looks_phase_encoded(acquire(knee, 3.2, profile)) is expected
