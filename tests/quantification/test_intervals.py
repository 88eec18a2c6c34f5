"""Intervals around numbers, from readings of the same knee."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import ndimage

from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification.intervals import intervals, measure_with_intervals

SPACING_MM = (0.4, 0.4, 0.8)
NAMES = {1: "medial tibial cartilage", 2: "lateral tibial cartilage", 3: "tibia"}
# Ten voxels thick; probabilities fall off over 1.2 mm at each surface.
_TOP, _BONE = 30, 40


def slab():
    """Two plates on a bone, with probabilities that fall off at their surfaces."""
    array = np.zeros((70, 60, 60), np.uint8)
    array[_BONE:, 5:55, 5:55] = 3
    for value, planes in ((1, slice(5, 28)), (2, slice(32, 55))):
        array[_TOP:_BONE, 5:55, planes] = value
    affine = affine_along_axes("IPL", SPACING_MM)
    label_map = Volume(array, affine, slice_axis=2)
    # Along the normal alone, so that plates stay as wide as they are: a voxel's share
    # of 1/6, 1/2 and 5/6 from outside in, and half of what lies between both.
    shares = {
        value: label_map.with_array(
            ndimage.uniform_filter1d((array == value).astype(np.float32), 3, axis=0)
        )
        for value in NAMES
    }
    return label_map, shares


def test_intervals_reach_as_far_as_readings_do():
    measured = {"MT": {"VC": 10.0, "tAB": 4.0}}
    kind = [{"MT": {"VC": 12.0, "tAB": 4.5}}, {"MT": {"VC": 7.0, "tAB": 5.0}}]
    found = intervals(measured, [kind])
    assert found == {"MT": {"VC": (7.0, 12.0), "tAB": (4.0, 5.0)}}
    # Two kinds: 3 and 4 down make 5, 2 and 0 up make 2.
    other = [{"MT": {"VC": 6.0, "tAB": 4.0}}]
    assert intervals(measured, [kind, other])["MT"]["VC"] == pytest.approx((5, 12))
    assert intervals(measured, []) == {}


def test_what_a_reading_lacks_makes_no_interval():
    found = intervals({"MT": {"VC": 10.0}}, [[{"MT": {"VC": 9.0}}, {}]])
    assert all(map(math.isnan, found["MT"]["VC"]))


def test_an_interval_of_thickness_is_that_of_its_surfaces():
    label_map, shares = slab()
    knee = measure_with_intervals(label_map, NAMES, probabilities=shares)
    low, high = knee.intervals["cMT"]["ThCtAB_aMe"]
    # From half a voxel beyond a surface to one and a half shares fall from 1/3 to 0,
    # and so cross 0.3 at 0.6 voxels of 0.4 mm; within 0.7 just as far: twice 0.24 mm.
    assert knee.table["cMT_ThCtAB_aMe"] == pytest.approx(4.0, abs=0.02)
    assert (low, high) == pytest.approx((3.52, 4.48), abs=0.05)
    rims = "half a voxel of each plate's rim"
    assert knee.intervals_from == f"probabilities from 0.3 to 0.7 and {rims}"


def test_an_area_reaches_half_a_voxel_beyond_its_rim():
    # All thresholds say the same of it: probabilities fall off along the normal alone.
    label_map, shares = slab()
    knee = measure_with_intervals(label_map, NAMES, probabilities=shares)
    low, high = knee.intervals["MT"]["tAB"]
    # 50 x 23 voxels of 0.4 x 0.8 mm: half of one on each side, and up to twice as much,
    # as vertices lie.
    around_cm2 = (50 * 0.4 * 0.8 + 23 * 0.8 * 0.4) / 100
    assert around_cm2 <= high - knee.table["MT_tAB"] <= 2.2 * around_cm2
    assert high - knee.table["MT_tAB"] == pytest.approx(
        knee.table["MT_tAB"] - low, rel=0.01
    )
    # A part without an end of its own along its sides has less of it.
    low, high = knee.intervals["cMT"]["tAB"]
    assert 0 <= high - knee.table["cMT_tAB"] < around_cm2 / 10


def test_classes_that_are_no_part_of_a_knee_have_probabilities_too():
    label_map, shares = slab()
    expected = measure_with_intervals(label_map, NAMES, probabilities=shares)
    shares[4] = label_map.with_array(np.zeros(label_map.shape, np.float32))
    names = {**NAMES, 4: "fluid"}
    found = measure_with_intervals(label_map, names, probabilities=shares)
    assert found.intervals == expected.intervals and found.table == expected.table


def test_a_reading_that_cannot_be_measured_costs_the_intervals_alone():
    label_map, shares = slab()
    for value in (1, 2):  # all of it is lost at 0.7
        shares[value].array[label_map.array == value] = 0.6
    knee = measure_with_intervals(label_map, NAMES, probabilities=shares)
    assert set(knee.plates) == {"MT", "LT"}
    assert all(map(math.isnan, knee.intervals["MT"]["ThCtAB_aMe"]))
    (note,) = knee.notes
    assert note.startswith("No intervals: a reading does not do. No cartilage")


def test_readings_of_another_knee_make_no_interval():
    label_map, _ = slab()
    mirrored = label_map.with_array(np.flip(label_map.array, 2))
    affine = label_map.affine.copy()
    affine[1, 3] += 40
    moved = dataclasses.replace(label_map, affine=affine)
    for reading, text in (
        (mirrored, "It is a right knee, and this is a left one"),
        (moved, "lies 40 mm away from that of this knee"),
    ):
        knee = measure_with_intervals(label_map, NAMES, readings=[reading])
        assert text in knee.notes[0]
        assert all(map(math.isnan, knee.intervals["MT"]["VC"]))


def test_other_label_maps_are_readings():
    label_map, _ = slab()
    thicker = label_map.with_array(label_map.array.copy())
    thicker.array[_TOP - 2 : _TOP] = label_map.array[_TOP]
    knee = measure_with_intervals(label_map, NAMES, readings=[thicker])
    low, high = knee.intervals["cMT"]["ThCtAB_aMe"]
    assert low == pytest.approx(4.0, abs=0.05)
    assert high == pytest.approx(4.8, abs=0.08)
    rims = "half a voxel of each plate's rim"
    assert knee.intervals_from == f"1 other label map and {rims}"
    alone = measure_with_intervals(label_map, NAMES)
    assert alone.intervals == {} and alone.intervals_from == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop(3), "no probability of 'tibia'"),
        (lambda s: s.update({1: s[1].crop([slice(0, 60)] * 3)}), "another grid"),
        (lambda s: s.update({1: s[1].with_array(s[1].array * 2)}), "0 to 2"),
    ],
)
def test_probabilities_of_something_else_are_refused(change, message):
    label_map, shares = slab()
    change(shares)
    with pytest.raises(ValueError, match=message):
        measure_with_intervals(label_map, NAMES, probabilities=shares)


def test_a_reading_differs_from_the_label_map_and_not_from_its_probabilities():
    label_map, shares = slab()
    for value in (1, 2):  # Its surface lies half a voxel higher than labels say.
        share = shares[value].array
        higher = ndimage.shift(share, (-0.5, 0, 0), order=1, mode="nearest")
        np.maximum(share, higher, out=share)
    alone = measure_with_intervals(label_map, NAMES, probabilities=shares)
    both = measure_with_intervals(
        label_map, NAMES, probabilities=shares, readings=[label_map]
    )
    assert both.table == alone.table
    for place, of_place in alone.intervals.items():
        for name, ends in of_place.items():
            found = both.intervals[place][name]
            assert found == pytest.approx(ends, nan_ok=True), (place, name)
    thick = measure_with_intervals(label_map, NAMES).table["cMT_ThCtAB_aMe"]
    assert both.table["cMT_ThCtAB_aMe"] > thick + 0.1
