import nibabel as nib
import numpy as np
import pytest

from deepresolve.evaluation.table_1.figures.views import (
    interest,
    tci_error,
    view,
    window,
)
from deepresolve.evaluation.table_1.results import Example
from deepresolve.imaging.volume import Volume
from deepresolve.reports.planes import fullest_slice

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


def test_window_is_that_of_the_ground_truth_alone():
    truth = scan("IPL", (8, 12, 16))
    ramp = np.arange(truth.array.size, dtype=np.float32).reshape(truth.shape)
    images = {"ground_truth": truth.with_array(ramp), "sr": truth.with_array(9 * ramp)}
    shown = view(Example("knee", images), "sagittal", 3)
    expected = np.percentile(ramp[:, :, 3], (0.5, 99.5))
    assert window([shown]) == pytest.approx(expected)
