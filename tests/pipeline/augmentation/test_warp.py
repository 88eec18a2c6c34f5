import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage, stats

from deepresolve.imaging.volume import Volume
from deepresolve.pipeline.augmentation import warp

SQUARE = np.ones(2, np.float32)
CLOCKWISE = np.array([[0, -1], [1, 0]], np.float32)  # a quarter turn


def rotation(degrees, size=1.0):
    angle = np.deg2rad(degrees)
    matrix = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return (np.array(matrix) / size).astype(np.float32)


def warped(compute, array, matrix, position, patch_shape, spacing_mm=SQUARE, **options):
    options = {"interpolation": "BILINEAR", **options}

    def apply(voxels, matrix, position, spacing_mm):
        return warp.apply_warp(
            voxels[..., tf.newaxis],
            matrix,
            position,
            patch_shape,
            spacing_mm,
            **options,
        )

    position = np.array(position, np.int32)
    return compute(apply, array, matrix, position, spacing_mm)[..., 0]


def by_scipy(array, matrix, position, patch_shape, spacing_mm, order):
    """Each pixel read where its millimetres from the patch's middle are warped to."""
    middle = (np.array(patch_shape[:2]) - 1) / 2
    pixels = np.stack(np.indices(patch_shape[:2]), axis=-1)
    offset_mm = (pixels - middle) * spacing_mm
    read_mm = np.einsum("ab,ijb->ija", matrix.astype(float), offset_mm)
    places = np.array(position[:2]) + middle + read_mm / spacing_mm
    first, last = position[2], position[2] + patch_shape[2]
    planes = [
        ndimage.map_coordinates(
            array[..., k], np.moveaxis(places, -1, 0), order=order, mode="grid-constant"
        )
        for k in range(first, last)
    ]
    return np.stack(planes, axis=-1)


@pytest.fixture
def scan():
    return np.random.default_rng(1).normal(size=(24, 20, 6)).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_unit_matrix_cuts_the_patch(compute, scan, dtype):
    array = (10 * np.abs(scan)).astype(dtype)
    for interpolation in ("BILINEAR", "NEAREST"):
        patch = warped(
            compute,
            array,
            rotation(0),
            (3, 5, 1),
            (10, 9, 4),
            np.array([0.3, 0.7], np.float32),
            interpolation=interpolation,
        )
        np.testing.assert_array_equal(patch, array[3:13, 5:14, 1:5])
        assert patch.dtype == dtype


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0), (0.5, 0.8)])
@pytest.mark.parametrize(("degrees", "size"), [(20, 1.0), (-7, 1.2), (115, 0.9)])
@pytest.mark.parametrize(
    ("position", "patch_shape"),
    [((7, 4, 2), (10, 11, 3)), ((0, 0, 0), (24, 20, 6)), ((14, 2, 5), (9, 8, 1))],
)
def test_it_is_scipys_resampling(
    compute, scan, position, patch_shape, degrees, size, spacing_mm
):
    place = (rotation(degrees, size), position, patch_shape)
    spacing_mm = np.array(spacing_mm, np.float32)
    image = warped(compute, scan, *place, spacing_mm)
    expected = by_scipy(scan, *place, spacing_mm, order=1)
    np.testing.assert_allclose(image, expected, atol=1e-4)
    labels = np.digitize(scan, [-1, 0, 1]).astype(np.uint8)
    nearest = warped(compute, labels, *place, spacing_mm, interpolation="NEAREST")
    np.testing.assert_array_equal(
        nearest, by_scipy(labels, *place, spacing_mm, order=0)
    )


def test_a_quarter_turn_is_numpys(compute, scan):
    patch = warped(compute, scan, CLOCKWISE, (6, 4, 0), (8, 8, 6))
    expected = np.rot90(scan[6:14, 4:12], k=-1)
    np.testing.assert_allclose(patch, expected, atol=1e-6)


def test_lengths_in_mm_stay_where_pixels_are_not_square(compute):
    # 12 mm: 12 rows 1 mm apart; turned by a quarter, 6 columns 2 mm apart.
    bar = np.zeros((32, 16, 1), np.float32)
    bar[10:22, 7:9] = 1
    spacing_mm = np.array([1, 2], np.float32)
    turned = warped(compute, bar, CLOCKWISE, (0, 0, 0), (32, 16, 1), spacing_mm)
    assert (turned > 0.5).any(axis=0).sum() == 6
    assert (turned > 0.5).any(axis=1).sum() == 4
    assert turned.sum() == bar.sum()


def test_sizes_grow_by_the_scale(compute):
    disc = np.hypot(*(np.indices((64, 64)) - 31.5)) < 12
    array = disc[..., np.newaxis].astype(np.float32)
    grown = warped(compute, array, rotation(33, 1.5), (0, 0, 0), (64, 64, 1))
    assert grown.sum() == pytest.approx(1.5**2 * disc.sum(), rel=0.02)


def test_labels_stay_on_the_image_and_keep_to_their_values(compute, scan):
    smooth = ndimage.gaussian_filter(scan, (4, 4, 1))
    labels = (9 * (smooth > 0)).astype(np.uint8)
    place = (rotation(31, 1.1), (4, 3, 0), (15, 14, 6))
    turned = warped(compute, labels, *place, interpolation="NEAREST")
    image = warped(compute, labels.astype(np.float32), *place)
    assert set(np.unique(turned)) == {0, 9}
    # Where all four neighbours agree, so must the nearest of them.
    pure = (image < 1e-4) | (image > 9 - 1e-4)
    assert pure.mean() > 0.5
    np.testing.assert_allclose(turned[pure], image[pure], atol=1e-4)


def test_corners_hold_what_the_scan_holds_there(compute):
    array = np.ones((40, 40, 1), np.float32)
    inner = warped(compute, array, rotation(45), (12, 12, 0), (16, 16, 1))
    np.testing.assert_allclose(inner, 1, atol=1e-6)
    whole = warped(compute, array, rotation(45), (0, 0, 0), (40, 40, 1))
    assert whole[0, 0, 0] == whole[-1, 0, 0] == 0  # beyond the scan's edge
    assert whole[20, 20, 0] == pytest.approx(1)


def test_warps_are_drawn_as_stated(draw):
    matrices = draw(lambda seed: warp.sample_warp(seed, 10.0, 0.25))
    degrees = np.rad2deg(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    sizes = 1 / np.sqrt(np.linalg.det(matrices))
    for drawn, limit in [(degrees, 10.0), (np.log(sizes), np.log(1.25))]:
        assert stats.kstest(drawn, stats.uniform(-limit, 2 * limit).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(degrees, sizes)[0, 1]) < 0.2
    for matrix, angle, size in zip(matrices, degrees, sizes, strict=True):
        np.testing.assert_allclose(matrix, rotation(angle, size), atol=1e-6)


def test_without_strength_nothing_is_warped(draw):
    matrices = draw(lambda seed: warp.sample_warp(seed, 0.0, 0.0), 5)
    np.testing.assert_array_equal(matrices, np.broadcast_to(np.eye(2), (5, 2, 2)))


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
def test_pixel_spacing_is_the_volumes(compute, slice_axis):
    volume = Volume(np.zeros((2, 3, 4)), np.diag([0.3, -0.5, 1.5, 1]), slice_axis)
    canonical = volume.canonical()
    spacing_mm = compute(warp.pixel_spacing, canonical.affine)
    np.testing.assert_allclose(spacing_mm, canonical.spacing_mm[:2], rtol=1e-6)
