import numpy as np
import pytest
from scipy.spatial import transform

from deepresolve.imaging.mirroring import mirrored_classes
from deepresolve.imaging.volume import PLANES, Volume
from deepresolve.pipeline.augmentation import mirror

SIDED = ("patella", "left femur", "tibia", "right femur")


def canonical(plane, degrees=0.0):
    """A canonical volume of a plane, with x = y = z = 0 in its middle."""
    array = np.zeros((5, 7, 9))
    affine = np.eye(4)
    turn = transform.Rotation.from_euler("zyx", [degrees, -degrees, degrees / 2], True)
    affine[:3, :3] = turn.as_matrix() @ np.diag([0.5, 0.8, 1.5])
    affine[:3, 3] = -affine[:3, :3] @ (np.array(array.shape) - 1) / 2
    return Volume(array, affine, slice_axis=PLANES.index(plane)).canonical()


def coordinates(volume):
    """World (x, y, z) of every voxel: (3, rows, columns, slices) float32."""
    indices = np.indices(volume.shape).reshape(3, -1)
    world = volume.affine[:3, :3] @ indices + volume.affine[:3, 3:]
    return world.reshape(3, *volume.shape).astype(np.float32)


@pytest.mark.parametrize("degrees", [0, 12, -25])
@pytest.mark.parametrize("plane", PLANES)
def test_left_right_axis_is_nibabels(compute, plane, degrees):
    volume = canonical(plane, degrees)
    (expected,) = (n for n, code in enumerate(volume.orientation) if code in "LR")
    assert compute(mirror.left_right_axis, volume.affine) == expected
    assert expected == {"sagittal": 2, "coronal": 1, "axial": 1}[plane]


@pytest.mark.parametrize("plane", PLANES)
def test_mirror_takes_right_to_left_and_leaves_the_rest(compute, plane):
    volume = canonical(plane)
    x, y, z = coordinates(volume)[..., np.newaxis]
    for values, expected in [(x, -x), (y, y), (z, z)]:
        mirrored = compute(
            lambda patch, affine: mirror.apply_mirror(
                patch, True, mirror.left_right_axis(affine)
            ),
            values,
            volume.affine,
        )
        np.testing.assert_allclose(mirrored, expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_mirror_is_numpys_flip_and_its_own_inverse(compute, axis, dtype):
    patch = np.random.default_rng(0).integers(0, 99, (4, 5, 6, 1)).astype(dtype)
    once = compute(mirror.apply_mirror, patch, True, axis)
    np.testing.assert_array_equal(once, np.flip(patch, axis))
    assert once.dtype == dtype
    twice = compute(mirror.apply_mirror, once, True, axis)
    np.testing.assert_array_equal(twice, patch)
    never = compute(mirror.apply_mirror, patch, False, axis)
    np.testing.assert_array_equal(never, patch)


@pytest.mark.parametrize("names", [SIDED, ("a", "b", "c", "d")])
@pytest.mark.parametrize("mirrored", [True, False])
def test_classes_follow_the_table_where_mirrored(compute, names, mirrored):
    labels = np.random.default_rng(0).integers(0, 5, (3, 4, 5, 1)).astype(np.uint8)
    table = np.array(mirrored_classes(names), np.uint8)
    exchanged = compute(
        lambda values, chosen: mirror.apply_mirror_to_classes(values, chosen, table),
        labels,
        mirrored,
    )
    expected = table[labels] if mirrored else labels
    np.testing.assert_array_equal(exchanged, expected)
    assert exchanged.dtype == np.uint8


def test_half_of_the_patches_are_mirrored(draw):
    # Binomial(400, 1/2) has a standard deviation of 10.
    assert draw(mirror.sample_mirror, 400).sum() == pytest.approx(200, abs=50)
