"""What is painted where a label map says nothing."""

import numpy as np
import pytest
from scipy import ndimage

from deepresolve.simulation.painting import surroundings
from deepresolve.simulation.painting.fields import smooth
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
    priors = Priors(**{"cortex_mm": (0.0, 0.0), "num_marrow_lesions": 0, **changes})
    random = np.random.default_rng(seed)
    return surroundings.tissues(labels, TISSUE_OF, SPACING_MM, 0, random, priors)


def test_labels_are_their_tissues_and_all_else_is_something(labels):
    found = tissues(labels)
    assert (found[labels == 1] == NUMBERS["cartilage"]).all()
    assert (found[labels == 5] == NUMBERS["marrow"]).all()
    around = np.unique(found[labels == 0])
    assert not {NUMBERS["cartilage"], NUMBERS["marrow"]} & set(around)
    assert {NUMBERS["fat"], NUMBERS["muscle"], NUMBERS["tendon"]} <= set(around)


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
            assert set(np.unique(pieces[border])) == set(np.unique(pieces))
            beside = ndimage.binary_dilation(air, iterations=1) & ~air
            assert np.mean(found[beside] == NUMBERS["fat"]) > 0.6
    assert 0.02 < np.mean(shares) < 0.5


def test_bones_have_a_shell(labels):
    found = tissues(labels, cortex_mm=(1.5, 1.5))
    shell = found == NUMBERS["cortex"]
    bone = labels == 5
    assert (bone[shell]).all()
    depth_mm = ndimage.distance_transform_edt(bone, SPACING_MM)
    np.testing.assert_array_equal(shell, bone & (depth_mm < 1.5))


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
