"""The knee's own directions, however it lies."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification.axes import knee_axes
from deepresolve.quantification.knee import measure
from deepresolve.quantification.surfaces import Surface
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


def rotated(label_map, turn):
    """A label map turned about its middle; each voxel has the label with most of it."""
    array = np.pad(label_map.in_plane("sagittal").array, ((20, 20), (20, 20), (12, 12)))
    to_voxels, to_mm = np.diag(np.divide(1, SPACING_MM)), np.diag(SPACING_MM)
    matrix = to_voxels @ turn @ to_mm
    middle = (np.array(array.shape) - 1) / 2
    shares = [
        ndimage.affine_transform(
            (array == value).astype(np.float32),
            matrix,
            middle - matrix @ middle,
            order=1,
        )
        for value in range(array.max() + 1)
    ]
    affine = affine_along_axes("IPL", SPACING_MM)
    return Volume(np.argmax(shares, axis=0).astype(np.uint8), affine, slice_axis=2)


@pytest.fixture(scope="module")
def labels():
    return phantom.knee(
        seed=7, side="right", shape=(200, 210, 100), spacing_mm=SPACING_MM
    ).label


@pytest.fixture(scope="module")
def straight(labels):
    return measure(rotated(labels, np.eye(3)), phantom.LABEL_NAMES).table


@pytest.mark.parametrize("axis", range(3))
def test_a_knee_that_lies_askew_has_the_same_regions(labels, straight, axis):
    """10 degrees change regional means by less than 2%."""
    turn = Rotation.from_rotvec(np.radians(10) * np.eye(3)[axis]).as_matrix()
    askew = measure(rotated(labels, turn), phantom.LABEL_NAMES).table
    changes = {
        name: 100 * (askew[name] / straight[name] - 1)
        for name in straight
        if name.endswith("_ThCtAB_aMe")
    }
    assert np.median(np.abs(list(changes.values()))) < 1
    # Of the narrow outer regions of the tibia, resampling alone changes more.
    large = {n: c for n, c in changes.items() if n.split("_")[0] not in _NARROW}
    assert np.max(np.abs(list(large.values()))) < 2, large
    assert np.max(np.abs(list(changes.values()))) < 7, changes


_NARROW = {f"{place}{side}T" for place in "apei" for side in "ML"}
