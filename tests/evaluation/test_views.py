import nibabel as nib
import numpy as np
import pytest

from deepresolve.evaluation.subjects import Example
from deepresolve.evaluation.views import view
from deepresolve.imaging.volume import Volume

# Voxels of the three axes are of different size and number, so none can be confused.
SHAPE_RAS = (16, 24, 32)
SPACING_RAS_MM = (2.0, 1.0, 0.5)

# As a radiologist stands before them: top, right, bottom, left.
EDGES = {
    "coronal": ("S", "L", "I", "R"),
    "axial": ("A", "L", "P", "R"),
    "sagittal": ("S", "P", "I", "A"),
}


def scan(axcodes, bright):
    """A scan in any axis order, bright at the RAS voxel `bright`, made by nibabel."""
    array = np.zeros(SHAPE_RAS, np.float32)
    array[bright] = 1.0
    image = nib.Nifti1Image(array, np.diag([*SPACING_RAS_MM, 1.0]))
    transform = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(axcodes)
    )
    image = image.as_reoriented(transform)
    return Volume(np.asanyarray(image.dataobj), image.affine, slice_axis=2)


def example(volume):
    blank = volume.with_array(np.zeros_like(volume.array))
    return Example("knee", volume, {"sr": blank, "tci": blank, "fourier": blank})


@pytest.mark.parametrize("axcodes", ["RAS", "PIR", "LPS", "IPL", "AIL", "SLP"])
@pytest.mark.parametrize("plane", EDGES)
@pytest.mark.parametrize("canonical", [False, True])
def test_bright_voxel_lies_towards_the_letters_of_its_place(axcodes, plane, canonical):
    # Near the right, anterior and superior end, yet in the middle quarter of the plane.
    world_axis = {"sagittal": 0, "coronal": 1, "axial": 2}[plane]
    bright = [n - 2 for n in SHAPE_RAS]
    bright[world_axis] = SHAPE_RAS[world_axis] // 2
    volume = scan(axcodes, tuple(bright))
    shown = view(example(volume.canonical() if canonical else volume), plane)
    assert shown.edges == EDGES[plane]
    row, column = np.argwhere(shown.images["ground_truth"])[0]
    rows, columns = shown.images["ground_truth"].shape
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
    shown = view(example(scan("PIR", (8, 12, 16))), plane)
    assert shown.pixel_mm == pytest.approx(pixel_mm)
    assert shown.size_mm == pytest.approx(size_mm)


def test_slice_is_where_tci_errs_most_within_the_middle_quarter():
    truth = scan("IPL", (8, 12, 16))  # sagittal slices from right to left
    wrong = np.zeros((32, 24, 16), np.float32)
    wrong[0, 0, 1] = 9.0  # far from the middle: not counted
    wrong[0, 0, 6] = 0.5
    wrong[0, 0, 9] = 2.0
    estimate = truth.with_array(truth.array + wrong)
    shown = view(Example("knee", truth, {"sr": truth, "tci": estimate}), "sagittal")
    assert shown.slice_number == (10, 16)
    assert shown.error("tci").max() == 2.0
    assert shown.error("sr").max() == 0.0
