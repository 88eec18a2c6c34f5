import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deepresolve.imaging.resampling import resample_labels
from deepresolve.imaging.volume import Volume


def affine(spacing_mm, degrees=(0, 0, 0), origin_mm=(0, 0, 0)):
    matrix = np.eye(4)
    rotation = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix[:3, :3] = rotation * np.asarray(spacing_mm)
    matrix[:3, 3] = origin_mm
    return matrix


@pytest.fixture
def labels():
    array = np.random.default_rng(1).integers(0, 6, (12, 10, 8)).astype(np.uint8)
    return Volume(array, affine((0.8, 0.7, 1.5), (10, -20, 30), (-3, 5, 40)))


def blank(shape, matrix):
    return Volume(np.zeros(shape, np.float32), matrix)


def by_simple_itk(labels, grid):
    """ITK's nearest neighbour, on images whose world is LPS."""
    sitk = pytest.importorskip("SimpleITK")

    def image(volume):
        made = sitk.GetImageFromArray(volume.array.transpose(2, 1, 0))  # (k, j, i)
        lps = np.diag([-1, -1, 1, 1]) @ volume.affine
        made.SetSpacing(volume.spacing_mm)
        made.SetOrigin(lps[:3, 3])
        made.SetDirection((lps[:3, :3] / volume.spacing_mm).ravel())
        return made

    resampled = sitk.Resample(
        image(labels), image(grid), sitk.Transform(), sitk.sitkNearestNeighbor, 0
    )
    return sitk.GetArrayFromImage(resampled).transpose(2, 1, 0)


@pytest.mark.parametrize(
    "matrix",
    [
        affine((0.8, 0.7, 0.5), (10, -20, 30), (-3.1, 5.2, 40.1)),  # finer slices
        affine((1.7, 1.3, 2.9), (10, -20, 30), (-2, 4, 41)),  # coarser
        affine((0.9, 1.1, 0.6), (70, 15, -140), (2, 9, 52)),  # turned
        affine((-0.8, 0.7, 1.5), (10, -20, 30), (4.3, 9, 37)),  # mirrored
    ],
)
def test_gives_what_itk_gives(labels, matrix):
    grid = blank((14, 15, 16), matrix)
    expected = by_simple_itk(labels, grid)
    assert 0 < np.count_nonzero(expected) < expected.size
    found = resample_labels(labels, grid)
    np.testing.assert_array_equal(found.array, expected)
    assert found.array.dtype == np.uint8
    np.testing.assert_array_equal(found.affine, grid.affine)


def test_keeps_labels_on_their_own_grid(labels):
    np.testing.assert_array_equal(resample_labels(labels, labels).array, labels.array)


def test_undoes_another_order_of_axes(labels):
    canonical = labels.canonical()
    assert canonical.shape != labels.shape
    back = resample_labels(canonical, labels)
    np.testing.assert_array_equal(back.array, labels.array)
    assert back.to_source is None


def test_a_voxel_reaches_half_its_size_beyond_its_centre():
    labels = Volume(np.full((2, 2, 2), 7, np.uint8), np.eye(4))
    line = blank((5, 1, 1), affine((0.3, 1, 1), origin_mm=(-0.7, 0, 0)))
    # Centres at -0.7, -0.4, -0.1, 0.2, 0.5 mm: the label map begins at -0.5 mm.
    found = resample_labels(labels, line).array.ravel()
    assert found.tolist() == [0, 7, 7, 7, 7]


def test_grids_that_have_nothing_in_common_are_refused(labels):
    far = blank((4, 4, 4), affine((1, 1, 1), origin_mm=(500, 0, 0)))
    with pytest.raises(ValueError, match=r"centre at 502, 2, 2 mm\) have no place"):
        resample_labels(labels, far)
