import dataclasses

import numpy as np
import pytest

from deepresolve.imaging.acquisition import NUM_BINS, Acquisition
from deepresolve.prediction.trust import mismatch

TRAINED = Acquisition(
    plane="sagittal",
    obliqueness_degrees=5.0,
    in_plane_mm=(0.36, 0.36),
    slice_spacing_mm=2.1,
    slice_thickness_mm=2.1,
    signal_to_noise=30.0,
    histogram=tuple(np.linspace(2, 0, NUM_BINS) / NUM_BINS),
)
INVERTED = TRAINED.histogram[::-1]


def flagged(scan, trained=(TRAINED,)):
    return mismatch.findings(mismatch.compare(scan, trained))


@pytest.mark.parametrize(
    ("change", "what", "text"),
    [
        ({"plane": "coronal"}, "plane", "slices are coronal; the network knows sag"),
        ({"obliqueness_degrees": 21.0}, "obliqueness_degrees", "by 21 degrees"),
        ({"in_plane_mm": (0.36, 0.5)}, "in_plane_mm", "0.36 x 0.5 mm"),
        ({"in_plane_mm": (0.2, 0.36)}, "in_plane_mm", "0.2 x 0.36 mm"),
        (
            {"slice_spacing_mm": 3.0, "slice_thickness_mm": None},
            "slice_spacing_mm",
            "3 mm apart; the network knows 2.1 mm",
        ),
        (
            {"slice_spacing_mm": 3.0, "slice_thickness_mm": 3.0},
            "slice_thickness_mm",
            "3 mm thick; the network knows 2.1 mm",
        ),
        ({"slice_spacing_mm": 2.8}, "gap_share", "2.1 mm thick and 2.8 mm apart"),
        ({"slice_spacing_mm": 1.05}, "gap_share", "slices overlap: 2.1 mm thick"),
        ({"histogram": INVERTED}, "intensities", "the contrast is another"),
        ({"signal_to_noise": 14.0}, "signal_to_noise", "the noise is heavy"),
        ({"signal_to_noise": np.inf}, "signal_to_noise", "there is little noise"),
    ],
)
def test_each_change_is_flagged_for_itself(change, what, text):
    (finding,) = flagged(dataclasses.replace(TRAINED, **change))
    assert finding.what == what
    assert text in finding.text


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"obliqueness_degrees": 19.0},
        {"in_plane_mm": (0.3, 0.44)},
        {"slice_spacing_mm": 2.3, "slice_thickness_mm": 2.3},
        {"slice_spacing_mm": 1.95, "slice_thickness_mm": None},
        {"slice_spacing_mm": 2.18},  # a gap of 4%: rounding
        {"signal_to_noise": 16.0},
        {"signal_to_noise": 59.0},
    ],
)
def test_small_differences_are_not(change):
    assert flagged(dataclasses.replace(TRAINED, **change)) == []


def test_what_any_training_scan_was_like_is_known():
    other = dataclasses.replace(
        TRAINED,
        plane="axial",
        slice_spacing_mm=4.0,
        slice_thickness_mm=3.0,
        signal_to_noise=10.0,
        histogram=INVERTED,
    )
    between = dataclasses.replace(
        other, slice_spacing_mm=3.0, slice_thickness_mm=2.5, signal_to_noise=6.0
    )
    assert flagged(between, (TRAINED, other)) == []


def touching_to_twice():
    """What a network saw whose slices are 1 to 2 times as thick as apart."""
    return TRAINED, dataclasses.replace(TRAINED, slice_thickness_mm=4.2)


@pytest.mark.parametrize("thickness_mm", [2.1, 3.0, 4.2])
def test_overlap_that_a_network_knows_is_not_flagged(thickness_mm):
    scan = dataclasses.replace(TRAINED, slice_thickness_mm=thickness_mm)
    assert flagged(scan, touching_to_twice()) == []


@pytest.mark.parametrize(
    ("spacing_mm", "thickness_mm", "what", "text"),
    [
        (2.1, 2.3 * 2.1, "gap_share", "2.3 times as thick as apart; the network"),
        (2.1, 0.8 * 2.1, "gap_share", "0.8 times as thick as apart; the network"),
        # As thick as some and as far apart as none: thickness and gaps cannot tell.
        (3.0, 3.0, "slice_spacing_mm", "3 mm apart; the network knows 2.1 mm"),
    ],
)
def test_what_lies_outside_is(spacing_mm, thickness_mm, what, text):
    scan = dataclasses.replace(
        TRAINED, slice_spacing_mm=spacing_mm, slice_thickness_mm=thickness_mm
    )
    texts = {f.what: f.text for f in flagged(scan, touching_to_twice())}
    assert text in texts[what]
    if what == "gap_share":
        assert "1 to 2 times" in texts[what]


def test_a_network_of_gaps_alone_does_not_know_slices_that_touch():
    gaps = dataclasses.replace(TRAINED, slice_thickness_mm=1.05)
    (found, *_) = [f for f in flagged(TRAINED, (gaps,)) if f.what == "gap_share"]
    assert "1 times as thick as apart; the network knows 0.5 times" in found.text


def test_training_scans_of_unknown_thickness_count_as_touching():
    unknown = dataclasses.replace(TRAINED, slice_thickness_mm=None)
    assert flagged(TRAINED, (unknown,)) == []
    gaps = dataclasses.replace(TRAINED, slice_spacing_mm=2.8)
    assert [finding.what for finding in flagged(gaps, (unknown,))] == ["gap_share"]
