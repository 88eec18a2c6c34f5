"""The knee's own directions, however it lies."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification import regions
from deepresolve.quantification.axes import knee_axes
from deepresolve.quantification.knee import measure
from deepresolve.quantification.surfaces import Surface
from deepresolve.quantification.thickness import measure_plate, statistics
from deepresolve.simulation import phantom

SPACING_MM = (0.5, 0.5, 0.8)


def plate(middle_mm, size_mm):
    """A flat grid of points, each as large as every other: (down, back, medial)."""
    across = [np.linspace(-0.5, 0.5, 50) * size for size in size_mm]
    back, medial = (a.ravel() for a in np.meshgrid(*across))
    points = np.stack([np.zeros_like(back), back, medial], axis=-1) + middle_mm
    faces = np.empty((0, 3), int)
    return Surface(points, faces, np.zeros_like(points), np.ones(len(points)))


def test_straight_plates_have_the_axes_of_the_scan():
    found = knee_axes(plate((1, 0, 20), (45, 30)), plate((1, 0, -20), (40, 30)))
    np.testing.assert_allclose(found, np.eye(3), atol=1e-9)


@pytest.mark.parametrize("degrees", [(15, 0, 0), (0, -20, 0), (0, 0, 25), (8, -9, 10)])
def test_axes_turn_with_the_plates(degrees):
    turn = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    plates = [plate((1, 0, of), (45, 30)).turned(turn) for of in (20, -20)]
    # Each row is where that direction went.
    np.testing.assert_allclose(knee_axes(*plates), turn.T, atol=1e-9)


FINE_MM = (0.25, 0.25, 0.4)


@pytest.fixture(scope="module")
def fine():
    """A knee in voxels of half the size: down, back and to the left."""
    drawn = phantom.labelled(seed=7, shape=(420, 400, 200), spacing_mm=FINE_MM)
    return drawn.label.in_plane("sagittal").array


def rotated(fine, turn):
    """A knee that was turned about its middle, drawn in voxels of `SPACING_MM`.

    Each voxel has the label of its middle. Shares of labels, resampled, would eat thin
    rims of plates, where neither bone nor cartilage has most of a voxel.
    """
    shape = np.array(fine.shape) // 2 + (40, 40, 24)
    matrix = np.diag(np.divide(1, FINE_MM)) @ turn @ np.diag(SPACING_MM)
    middle = (np.array(fine.shape) - 1) / 2 - matrix @ ((shape - 1) / 2)
    array = ndimage.affine_transform(
        fine, matrix, middle, output_shape=tuple(shape), order=0
    )
    return Volume(array, affine_along_axes("IPL", SPACING_MM), slice_axis=2)


@pytest.fixture(scope="module")
def straight(fine):
    return measure(rotated(fine, np.eye(3)), phantom.LABEL_NAMES)


# Where much of a region is a plate's rim, voxels alone change more; see below.
_NARROW = {f"{place}{side}T" for place in "apei" for side in "ML"}
_NARROW |= {f"{third}c{side}F" for third in "ei" for side in "ML"}


@pytest.mark.parametrize("axis", range(3))
def test_a_knee_that_lies_askew_has_the_same_regions(fine, straight, axis):
    """10 degrees change regional means by less than 2%, at rims by less than 3.5%."""
    turn = Rotation.from_rotvec(np.radians(10) * np.eye(3)[axis]).as_matrix()
    askew = rotated(fine, turn)
    own = measure(askew, phantom.LABEL_NAMES)
    same = measure(askew, phantom.LABEL_NAMES, baseline=straight)
    places = (*straight.plates, *straight.regions)
    of_own, of_same = (
        {
            place: 100 * (of.table[f"{place}_ThCtAB_aMe"] / before - 1)
            for place in places
            if (before := straight.table[f"{place}_ThCtAB_aMe"])
        }
        for of in (own, same)
    )
    assert np.median(np.abs(list(of_own.values()))) < 1
    large = {place: change for place, change in of_own.items() if place not in _NARROW}
    assert np.max(np.abs(list(large.values()))) < 2, large
    assert np.max(np.abs(list(of_own.values()))) < 3.5, of_own
    # What is left is no matter of axes: the very same places of the bones differ alike.
    assert max(map(abs, of_same.values())) > 0.7 * max(map(abs, of_own.values()))


# A plate in closed form: an ellipse of these half axes (back, medial), as thick above
# its flat bone as an ellipsoid.
HALF_MM, THICK_MM = np.array([21.0, 14]), 2.4


def dome(turn, off_voxels, spacing_mm):
    """Five regions of a domed plate that was turned: their quantities by name."""
    size = np.array((26, 52, 38))
    shape = np.ceil(size / spacing_mm).astype(int)
    places = np.moveaxis(np.indices(shape), 0, -1) * spacing_mm - size / 2
    own = (places - off_voxels * np.array(spacing_mm)) @ turn
    height, radius = -own[..., 0], np.linalg.norm(own[..., 1:] / HALF_MM, axis=-1)
    above = THICK_MM * np.sqrt(np.clip(1 - radius**2, 0, None))
    plate = measure_plate(height < 0, (height >= 0) & (height < above), spacing_mm)
    masks = regions.of_tibia(plate.bone.turned(turn.T), "medial")
    return {name: statistics(plate, mask) for name, mask in masks.items()}


def test_voxels_alone_change_the_rims_of_a_plate():
    """By where a plate lies between voxels; of half the size, by less than half."""
    # Of a disc's area within radius r the mean of sqrt(1 - r²) is 2/3 (1 - (1 -
    # r²)^1.5) / r²; the centre has a fifth of the area, r² = 0.2.
    of_centre = THICK_MM * 2 / 3 * (1 - 0.8**1.5) / 0.2
    of_rest = THICK_MM * 2 / 3 * 0.8**1.5 / 0.8
    expected = {f"{p}MT": of_centre if p == "c" else of_rest for p in "capei"}
    turn = Rotation.from_rotvec(np.radians([0, 10, 0])).as_matrix()
    shifts = np.random.default_rng(0).uniform(-0.5, 0.5, (4, 3))
    fifth_mm2 = np.pi * HALF_MM.prod() / 5  # each region's
    means, volumes = {}, {}
    for size in (1, 0.5):
        spacing_mm = tuple(size * step for step in SPACING_MM)
        found = [dome(turn, shift, spacing_mm) for shift in shifts]
        for quantity, unit, errors in (
            ("ThCtAB_aMe", 1, means),
            ("VC", fifth_mm2, volumes),
        ):
            errors[size] = {
                name: [100 * (of[name][quantity] / thick / unit - 1) for of in found]
                for name, thick in expected.items()
            }
    assert np.abs([*means[1].values()]).max() < 7
    assert np.abs([*means[0.5].values()]).max() < 2
    assert np.ptp(means[1]["cMT"]) < 2
    # More than the 2% that one would like between a knee and the same one turned, and
    # no fault of surfaces: the voxels that were drawn hold as much more.
    for errors in (means, volumes):
        of_rims = [max(np.ptp(errors[s][f"{p}MT"]) for p in "ei") for s in (1, 0.5)]
        assert of_rims[0] > 3 and of_rims[1] < of_rims[0] / 2
