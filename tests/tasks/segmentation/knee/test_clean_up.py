"""Which pieces of a label map stay."""

import numpy as np
import pytest
from scipy import ndimage

from deepresolve.imaging import regridding
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.inference.components import pieces
from deepresolve.simulation import phantom
from deepresolve.tasks.segmentation.knee.clean_up import keep_pieces

_TIBIAL = [number for number, name in phantom.LABEL_NAMES.items() if "tibial" in name]
# No parts of a knee: their size alone counts.
_ANY = ("one", "two", "three", "four", "five")
_KNEE = ("femoral cartilage", "medial tibial cartilage", "lateral tibial cartilage")
_KNEE += ("femur", "tibia")


def kept(array, share, names=_ANY, spacing_mm=(1.0, 1.0, 1.0)):
    volume = Volume(array, affine_along_axes("IPL", spacing_mm))
    found = keep_pieces(volume, names, list(pieces(volume)), share)
    np.testing.assert_array_equal(found.affine, volume.affine)
    return found.array


def test_largest_component_of_each_class_stays():
    plane = np.array(
        [
            [1, 1, 0, 0, 2],
            [1, 0, 0, 0, 2],
            [0, 0, 2, 0, 0],
            [1, 1, 0, 0, 4],
        ],
        np.uint8,
    )
    expected = np.array(
        [
            [1, 1, 0, 0, 2],
            [1, 0, 0, 0, 2],
            [0, 0, 0, 0, 0],
            [0, 0, 0, 0, 4],
        ],
        np.uint8,
    )
    found = kept(plane[..., np.newaxis], 1.0)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[..., 0], expected)


def test_voxels_that_share_a_corner_are_connected():
    diagonal = np.zeros((3, 3, 3), np.uint8)
    diagonal[range(3), range(3), range(3)] = 5
    np.testing.assert_array_equal(kept(diagonal, 1.0), diagonal)


def test_classes_that_touch_stay_apart():
    row = np.array([1, 2, 2, 1, 1, 2], np.uint8).reshape(1, 1, 6)
    np.testing.assert_array_equal(kept(row, 1.0)[0, 0], [0, 2, 2, 1, 1, 0])


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (1.0, [1, 1, 1, 1, 0, 0, 0, 0, 0]),
        (0.5, [1, 1, 1, 1, 0, 1, 1, 0, 0]),
        (0.25, [1, 1, 1, 1, 0, 1, 1, 0, 1]),
    ],
)
def test_pieces_stay_that_are_large_beside_the_largest(share, expected):
    row = np.array([1, 1, 1, 1, 0, 1, 1, 0, 1], np.uint8).reshape(9, 1, 1)
    before = row.copy()
    np.testing.assert_array_equal(kept(row, share)[:, 0, 0], expected)
    np.testing.assert_array_equal(row, before)


def test_equally_large_ones_stay():
    row = np.array([1, 0, 1], np.uint8).reshape(3, 1, 1)
    np.testing.assert_array_equal(kept(row, 1.0), row)


@pytest.fixture(scope="module")
def drawn():
    return phantom.labelled(
        seed=901, shape=(96, 96, 60), spacing_mm=(1.2, 1.2, 1.5)
    ).label


def test_both_tibial_plateaus_stay(drawn):
    """Of a whole knee; the largest piece alone is one of them."""
    tibial = np.isin(drawn.array, _TIBIAL).astype(np.uint8)
    strayed = tibial.copy()
    strayed[2:4, 2:4, 2:4] = 1
    assert not tibial[2:4, 2:4, 2:4].any()
    numbers, _ = ndimage.label(tibial, np.ones((3, 3, 3)))
    *others, second, first = np.sort(np.bincount(numbers.ravel())[1:])
    assert second > 0.5 * first and sum(others) < 0.01 * first
    found = kept(strayed, 0.1)
    assert found.sum() == first + second and not found[2:4, 2:4, 2:4].any()
    assert kept(strayed, 1.0).sum() == first


def cleaned(volume, share=0.1):
    return keep_pieces(volume, _KNEE, list(pieces(volume)), share)


@pytest.fixture(scope="module")
def knee(drawn):
    """The classes of `_KNEE` of a synthetic one."""
    table = np.zeros(256, np.uint8)
    for number, name in phantom.LABEL_NAMES.items():
        table[number] = _KNEE.index(name) + 1 if name in _KNEE else 0
    label = drawn.canonical()
    return label.with_array(table[label.array])


def test_a_whole_knee_keeps_all_that_is_large(knee):
    found = cleaned(knee)
    for value in range(1, 6):
        mask = knee.array == value
        assert (found.array == value).sum() > 0.98 * mask.sum()


def test_what_is_not_on_its_bone_goes_however_large(knee):
    strayed = knee.array.copy()
    free = np.zeros_like(strayed, bool)
    free[4:24, 4:12, 4:48] = True  # larger than the femoral cartilage
    assert not strayed[free].any()
    strayed[free] = 1
    assert free.sum() > (knee.array == 1).sum()
    found = cleaned(knee.with_array(strayed)).array
    assert not (found[free] == 1).any()
    np.testing.assert_array_equal(found, cleaned(knee).array)
    # Without a bone nothing says where it belongs.
    boneless = np.where(strayed > 3, 0, strayed)
    found = cleaned(knee.with_array(boneless)).array
    assert (found[free] == 1).all()


def test_a_bone_is_one_piece_that_which_carries_its_cartilage(knee):
    strayed = knee.array.copy()
    air = np.zeros_like(strayed, bool)
    air[:, 80:, :] = strayed[:, 80:, :] == 0
    strayed[air] = 4
    femur = knee.array == 4
    assert air.sum() > femur.sum()
    # The stray one touches neither femur nor its cartilage.
    assert not (ndimage.binary_dilation(air, iterations=3) & femur).any()
    found = cleaned(knee.with_array(strayed)).array
    assert not (found[air] == 4).any()
    assert (found == 4).sum() > 0.98 * femur.sum()
    assert (found == 1).sum() > 0.98 * (knee.array == 1).sum()


@pytest.mark.parametrize("mirrored", [False, True])
def test_what_is_on_the_other_side_goes(knee, mirrored):
    array = np.flip(knee.array, 2).copy() if mirrored else knee.array.copy()
    lateral = np.argwhere(array == 3)
    medial_first = np.argwhere(array == 2)[:, 2].mean() < lateral[:, 2].mean()
    outermost = lateral[:, 2].max() if medial_first else lateral[:, 2].min()
    end = lateral[lateral[:, 2] == outermost]
    i, j, k = end[len(end) // 2]
    array[i : i + 3, j - 8 : j + 8, k - 1 : k + 2] = 2
    volume = knee.with_array(array)
    found = cleaned(volume, 0.0).array
    assert not (found[i : i + 3, j - 8 : j + 8, k - 1 : k + 2] == 2).any()
    assert (found == 2).sum() > 0.95 * (knee.array == 2).sum()


@pytest.fixture(scope="module")
def fine():
    return phantom.labelled(
        seed=5, shape=(200, 200, 130), spacing_mm=(0.7, 0.7, 0.9)
    ).label


@pytest.mark.parametrize("plane", ["sagittal", "coronal", "axial"])
def test_thick_slices_keep_what_a_whole_knee_has(fine, plane):
    """Where a bone is cut in two by its slices both halves stay, and curved plates."""
    label = fine.in_plane(plane)
    rows, columns, _ = label.shape
    slices = regridding.num_voxels(label.num_slices, label.slice_spacing_mm, 4.0)
    array = regridding.resample_labels(label.array, (rows, columns, slices))
    thick = label.resampled(array)
    names = tuple(phantom.LABEL_NAMES.values())
    found = keep_pieces(thick, names, list(pieces(thick)), 0.1)
    for value in range(1, 1 + len(names)):
        assert (found.array == value).sum() > 0.98 * (array == value).sum(), names[
            value - 1
        ]


def test_holes_of_bones_are_filled_and_those_of_cartilage_are_not():
    array = np.zeros((30, 30, 9), np.uint8)
    array[4:16, 4:26, 1:8], array[16:20, 4:26, 1:8] = 4, 1
    whole = array.copy()
    array[8:12, 8:12, 3:6] = 0  # enclosed
    array[5:8, 20:24, 1:3] = 0  # open to one side
    array[17:19, 14:16, 3:6] = 0  # of the cartilage
    array[13:15, 20:22, 4] = 5  # another bone
    found = kept(array, 0.1, _KNEE)
    assert (found[8:12, 8:12, 3:6] == 4).all()
    assert not found[5:8, 20:24, 1:3].any() and not found[17:19, 14:16, 3:6].any()
    assert (found[13:15, 20:22, 4] == 5).all()
    assert ((found == whole) | (array != whole)).all()


def test_both_condyles_stay_that_a_few_slices_show():
    array = np.zeros((30, 40, 2), np.uint8)
    for columns in (slice(4, 16), slice(22, 30)):
        array[5:15, columns], array[15:17, columns] = 4, 1
    before = array.copy()
    array[25:29, 33:39] = 4  # without cartilage
    np.testing.assert_array_equal(kept(array, 0.1, _KNEE), before)


def test_empty_map_stays_empty():
    assert not kept(np.zeros((2, 3, 4), np.uint8), 0.5).any()
