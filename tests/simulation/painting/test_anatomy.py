"""Label maps that are bent, and cartilage that grows and wears."""

import numpy as np
import pytest
from scipy import ndimage

from deepresolve.simulation.painting import anatomy
from deepresolve.simulation.painting.priors import Priors

SPACING_MM = (0.5, 0.5, 1.0)
STILL = Priors(
    rotation_degrees=(0.0, 0.0),
    scale=(1.0, 1.0),
    warp_mm=(0.0, 0.0),
    thickness_mm=(0.0, 0.0),
    num_defects=0,
)
BONE, CARTILAGE, OTHER = 5, 1, 9


@pytest.fixture
def labels():
    """A plate of bone, 3 mm of cartilage on it, and something else above one half."""
    array = np.zeros((40, 48, 24), np.uint8)
    array[20:30, 4:44, 2:22] = BONE
    array[14:20, 4:44, 2:22] = CARTILAGE
    array[10:14, 4:20, 2:22] = OTHER
    return array


def bent(labels, seed=0, **changes):
    priors = Priors(**{**vars(STILL), **changes})
    random = np.random.default_rng(seed)
    return anatomy.bent(labels, SPACING_MM, random, priors)


def thickened(labels, seed=0, **changes):
    priors = Priors(**{**vars(STILL), **changes})
    return anatomy.thickened(
        *(labels, SPACING_MM, [CARTILAGE], [BONE]), np.random.default_rng(seed), priors
    )


def test_without_anything_that_varies_it_is_as_it_was(labels):
    np.testing.assert_array_equal(bent(labels), labels)
    np.testing.assert_array_equal(thickened(labels), labels)


def test_scaled_about_its_middle(labels):
    larger = bent(labels, scale=(1.1, 1.1))
    assert (larger > 0).sum() == pytest.approx(1.1**3 * (labels > 0).sum(), rel=0.06)
    np.testing.assert_allclose(
        ndimage.center_of_mass(larger == BONE) - (np.array(labels.shape) - 1) / 2,
        1.1
        * (ndimage.center_of_mass(labels == BONE) - (np.array(labels.shape) - 1) / 2),
        atol=0.5,
    )


def test_turned_in_millimetres():
    """A rod of 12 mm, turned by 90 degrees from one axis to one of other voxels."""
    rod = np.zeros((41, 41, 41), np.uint8)
    rod[8:33, 20, 20] = 1
    turn = anatomy._rotation(np.radians([0, 90, 0]))
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.abs(turn @ [1, 0, 0]), [0, 0, 1], atol=1e-12)
    found = bent(rod, rotation_degrees=(90.0, 90.0))
    extents = [s.stop - s.start for s in ndimage.find_objects(found)[0]]
    assert max(extents) >= 10  # 12 mm are 12 voxels of 1 mm, 24 of 0.5 mm


def test_a_warp_moves_and_keeps_the_values(labels):
    found = bent(labels, warp_mm=(2.0, 2.0))
    assert set(np.unique(found)) == set(np.unique(labels))
    share = np.mean(found != labels)
    assert 0.02 < share < 0.3
    again = bent(labels, warp_mm=(2.0, 2.0))
    np.testing.assert_array_equal(found, again)
    assert (bent(labels, seed=1, warp_mm=(2.0, 2.0)) != found).any()


def test_cartilage_changes_at_its_free_surface_alone(labels):
    found = thickened(labels, thickness_mm=(1.0, 1.0))
    for value in (BONE, OTHER):
        np.testing.assert_array_equal(found == value, labels == value)
    before, after = labels == CARTILAGE, found == CARTILAGE
    assert (after & ~before).sum() > 50 and (before & ~after).sum() > 50
    # Away from its rim what lies on the bone stays.
    assert after[18:20, 12:36, 6:18].all()
    grown = np.argwhere(after & ~before)
    assert grown[:, 0].max() < 20 + 8  # none below the bone


def test_defects_take_cartilage_away_and_nothing_else(labels):
    found = thickened(labels, num_defects=6, defect_mm=(6.0, 6.0), seed=3)
    assert not ((found == CARTILAGE) & (labels != CARTILAGE)).any()
    lost = (labels == CARTILAGE) & (found != CARTILAGE)
    assert lost.any() and (found[lost] == 0).all()
    np.testing.assert_array_equal(found == BONE, labels == BONE)


def test_without_cartilage_there_is_nothing_to_thicken():
    bone = np.full((8, 8, 8), BONE, np.uint8)
    np.testing.assert_array_equal(thickened(bone, thickness_mm=(1.0, 1.0)), bone)
