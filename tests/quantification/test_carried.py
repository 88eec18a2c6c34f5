"""Regions of an earlier visit: what was not touched has the numbers that it had."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deepresolve.quantification.knee import measure
from deepresolve.simulation import phantom

NAMES = phantom.LABEL_NAMES
VALUES = {name: value for value, name in NAMES.items()}
LATERAL = ("LT", "cLT", "aLT", "eLT", "pLT", "iLT")
FEMUR = ("F", "TrF", *(f"{p}{s}F" for s in "ML" for p in ("c", "p", "cc", "ec", "ic")))
WITHOUT_BONES = {v: n for v, n in NAMES.items() if n not in ("femur", "tibia")}


@pytest.fixture(scope="module", params=["right", "left"])
def knee(request):
    made = phantom.labelled(
        seed=7, side=request.param, shape=(150, 150, 84), spacing_mm=(0.8, 0.8, 1.1)
    )
    return made.label.in_plane("sagittal")


@pytest.fixture(scope="module")
def before(knee):
    return measure(knee, NAMES)


def worn(knee):
    """The medial tibial plate a voxel thinner, without its front and outer rim."""
    array = knee.array.copy()
    plate = array == VALUES["medial tibial cartilage"]
    _, back, across = np.nonzero(plate)
    lateral = array == VALUES["lateral tibial cartilage"]
    outwards = np.sign(across.mean() - np.nonzero(lateral)[2].mean())
    _, j, k = np.indices(array.shape)
    lost = plate & ~np.roll(plate, 1, axis=0)
    lost |= plate & (j < np.percentile(back, 12))
    lost |= plate & (outwards * k > np.percentile(outwards * across, 88))
    array[lost] = 0
    return knee.with_array(array)


def lain(knee, degrees=(4, -5, 3), shift_mm=(11, -8, 6)):
    """A label map that lies otherwise in the world, voxels and all."""
    turn = Rotation.from_rotvec(np.radians(degrees)).as_matrix()
    move = np.eye(4)
    move[:3, :3], move[:3, 3] = turn, shift_mm
    return dataclasses.replace(knee, affine=move @ knee.affine)


def percent(after, before, place, quantity):
    return 100 * (
        after.quantities[place][quantity] / before.quantities[place][quantity] - 1
    )


def test_what_was_not_touched_has_the_numbers_that_it_had(knee, before):
    after = measure(lain(worn(knee)), NAMES, baseline=before)
    assert after.regions_from == "baseline" and before.regions_from == "own plates"
    for place in (*LATERAL, *FEMUR):
        for quantity in ("tAB", "VC", "ThCtAB_aMe"):
            assert abs(percent(after, before, place, quantity)) < 0.5, place
    # By regions of its own the femur would have changed, and the plate's centre moved.
    own = measure(lain(worn(knee)), NAMES)
    changes = [abs(percent(own, before, place, "tAB")) for place in (*LATERAL, *FEMUR)]
    assert max(changes) > 1
    assert percent(own, before, "cMT", "tAB") < -15


def test_what_was_touched_has_lost_what_was_taken(knee, before):
    after = measure(lain(worn(knee)), NAMES, baseline=before)
    voxel_mm3 = np.prod(knee.spacing_mm)
    value = VALUES["medial tibial cartilage"]
    taken = np.sum(knee.array == value) - np.sum(worn(knee).array == value)
    regions = [f"{place}MT" for place in "capei"]
    losses = {
        place: before.quantities[place]["VC"] - after.quantities[place]["VC"]
        for place in ("MT", *regions)
    }
    assert losses["MT"] == pytest.approx(taken * voxel_mm3)
    assert sum(losses[place] for place in regions) == pytest.approx(losses["MT"])
    # The rim was taken in front and outside alone; the centre lies where it lay.
    assert percent(after, before, "aMT", "tAB") < -25
    assert percent(after, before, "eMT", "tAB") < -25
    assert abs(percent(after, before, "cMT", "tAB")) < 1
    thinner = [percent(after, before, place, "ThCtAB_aMe") for place in ("cMT", "pMT")]
    assert max(thinner) < -15


def test_femur_and_tibia_carry_their_own(knee, before):
    """The tibia has gone back by 4 mm and sideways below the femur."""
    array = knee.array.copy()
    of_tibia = [
        value for value, name in NAMES.items() if "tibia" in name or "menisc" in name
    ]
    moved = np.roll(np.where(np.isin(array, of_tibia), array, 0), (1, 5, 2), (0, 1, 2))
    rest = np.where(np.isin(array, of_tibia), 0, array)
    after = measure(
        knee.with_array(np.where(rest > 0, rest, moved)), NAMES, baseline=before
    )
    for place in (*FEMUR, *LATERAL):
        assert abs(percent(after, before, place, "tAB")) < 1.5, place


def test_the_axes_go_with_the_tibia(knee, before):
    degrees = np.array([4, -5, 3])
    after = measure(lain(knee, degrees), NAMES, baseline=before)
    turn = Rotation.from_rotvec(np.radians(degrees))
    np.testing.assert_allclose(after.axes, turn.apply(before.axes), atol=2e-3)
    # Medial lies to the left in a right knee.
    assert before.axes[2, 0] == pytest.approx(-1 if before.side == "right" else 1, 0.05)


def test_without_bones_regions_are_the_plates_own(knee, before):
    after = measure(knee, WITHOUT_BONES, baseline=before)
    assert after.regions_from == "own plates"
    own = measure(knee, WITHOUT_BONES)
    assert after.table == own.table
    told = [n for n in after.notes if "is not labelled at both visits" in n]
    assert len(told) == 2


def test_plates_that_the_baseline_cuts_keep_regions_of_their_own(knee):
    """The baseline's scan ends within the lateral plate."""
    array = knee.array
    lateral = np.nonzero(array == VALUES["lateral tibial cartilage"])[2]
    medial = np.nonzero(array == VALUES["medial tibial cartilage"])[2]
    middle = int(lateral.mean())
    kept = slice(middle, None) if medial.mean() > middle else slice(0, middle + 1)
    before = measure(knee.crop((slice(None), slice(None), kept)), NAMES)
    with_regions = {plate for plate, _ in before.regions.values()}
    assert "MT" in with_regions and "LT" not in with_regions
    after = measure(knee, NAMES, baseline=before)
    own = measure(knee, NAMES)
    assert set(after.regions) == set(own.regions)
    for plate in {"LT", "F"} - with_regions:
        assert any(n.startswith(f"{plate}: the baseline has no") for n in after.notes)
    # What the cut left of MT was whole.
    assert after.quantities["cMT"]["tAB"] == pytest.approx(
        before.quantities["cMT"]["tAB"], rel=0.01
    )


def test_without_two_plates_the_baseline_has_no_axes_to_give(knee):
    lateral = ("lateral tibial cartilage", "lateral meniscus")
    array = np.where(np.isin(knee.array, [VALUES[n] for n in lateral]), 0, knee.array)
    before = measure(knee.with_array(array.astype(np.uint8)), NAMES)
    after, own = (measure(knee, NAMES, baseline=b) for b in (before, None))
    np.testing.assert_allclose(after.axes, own.axes)
    assert any(n.startswith("LT: the baseline has no regions") for n in after.notes)
    assert {"cLT", "aLT"} <= set(after.regions)


def test_what_is_lost_is_told(knee, before):
    array = knee.array.copy()
    plate = np.nonzero(array == VALUES["medial tibial cartilage"])
    array[plate] = np.where(plate[1] < np.percentile(plate[1], 45), 0, array[plate])
    after = measure(knee.with_array(array), NAMES, baseline=before)
    assert "aMT: nothing is left of it, and so it has no numbers." in after.notes
    assert np.isnan(after.quantities["aMT"]["tAB"])


def test_another_knee_is_no_baseline(knee, before):
    other = phantom.labelled(
        seed=7,
        side="left" if before.side == "right" else "right",
        shape=(100, 100, 60),
        spacing_mm=(1.2, 1.2, 1.4),
    ).label
    with pytest.raises(ValueError, match=r"and this is a \w+ knee: which knee is it"):
        measure(other, NAMES, baseline=before)
    with pytest.raises(ValueError, match=r"baseline has 0\.6, and this is 0\.75"):
        measure(knee, NAMES, weight_bearing=0.75, baseline=before)
