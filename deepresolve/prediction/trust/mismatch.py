"""A scan beside the scans that its network was trained on.

Each check takes the scan's description and those of the training scans as the network
saw them, and gives what it found, what it expected and, where the two do not agree, a
line for people. To add one, write the function and add its line to `CHECKS`.

All tolerances are ours. `benchmarks/trust.py` measures how often scans that do match
are flagged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from deepresolve.imaging.acquisition import Acquisition, histogram_distance
from deepresolve.tasks.findings import Finding

# Beyond the range of the training scans, as a share.
_SLICE_TOLERANCE = 0.1
_IN_PLANE_TOLERANCE = 0.25
_OBLIQUE_DEGREES = 15.0
# Part of the slice spacing; less is rounding in headers (as for `Volume.has_gaps`).
_GAP_TOLERANCE = 0.05
# Twice the noise of the noisiest training scan, or half of the cleanest one's.
_NOISE_FACTOR = 2.0
# As a share of the intensity range. Knees of one protocol are up to 0.03 apart (24
# phantoms of three sizes), those of other sequences 0.04 to 0.06, heads 0.07 to 0.19.
_HISTOGRAM_DISTANCE = 0.05

Trained = Sequence[Acquisition]


class Item(NamedTuple):
    """One comparison: as `Finding`, but None as `text` where all is well."""

    what: str
    found: Any
    expected: Any
    text: str | None


class Answer(NamedTuple):
    """What a check gives; see `Item`."""

    found: Any
    expected: Any
    text: str | None = None


def compare(scan: Acquisition, trained: Trained) -> list[Item]:
    """All checks on one scan.

    Args:
      scan: as it came.
      trained: training scans as the network saw them, at least one.
    """
    return [Item(what, *check(scan, trained)) for what, check in CHECKS.items()]


def findings(items: Sequence[Item]) -> list[Finding]:
    """Those that are off."""
    return [
        Finding(item.what, item.found, item.expected, item.text)
        for item in items
        if item.text is not None
    ]


def plane(scan: Acquisition, trained: Trained) -> Answer:
    """Whether the network has seen slices of this plane."""
    expected = sorted({t.plane for t in trained})
    text = None
    if scan.plane not in expected:
        text = f"slices are {scan.plane}; the network knows {' and '.join(expected)}."
    return Answer(scan.plane, expected, text)


def obliqueness(scan: Acquisition, trained: Trained) -> Answer:
    """How far the slices are tilted out of their plane, in degrees."""
    found = scan.obliqueness_degrees
    highest = max(t.obliqueness_degrees for t in trained)
    text = None
    if found > highest + _OBLIQUE_DEGREES:
        text = (
            f"slices are tilted by {found:.0f} degrees; those of the training scans by "
            f"{highest:.0f} at most."
        )
    return Answer(found, [0.0, highest], text)


def in_plane_mm(scan: Acquisition, trained: Trained) -> Answer:
    """Distances between rows and between columns."""
    of_training = [s for t in trained for s in t.in_plane_mm]
    expected = [min(of_training), max(of_training)]
    text = None
    if not all(_within(s, expected, _IN_PLANE_TOLERANCE) for s in scan.in_plane_mm):
        pixels = " x ".join(f"{s:.3g}" for s in scan.in_plane_mm)
        text = f"pixels are {pixels} mm; the network knows {_range(expected)} mm."
    return Answer(list(scan.in_plane_mm), expected, text)


def slice_spacing_mm(scan: Acquisition, trained: Trained) -> Answer:
    """Distance between slices.

    Where the thickness is known, that and the gaps are flagged in its place, as long as
    there is one spacing that they tell: training scans all have the same share of gaps.
    """
    found, expected = (
        scan.slice_spacing_mm,
        _bounds(t.slice_spacing_mm for t in trained),
    )
    lowest, highest = _gap_shares(trained)
    is_told = scan.slice_thickness_mm is not None and highest - lowest <= _GAP_TOLERANCE
    text = None
    if not is_told and not _within(found, expected, _SLICE_TOLERANCE):
        text = (
            f"slices are {found:.3g} mm apart; the network knows {_range(expected)} mm."
        )
    return Answer(found, expected, text)


def slice_thickness_mm(scan: Acquisition, trained: Trained) -> Answer:
    """Thickness of a slice, where the scan tells it."""
    found = scan.slice_thickness_mm
    expected = _bounds(t.slice_thickness_mm or t.slice_spacing_mm for t in trained)
    text = None
    if found is not None and not _within(found, expected, _SLICE_TOLERANCE):
        text = (
            f"slices are {found:.3g} mm thick; the network knows {_range(expected)} mm."
        )
    return Answer(found, expected, text)


def gap_share(scan: Acquisition, trained: Trained) -> Answer:
    """Part of the slice spacing that no slice covers; below 0 slices overlap."""
    found, expected = scan.gap_share, _gap_shares(trained)
    lowest, highest = expected
    thickness_mm, spacing_mm = scan.slice_thickness_mm, scan.slice_spacing_mm
    if found is None or thickness_mm is None:
        return Answer(found, expected)
    if lowest - _GAP_TOLERANCE <= found <= highest + _GAP_TOLERANCE:
        return Answer(found, expected)
    if max(-lowest, highest) > _GAP_TOLERANCE:
        text = (
            f"slices are {thickness_mm:.4g} mm thick and {spacing_mm:.4g} mm apart, "
            f"{1 - found:.3g} times as thick as apart; the network knows "
            f"{_range((1 - highest, 1 - lowest))} times."
        )
    elif found > highest:
        text = gap_text(thickness_mm, spacing_mm)
    else:
        text = (
            f"slices overlap: {thickness_mm:.4g} mm thick and {spacing_mm:.4g} mm "
            "apart."
        )
    return Answer(found, expected, text)


def _gap_shares(trained: Trained) -> list[float]:
    """Lowest and highest; where the thickness is unknown, slices count as touching."""
    return _bounds(t.gap_share or 0.0 for t in trained)


def gap_text(thickness_mm: float, spacing_mm: float) -> str:
    """The line for slices that do not touch."""
    return (
        f"slices are {thickness_mm:.4g} mm thick and {spacing_mm:.4g} mm apart; the "
        "network was trained on slices without gaps."
    )


def intensities(scan: Acquisition, trained: Trained) -> Answer:
    """Distance of the histogram from that of the most similar training scan."""
    found = round(min(histogram_distance(scan, t) for t in trained), 4)
    expected = [0.0, round(max(_HISTOGRAM_DISTANCE, 2 * _scatter(trained)), 4)]
    text = None
    if found > expected[1]:
        text = (
            "the contrast is another than that of the training scans (intensities "
            f"{100 * found:.0f}% of their range apart; {100 * expected[1]:.0f}% is "
            "usual). Another sequence, part of the body or field of view?"
        )
    return Answer(found, expected, text)


def signal_to_noise(scan: Acquisition, trained: Trained) -> Answer:
    """How noisy slices are."""
    found, (lowest, highest) = (
        scan.signal_to_noise,
        _bounds(t.signal_to_noise for t in trained),
    )
    text = None
    if found < lowest / _NOISE_FACTOR:
        text = (
            f"the noise is heavy: signal-to-noise {found:.2g}, against "
            f"{_range((lowest, highest))} in training."
        )
    elif found > highest * _NOISE_FACTOR:
        text = (
            f"there is little noise: signal-to-noise {found:.3g}, against "
            f"{_range((lowest, highest))} in training. Has the scan been filtered?"
        )
    return Answer(found, [lowest, highest], text)


CHECKS: dict[str, Callable[[Acquisition, Trained], Answer]] = {
    "plane": plane,
    "obliqueness_degrees": obliqueness,
    "in_plane_mm": in_plane_mm,
    "slice_spacing_mm": slice_spacing_mm,
    "slice_thickness_mm": slice_thickness_mm,
    "gap_share": gap_share,
    "intensities": intensities,
    "signal_to_noise": signal_to_noise,
}


def _bounds(values: Iterable[float]) -> list[float]:
    values = list(values)
    return [min(values), max(values)]


def _within(value: float, bounds: Sequence[float], tolerance: float) -> bool:
    lowest, highest = bounds
    return lowest / (1 + tolerance) <= value <= highest * (1 + tolerance)


def _range(bounds: Sequence[float]) -> str:
    """2.25, or 2.25 to 3."""
    lowest, highest = (f"{bound:.3g}" for bound in bounds)
    return lowest if lowest == highest else f"{lowest} to {highest}"


def _scatter(trained: Trained) -> float:
    """The largest distance of a training scan from its nearest neighbour; 0 of one."""
    if len(trained) < 2:
        return 0.0
    return max(
        min(histogram_distance(one, other) for other in trained if other is not one)
        for one in trained
    )
