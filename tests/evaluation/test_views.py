import nibabel as nib
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from deepresolve.evaluation.results import Example
from deepresolve.evaluation.views import (
    box_around,
    central_slice,
    fullest_slice,
    fullest_window,
    interest,
    tci_error,
    view,
)
from deepresolve.imaging.volume import Volume

# Voxels of the three axes are of different size and number, so none can be confused.
SHAPE_RAS = (16, 24, 32)
SPACING_RAS_MM = (2.0, 1.0, 0.5)
WORLD_AXIS = {"sagittal": 0, "coronal": 1, "axial": 2}

# As a radiologist stands before them: top, right, bottom, left.
EDGES = {
    "coronal": ("S", "L", "I", "R"),
    "axial": ("A", "L", "P", "R"),
    "sagittal": ("S", "P", "I", "A"),
}


def scan(axcodes, bright, dtype=np.float32):
    """A scan in any axis order, bright at the RAS voxel `bright`, made by nibabel."""
    array = np.zeros(SHAPE_RAS, dtype)
    array[bright] = 1
    image = nib.Nifti1Image(array, np.diag([*SPACING_RAS_MM, 1.0]))
    transform = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(axcodes)
    )
    image = image.as_reoriented(transform)
    return Volume(np.asanyarray(image.dataobj), image.affine, slice_axis=2)


def example(volume):
    return Example("knee", {"ground_truth": volume}, volume, {"sr": volume})


@pytest.mark.parametrize("axcodes", ["RAS", "PIR", "LPS", "IPL", "AIL", "SLP"])
@pytest.mark.parametrize("plane", EDGES)
@pytest.mark.parametrize("canonical", [False, True])
def test_bright_voxel_lies_towards_the_letters_of_its_place(axcodes, plane, canonical):
    # Near the right, anterior and superior end, yet in the middle of the plane.
    bright = [n - 2 for n in SHAPE_RAS]
    bright[WORLD_AXIS[plane]] = SHAPE_RAS[WORLD_AXIS[plane]] // 2
    volume = scan(axcodes, tuple(bright))
    volume = volume.canonical() if canonical else volume
    index = fullest_slice(volume, plane)
    shown = view(example(volume), plane, index)
    assert shown.edges == EDGES[plane]
    assert shown.slice_number == (index + 1, SHAPE_RAS[WORLD_AXIS[plane]])
    for pixels in (
        shown.images["ground_truth"],
        shown.reference,
        shown.label_maps["sr"],
    ):
        row, column = np.argwhere(pixels)[0]
        rows, columns = pixels.shape
        ends = {
            "top": row,
            "right": columns - 1 - column,
            "bottom": rows - 1 - row,
            "left": column,
        }
        for distance, letter in zip(ends.values(), shown.edges, strict=True):
            if letter in "RAS":
                assert distance == 1


@pytest.mark.parametrize(
    ("plane", "pixel_mm", "size_mm"),
    [
        ("coronal", (0.5, 2.0), (16.0, 32.0)),
        ("axial", (1.0, 2.0), (24.0, 32.0)),
        ("sagittal", (0.5, 1.0), (16.0, 24.0)),
    ],
)
def test_size_is_that_of_the_plane_in_mm(plane, pixel_mm, size_mm):
    shown = view(example(scan("PIR", (8, 12, 16))), plane, 3)
    assert shown.pixel_mm == pytest.approx(pixel_mm)
    assert shown.size_mm == pytest.approx(size_mm)
    cropped = shown.crop((slice(2, 6), slice(1, 4)))
    assert cropped.size_mm == pytest.approx((4 * pixel_mm[0], 3 * pixel_mm[1]))
    for whole, part in (
        (shown.images["ground_truth"], cropped.images["ground_truth"]),
        (shown.reference, cropped.reference),
        (shown.label_maps["sr"], cropped.label_maps["sr"]),
    ):
        np.testing.assert_array_equal(part, whole[2:6, 1:4])


def test_fullest_slice_has_the_largest_sum_where_one_looks():
    weights = np.zeros((32, 24, 16), np.float32)
    weights[0, 0, 1] = 9.0  # far from the middle
    weights[0, 0, 6] = 0.5
    weights[:5, 0, 9] = 0.4
    volume = scan("IPL", (8, 12, 16)).with_array(weights)  # sagittal, right to left
    assert fullest_slice(volume, "sagittal") == 1
    assert fullest_slice(volume, "sagittal", middle_only=True) == 9
    nothing = volume.with_array(np.zeros_like(weights))
    assert fullest_slice(nothing, "sagittal") == 8
    assert fullest_slice(nothing, "sagittal", middle_only=True) == 8


def test_central_slice_is_at_the_centre_of_mass():
    weights = np.zeros((32, 24, 16), np.float32)
    weights[3, 4, 2] = 1.0
    weights[5, 6, 10] = 3.0
    volume = scan("IPL", (8, 12, 16)).with_array(weights)
    assert central_slice(volume, "sagittal") == 8  # (2 + 3 x 10) / 4
    assert central_slice(volume.with_array(0 * weights), "sagittal") == 8


@pytest.mark.parametrize("shape", [(3, 5), (4, 2), (1, 1), (30, 4), (30, 30)])
def test_fullest_window_equals_a_search_of_all(shape):
    rng = np.random.default_rng(0)
    for _ in range(10):
        weights = rng.random((12, 15)) * (rng.random((12, 15)) > 0.95)
        size = tuple(np.minimum(shape, weights.shape))
        best = sliding_window_view(weights, size).sum(axis=(2, 3)).max()
        window = fullest_window(weights, shape)
        assert weights[window].shape == size
        # Moving it to the middle of what it holds loses nothing.
        assert weights[window].sum() >= best - 1e-9


def test_a_window_has_what_it_holds_in_its_middle():
    weights = np.zeros((20, 30))
    weights[10, 12:17] = 1
    assert fullest_window(weights, (5, 9)) == (slice(8, 13), slice(10, 19))
    weights = np.zeros((20, 30))
    weights[0, 29] = 1  # as far as the slice goes
    assert fullest_window(weights, (5, 9)) == (slice(0, 5), slice(21, 30))


def test_box_holds_all_and_a_margin():
    weights = np.zeros((20, 30))
    weights[10, 12] = weights[13, 28] = 1
    # 2 mm are four rows of 0.5 mm and one column of 2 mm.
    box = box_around(weights, (0.5, 2.0), 2.0)
    assert box == (slice(6, 18), slice(11, 30))
    assert box_around(0 * weights, (0.5, 2.0), 2.0) == (slice(0, 20), slice(0, 30))


def test_interest_is_the_tissue_else_the_error_of_tci():
    truth = scan("IPL", (8, 12, 16))
    tci = truth.with_array(truth.array + 2)
    labels = truth.with_array((5 * truth.array).astype(np.uint8))
    images = {"ground_truth": truth, "tci": tci}
    with_labels = interest(Example("knee", images, labels))
    np.testing.assert_array_equal(with_labels.array, truth.array)
    empty = labels.with_array(np.zeros_like(labels.array))
    for reference in (None, empty):
        by_error = interest(Example("knee", images, reference))
        np.testing.assert_array_equal(by_error.array, np.full(truth.shape, 4.0))
    np.testing.assert_array_equal(tci_error(Example("k", images)).array, by_error.array)
    assert not interest(Example("knee", {"ground_truth": truth})).array.any()
