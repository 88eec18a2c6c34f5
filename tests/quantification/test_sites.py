"""Sites on a cylinder, whose surface is known, and on knees and their mirror images."""

import numpy as np
import pytest
from nibabel.affines import apply_affine
from scipy.spatial.distance import cdist, pdist

from deepresolve.imaging import mirroring
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification import sites
from deepresolve.quantification.knee import measure
from deepresolve.quantification.places import REGION_NAMES
from deepresolve.simulation import phantom

SPACING_MM = (0.5, 0.5, 0.75)
RADIUS_MM = 20.0
CENTRE_MM = (25.6, 26.1, 22.0)  # Down, back, to the left.


@pytest.fixture(scope="module")
def cylinder():
    """A femur that is a cylinder along the slices, with 2.5 mm of cartilage below."""
    shape = (104, 104, 60)
    down, back, left = np.indices(shape) * np.reshape(
        SPACING_MM, (3, 1, 1, 1)
    ) - np.reshape(CENTRE_MM, (3, 1, 1, 1))
    away = np.hypot(down, back)
    array = np.where(away < RADIUS_MM, 5, 0)
    within = np.abs(np.degrees(np.arctan2(back, down))) < 100
    within &= np.abs(left) < 15
    array[(array == 0) & (away < RADIUS_MM + 2.5) & within] = 1
    label = Volume(array.astype(np.uint8), affine_along_axes("IPL", SPACING_MM))
    return measure(label, {1: "femoral cartilage", 5: "femur"})


def test_points_of_a_line_are_chosen_from_its_ends_inwards():
    line = np.zeros((9, 3))
    line[:, 0] = np.arange(9)
    # By hand: the first, the last, the middle, and the middles of both halves.
    assert sites.farthest_points(line, 2.0).tolist() == [0, 8, 4, 2, 6]
    assert sites.farthest_points(line, 2.5).tolist() == [0, 8, 4]
    assert sites.farthest_points(line, 100.0).tolist() == [0]
    assert sites.farthest_points(np.empty((0, 3)), 1.0).tolist() == []


@pytest.mark.parametrize("apart_mm", [4.0, 7.0])
def test_no_site_is_near_another_and_no_place_far_from_all(cylinder, apart_mm):
    found = sites.along_cartilage(cylinder, apart_mm)
    centres = np.array([site.centre_mm for site in found])
    vertices = cylinder.in_world(cylinder.plates["F"].bone.vertices)
    assert pdist(centres).min() >= apart_mm
    assert cdist(vertices, centres).min(axis=1).max() < apart_mm


def test_rows_run_out_of_the_bone_and_slices_stay_sagittal(cylinder):
    for site in sites.along_cartilage(cylinder):
        # World: right, front, up; a closed form: out of the axis of the cylinder.
        out = np.array([0, *(site.centre_mm[1:] - [-CENTRE_MM[1], -CENTRE_MM[0]])])
        assert np.linalg.norm(out) == pytest.approx(RADIUS_MM, abs=0.4)
        assert site.axes[0] @ out / np.linalg.norm(out) > np.cos(np.radians(12))
        np.testing.assert_allclose(site.axes @ site.axes.T, np.eye(3), atol=1e-12)
        assert abs(site.axes[2, 0]) == 1
        # Straight down, 0 degrees; towards the back positive.
        degrees = np.degrees(np.arctan2(-out[1], -out[2]))
        assert site.row == pytest.approx(degrees, abs=2)


@pytest.fixture(scope="module")
def knee():
    return phantom.labelled(seed=7, shape=(80, 80, 48), spacing_mm=(1.5, 1.5, 2.0))


def test_a_mirrored_knee_has_the_mirrored_sites(knee):
    label, names = knee.label, phantom.LABEL_NAMES
    axis = mirroring.left_right_axis(label)
    mirrored = label.with_array(np.flip(label.array, axis))
    right, left = measure(label, names), measure(mirrored, names)
    assert {right.side, left.side} == {"right", "left"}
    both = [sites.along_cartilage(of) for of in (right, left)]
    both[0] += sites.of_menisci(right, label, names)
    both[1] += sites.of_menisci(left, mirrored, names)
    assert len(both[0]) == len(both[1]) > 100
    for one, other in zip(*both, strict=True):
        assert (one.place, one.region, one.vertex) == other[:3]
        np.testing.assert_allclose(one.axes * (-1, 1, 1), other.axes, atol=1e-6)
        np.testing.assert_allclose(one.centre_mm[1:], other.centre_mm[1:], atol=1e-6)
    offsets = [a.centre_mm[0] + b.centre_mm[0] for a, b in zip(*both, strict=True)]
    assert np.ptp(offsets) < 1e-6


def test_sites_have_the_regions_of_their_vertices(knee):
    measured = measure(knee.label, phantom.LABEL_NAMES)
    found = sites.along_cartilage(measured)
    assert {site.place for site in found} == set(measured.plates)
    for site in found:
        if site.region:
            assert site.region in REGION_NAMES
            plate, mask = measured.regions[site.region]
            assert plate == site.place and mask[site.vertex]


def test_each_meniscus_has_the_middle_of_its_box(knee):
    label, names = knee.label, phantom.LABEL_NAMES
    measured = measure(label, names)
    for site in sites.of_menisci(measured, label, names):
        side = {"MM": "medial", "LM": "lateral"}[site.place]
        (value,) = (v for v, name in names.items() if name == f"{side} meniscus")
        voxels = apply_affine(label.affine, np.argwhere(label.array == value))
        middle = (voxels.min(axis=0) + voxels.max(axis=0)) / 2
        np.testing.assert_allclose(site.centre_mm, middle, atol=1e-6)
        assert np.isnan(site.row) and site.vertex == -1


def test_a_lesion_is_of_the_sites_around_it_on_its_own_bone(knee):
    measured = measure(knee.label, phantom.LABEL_NAMES)
    found = sites.along_cartilage(measured)
    own = [site.region for site in found].index("ccMF")
    lesion = found[own].centre_mm + 1.0 * found[own].axes[0]
    have = sites.have_cartilage_lesion(measured, found, lesion[np.newaxis])
    assert have[own]
    for site, has in zip(found, have, strict=True):
        away = np.linalg.norm(site.centre_mm - lesion)
        if has:
            assert site.place == "F" and away < sites.REACH_MM + 2.5
        elif site.place == "F":
            assert away > sites.REACH_MM - 2.5
    nothing = sites.have_cartilage_lesion(measured, found, np.empty((0, 3)))
    assert nothing == [False] * len(found)


def test_a_tear_is_of_the_nearer_meniscus(knee):
    label, names = knee.label, phantom.LABEL_NAMES
    found = sites.of_menisci(measure(label, names), label, names)
    assert [site.place for site in found] == ["MM", "LM"]
    for torn in (0, 1):
        near = found[torn].centre_mm[np.newaxis]
        have = sites.have_meniscal_tear(label, names, found, near)
        assert have == [torn == 0, torn == 1]
    none = sites.have_meniscal_tear(label, names, found, np.empty((0, 3)))
    assert none == [False, False]
