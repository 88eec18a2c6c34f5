"""What is painted where a label map says nothing."""

import numpy as np
import pytest
from scipy import ndimage

from deepresolve.simulation.painting import surroundings
from deepresolve.simulation.painting.fields import distance_mm, smooth
from deepresolve.simulation.painting.priors import Priors
from deepresolve.simulation.painting.surroundings import NUMBERS

SPACING_MM = (1.0, 1.0, 2.0)
TISSUE_OF = {1: "cartilage", 5: "marrow"}


@pytest.fixture(scope="module")
def labels():
    array = np.zeros((80, 70, 40), np.uint8)
    array[40:60, 25:45, 10:30] = 5
    array[37:40, 25:45, 10:30] = 1
    return array


def tissues(labels, seed=0, **changes):
    calm = {"cortex_mm": (0.0, 0.0), "num_marrow_lesions": 0, "scarred": 0.0}
    priors = Priors(**{**calm, "num_sheets": 0, "num_vessels": 0, **changes})
    random = np.random.default_rng(seed)
    return surroundings.tissues(labels, TISSUE_OF, SPACING_MM, 0, random, priors)


def test_labels_are_their_tissues_and_all_else_is_something(labels):
    found = tissues(labels)
    assert (found[labels == 1] == NUMBERS["cartilage"]).all()
    assert (found[labels == 5] == NUMBERS["marrow"]).all()
    around = np.unique(found[labels == 0])
    assert not {NUMBERS["cartilage"], NUMBERS["marrow"]} & set(around)
    assert {NUMBERS["fat"], NUMBERS["muscle"]} <= set(around)


def test_the_leg_ends_in_skin_and_air_all_around(labels):
    shares = []
    for seed in range(8):
        found = tissues(labels, seed)
        air = found == NUMBERS["air"]
        shares.append(air.mean())
        if air.any():
            # Outside: it reaches the border of the field of view.
            pieces, _ = ndimage.label(air)
            border = np.ones(air.shape, bool)
            border[:, 1:-1, 1:-1] = False
            assert set(np.unique(pieces)) - {0} <= set(np.unique(pieces[border]))
            beside = ndimage.binary_dilation(air, iterations=1) & ~air
            # The skin, which is as bright as muscle, and fat below it.
            assert np.mean(found[beside] == NUMBERS["muscle"]) > 0.6
            deeper = ndimage.binary_dilation(air, iterations=5) & ~air
            assert np.mean(found[deeper] == NUMBERS["fat"]) > 0.3
    assert 0.02 < np.mean(shares) < 0.5


def test_bones_have_a_shell(labels):
    found = tissues(labels, cortex_mm=(1.5, 1.5))
    bone = labels == 5
    depth_mm = ndimage.distance_transform_edt(bone, SPACING_MM)
    assert (found[bone & (depth_mm < 1.5)] == NUMBERS["cortex"]).all()


def test_lesions_are_wet_marrow(labels):
    wet = [
        tissues(labels, seed, num_marrow_lesions=3)[labels == 5] == NUMBERS["muscle"]
        for seed in range(10)
    ]
    assert 0 < np.mean(wet) < 0.1


def test_fluid_lies_along_cartilage(labels):
    distance_mm = ndimage.distance_transform_edt(labels != 1, SPACING_MM)
    near = (labels == 0) & (distance_mm < 1.5)
    far = (labels == 0) & (distance_mm > 10)
    shares = [
        [np.mean(tissues(labels, seed)[where] == NUMBERS["fluid"]) for seed in range(8)]
        for where in (near, far)
    ]
    assert np.mean(shares[0]) > 1.5 * np.mean(shares[1])


@pytest.mark.parametrize(("reach_mm", "touches"), [(4.0, False), (0.0, True)])
def test_muscle_touches_no_cartilage_where_a_capsule_is(labels, reach_mm, touches):
    near = (labels == 0) & (ndimage.distance_transform_edt(labels != 1, SPACING_MM) < 3)
    rich = {"num_sheets": 6, "num_vessels": 5, "capsule_mm": (reach_mm, reach_mm)}
    found = [tissues(labels, seed, **rich)[near] for seed in range(8)]
    assert (NUMBERS["muscle"] in np.unique(found)) == touches


def test_fields_vary_over_their_length():
    random = np.random.default_rng(0)
    field = smooth((60, 50, 40), (0.5, 0.5, 1.0), 6.0, random)
    assert field.dtype == np.float32
    assert field.mean() == pytest.approx(0, abs=1e-5)
    assert field.std() == pytest.approx(1, abs=1e-5)

    def alike(axis, voxels):
        one = np.take(field, np.arange(field.shape[axis] - voxels), axis)
        other = np.take(field, np.arange(voxels, field.shape[axis]), axis)
        return np.corrcoef(one.ravel(), other.ravel())[0, 1]

    assert alike(0, 2) > 0.8 and alike(2, 1) > 0.8  # 1 mm
    assert abs(alike(0, 24)) < 0.4 and abs(alike(2, 12)) < 0.4  # 12 mm


def test_of_one_voxel_there_is_one_value():
    assert smooth((1, 1, 1), (1, 1, 1), 5.0, np.random.default_rng(0)).shape == (
        1,
        1,
        1,
    )


def test_sheets_are_thin_and_lie_where_the_label_map_says_nothing(labels):
    shares = []
    for seed in range(6):
        plain, with_sheets = (
            tissues(labels, seed, num_sheets=num, sheet_mm=(1.0, 1.0)) for num in (0, 6)
        )
        changed = plain != with_sheets
        shares.append(np.mean(with_sheets == NUMBERS["tendon"]))
        assert not changed[labels == 1].any()
    assert 0 < np.mean(shares) < 0.15


def test_vessels_run_along_the_leg(labels):
    random = np.random.default_rng(1)
    priors = Priors(num_vessels=4, vessel_mm=(3.0, 3.0))
    found = np.full(labels.shape, 255, np.uint8)
    while (found == 255).all():  # there may be none
        surroundings._add_vessels(found, SPACING_MM, 0, random, priors)
    tube = found != 255
    across = tube.sum(axis=(1, 2))
    # Each crosses the volume, unless it leaves it at a side.
    assert np.mean(across > 0) > 0.8
    assert across.max() * 2.0 <= 4 * np.pi * 3.5**2


def test_distances_are_scipys_to_a_part_of_a_voxel():
    mask = np.zeros((60, 50, 40), bool)
    mask[20:34, 11:30, 8:25] = True
    for spacing_mm, tolerance in (((1.0, 1.0, 0.8), 0.0), ((0.3, 0.3, 0.7), 0.62)):
        found = distance_mm(mask, spacing_mm)
        true = ndimage.distance_transform_edt(~mask, spacing_mm)
        assert found.dtype == np.float32
        assert np.abs(found - true).max() <= tolerance + 1e-5
    assert np.isinf(distance_mm(np.zeros((4, 4, 4), bool), (1, 1, 1))).all()
