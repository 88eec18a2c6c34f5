import math

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import distance

from deepresolve.metrics import surface

SPACING_MM = (0.3646, 0.3646, 0.7)
FUNCTIONS = [surface.assd, surface.hd95]


def measure(function, reference, estimate, spacing_mm=SPACING_MM):
    return function(reference, estimate, spacing_mm=spacing_mm)


def mask(*voxels, shape=(6, 7, 8)):
    array = np.zeros(shape, bool)
    for voxel in voxels:
        array[voxel] = True
    return array


def blobs(seed, shape=(20, 17, 14)):
    """A few smooth random blobs, some of them cut by the image's border."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    return ndimage.gaussian_filter(noise, 1.5) > 0.08


@pytest.mark.parametrize("function", FUNCTIONS)
def test_two_voxels_are_as_far_apart_as_their_centres(function):
    a, b = mask((1, 2, 3)), mask((2, 5, 1))
    expected = math.hypot(1 * 0.3646, 3 * 0.3646, 2 * 0.7)
    assert measure(function, a, b) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("axis", range(3))
def test_two_parallel_plates_are_as_far_apart_as_their_planes(function, axis):
    a, b = (np.zeros((6, 7, 8), bool) for _ in range(2))
    np.moveaxis(a, axis, 0)[1] = True
    np.moveaxis(b, axis, 0)[4] = True
    expected = 3 * SPACING_MM[axis]
    assert measure(function, a, b) == pytest.approx(expected, abs=1e-12)


def test_beyond_the_border_is_outside():
    """The surface of a mask that fills its image is the image's outermost layer."""
    full, centre = np.ones((3, 3, 3), bool), mask((1, 1, 1), shape=(3, 3, 3))
    # From 6 faces, 12 edges and 8 corners to the centre, and from there to a face.
    expected = (6 * 1 + 12 * 2**0.5 + 8 * 3**0.5 + 1) / 27
    assert measure(surface.assd, full, centre, (1, 1, 1)) == pytest.approx(expected)


def test_voxels_touching_the_outside_at_a_corner_only_are_no_surface():
    full = np.ones((3, 3, 3), bool)
    notched = full.copy()
    notched[0, 0, 0] = False  # the centre voxel touches it at a corner
    # One surface is 26 voxels, the other the 25 left of them; the lost one is 1 away.
    expected = 1 / (26 + 25)
    assert measure(surface.assd, full, notched, (1, 1, 1)) == pytest.approx(expected)


@pytest.fixture
def plate_and_islet():
    """A plate of 100 voxels, and the same with an islet of 10 voxels, 8 mm above it."""
    plate = np.zeros((10, 10, 12), bool)
    plate[..., 0] = True
    islet = plate.copy()
    islet[4, :, 8] = True
    return plate, islet


def test_average_is_over_the_voxels_of_both_surfaces(plate_and_islet):
    """Not the mean of the two directions' means, which would be 80 / 110 / 2."""
    for pair in (plate_and_islet, plate_and_islet[::-1]):
        assert measure(surface.assd, *pair, (1, 1, 1)) == pytest.approx(80 / 210)


def test_hausdorff_is_the_larger_of_the_two_directions(plate_and_islet):
    """Ten of 110 distances one way are 8: above 5%; of all 210 they are below it."""
    for pair in (plate_and_islet, plate_and_islet[::-1]):
        assert measure(surface.hd95, *pair, (1, 1, 1)) == pytest.approx(8)


def test_hausdorff_leaves_out_the_farthest_twentieth(plate_and_islet):
    plate, islet = plate_and_islet
    islet[4, 4:, 8] = False  # 4 of 104
    assert measure(surface.hd95, plate, islet, (1, 1, 1)) == 0
    assert measure(surface.assd, plate, islet, (1, 1, 1)) == pytest.approx(32 / 204)


def surface_by_its_definition(array):
    """Voxels with a face towards the outside, by looking at each neighbour."""
    padded = np.pad(array, 1)
    return [
        voxel
        for voxel in np.argwhere(padded)
        if not all(
            padded[tuple(voxel + step)]
            for step in np.vstack([np.eye(3, dtype=int), -np.eye(3, dtype=int)])
        )
    ]


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_definition_over_all_pairs_of_surface_voxels(seed):
    a, b = blobs(seed), blobs(seed + 10)
    points = [np.array(surface_by_its_definition(m)) * SPACING_MM for m in (a, b)]
    pairs = distance.cdist(*points)
    there, back = pairs.min(axis=1), pairs.min(axis=0)
    assert measure(surface.assd, a, b) == pytest.approx(
        np.mean(np.r_[there, back]), abs=1e-12
    )
    assert measure(surface.hd95, a, b) == pytest.approx(
        max(np.percentile(there, 95), np.percentile(back, 95)), abs=1e-12
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_does_not_depend_on_the_order_of_axes_or_masks(function):
    a, b = blobs(1), blobs(2)
    expected = measure(function, a, b)
    assert measure(function, b, a) == pytest.approx(expected, abs=1e-12)
    turned = measure(
        function, a.transpose(2, 0, 1), b.transpose(2, 0, 1), (0.7, 0.3646, 0.3646)
    )
    assert turned == pytest.approx(expected, abs=1e-12)
    mirrored = measure(function, a[..., ::-1], b[..., ::-1])
    assert mirrored == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_stated_answers(function):
    some, empty = blobs(0), np.zeros((20, 17, 14), bool)
    assert measure(function, some, some.copy()) == 0
    assert measure(function, empty, empty) == 0
    assert measure(function, some, empty) == math.inf
    assert measure(function, empty, some) == math.inf


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("reference", "estimate", "spacing_mm", "message"),
    [
        (blobs(0), blobs(0).astype(np.uint8), SPACING_MM, "boolean"),
        (blobs(0), blobs(0)[:-1], SPACING_MM, "one shape"),
        (blobs(0), blobs(0), (1.0, 1.0), "each of the 3 axes"),
        (blobs(0), blobs(0), 1.0, "each of the 3 axes"),
        (blobs(0), blobs(0), (1.0, 1.0, 0.0), "above 0"),
        (blobs(0), blobs(0), (1.0, 1.0, math.nan), "above 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    function, reference, estimate, spacing_mm, message
):
    with pytest.raises(ValueError, match=message):
        measure(function, reference, estimate, spacing_mm)


def to_grid_distance(distances):
    """Takes each to the nearest of the distances that the grid has.

    ITK computes in float32 and is off by up to 1e-5 mm where the image is 60 mm wide;
    the grid's own distances, here up to 13 mm, lie much further apart.
    """
    i, j, k = np.ogrid[:36, :36, :19]
    possible = np.unique(np.sqrt((i**2 + j**2) * 0.3646**2 + k**2 * 0.7**2).round(12))
    above = np.searchsorted(possible, distances).clip(1, len(possible) - 1)
    low, high = possible[above - 1], possible[above]
    nearest = np.where(distances - low < high - distances, low, high)
    np.testing.assert_allclose(nearest, distances, rtol=0, atol=1e-5)
    return nearest


def simple_itk_distances(reference, estimate):
    """Surface distances in mm, there and back, by ITK's contour and Maurer filters."""
    sitk = pytest.importorskip("SimpleITK")

    def contour(array):
        # ITK sees no outside beyond the border: one voxel of it is added.
        image = sitk.GetImageFromArray(np.pad(array, 1).astype(np.uint8))
        image.SetSpacing(SPACING_MM[::-1])  # ITK counts axes from the last one
        return sitk.BinaryContour(image, fullyConnected=False)

    def distances(surface_from, surface_to):
        everywhere = sitk.SignedMaurerDistanceMap(
            surface_to, squaredDistance=False, useImageSpacing=True
        )
        on_surface = sitk.GetArrayViewFromImage(surface_from) > 0
        return to_grid_distance(sitk.GetArrayFromImage(everywhere)[on_surface])

    contours = [contour(array) for array in (reference, estimate)]
    return distances(*contours), distances(*contours[::-1])


def assert_equals_simple_itk(reference, estimate):
    there, back = simple_itk_distances(reference, estimate)
    assert measure(surface.assd, reference, estimate) == pytest.approx(
        np.concatenate([there, back]).mean(), abs=1e-6
    )
    assert measure(surface.hd95, reference, estimate) == pytest.approx(
        max(np.percentile(there, 95), np.percentile(back, 95)), abs=1e-6
    )


@pytest.mark.parametrize("seed", range(3))
def test_random_blobs_measure_as_in_simple_itk(seed):
    assert_equals_simple_itk(blobs(seed), blobs(seed + 20))


@pytest.fixture(scope="module")
def real_labels(real_scans):
    return np.asarray(nib.load(real_scans / "knee_dess_labels.nii.gz").dataobj)


def drop_slices(array):
    """Two slices of three are lost, as if one slice had been segmented in three."""
    kept = np.zeros_like(array)
    kept[..., ::3] = array[..., ::3]
    return kept


@pytest.mark.parametrize("label", [1, 4, 9])  # femoral, patellar cartilage, meniscus
@pytest.mark.parametrize(
    "perturb",
    [
        lambda m: np.roll(m, (2, -1, 0), axis=(0, 1, 2)),
        lambda m: np.roll(m, (0, 0, 2), axis=(0, 1, 2)),
        ndimage.binary_erosion,
        ndimage.binary_dilation,
        drop_slices,
        lambda m: drop_slices(np.roll(ndimage.binary_erosion(m), 5, axis=0)),
    ],
    ids=["in-plane", "across", "eroded", "dilated", "dropped", "all"],
)
def test_perturbed_real_tissues_measure_as_in_simple_itk(real_labels, label, perturb):
    tissue = real_labels == label
    (box,) = ndimage.find_objects(tissue.astype(np.uint8))
    tissue = np.pad(tissue[box], 6)
    assert_equals_simple_itk(tissue, perturb(tissue))
