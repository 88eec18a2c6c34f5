"""Blocks that cover a plate, and stand out from it, as far as is known."""

import numpy as np
import pytest

from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification.knee import measure
from deepresolve.simulation import phantom

SPACING_MM = (0.5, 0.5, 0.8)
NAMES = {
    1: "medial tibial cartilage",
    2: "lateral tibial cartilage",
    3: "tibia",
    4: "medial meniscus",
    5: "lateral meniscus",
}


def joint(out_mm, *, right=True):
    """Two flat plates of 24 mm x 32 mm, and menisci over the outer quarter of each.

    They stand out by `out_mm` (medial, lateral), in whole planes.
    """
    array = np.zeros((80, 90, 100), np.uint8)
    array[50:, 5:85, 10:90] = 3
    plates = {1: slice(15, 45), 2: slice(55, 85)}
    for value, planes in plates.items():
        array[46:50, 13:77, planes] = value
    for value, first, out in ((4, 15, out_mm[0]), (5, 84, -out_mm[1])):
        moved = first - round(out / SPACING_MM[2])
        start, stop = (moved, moved + 8) if value == 4 else (moved - 7, moved + 1)
        array[40:45, 13:77, start:stop] = value
    if not right:
        array = np.flip(array, 2)
    return Volume(array, affine_along_axes("IPL", SPACING_MM), slice_axis=2)


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("out_mm", [(0, 0), (3.2, -1.6), (-2.4, 4.0)])
def test_menisci_stand_out_as_far_as_they_were_moved(out_mm, right):
    found = measure(joint(out_mm, right=right), NAMES).quantities
    for name, expected in zip(("MM", "LM"), out_mm, strict=True):
        assert found[name]["extrusion"] == pytest.approx(expected, abs=0.2)
        assert found[name]["VC"] == pytest.approx(5 * 64 * 8 * 0.2)


def test_they_cover_the_share_that_lies_below_them():
    found = measure(joint((0, 3.2)), NAMES).quantities
    # 8 and 4 of 30 planes.
    assert found["MM"]["coverage"] == pytest.approx(100 * 8 / 30, abs=2)
    assert found["LM"]["coverage"] == pytest.approx(100 * 4 / 30, abs=2)


def test_both_knees_measure_the_same():
    one = measure(joint((1.6, 0)), NAMES).table
    assert measure(joint((1.6, 0), right=False), NAMES).table == one


def test_a_stray_voxel_does_not_stand_out():
    label = joint((1.6, 0))
    label.array[42, 45, 2] = 4
    found = measure(label, NAMES).quantities["MM"]
    assert found["extrusion"] == pytest.approx(1.6, abs=0.2)


def test_what_is_high_above_a_plate_covers_none_of_it():
    label = joint((0, 0))
    label.array[label.array == 4] = 0
    label.array[10:15, 13:77, 15:23] = 4
    assert measure(label, NAMES).quantities["MM"]["coverage"] == 0


def test_a_meniscus_that_does_not_reach_the_middle_has_no_extrusion():
    label = joint((0, 0))
    label.array[40:45, 20:77, 15:23] = 0
    found = measure(label, NAMES).quantities["MM"]
    assert np.isnan(found["extrusion"]) and found["VC"] > 0


def test_a_synthetic_knee_has_both():
    drawn = phantom.labelled(seed=7, shape=(160, 160, 90), spacing_mm=(0.8, 0.8, 1.0))
    found = measure(drawn.label, phantom.LABEL_NAMES).quantities
    for name in ("MM", "LM"):
        assert 10 < found[name]["coverage"] < 80
        assert -6 < found[name]["extrusion"] < 6
