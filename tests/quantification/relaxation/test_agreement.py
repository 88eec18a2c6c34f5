"""A label map that was moved is told by how far, and a right one never."""

import dataclasses
import re

import numpy as np
import pytest
from scipy import ndimage

from deepresolve.imaging.volume import Volume
from deepresolve.quantification.relaxation import agreement

NAMES = {1: "femoral cartilage", 5: "femur", 9: "something else"}
SPACING_MM = np.array([0.9, 0.9, 3.0])


@pytest.fixture(scope="module")
def pair():
    """A bone, longer than wide and askew, under cartilage, in slices of 3 mm."""
    shape = (96, 96, 26)
    affine = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
    affine = affine @ np.diag([*SPACING_MM, 1])
    # (i, j, k): to the back, down, to the right.
    at = (np.moveaxis(np.indices(shape), 0, -1) - np.divide(shape, 2)) * SPACING_MM
    back, down, right = np.moveaxis(at, -1, 0)
    radius = np.sqrt(((back - 0.4 * down) / 15) ** 2 + (down / 27) ** 2)
    radius = np.hypot(radius, (right + 0.2 * back) / 24)
    label = np.where(radius < 1, 5, np.where(radius < 1.15, 1, 0))
    label[:8, :8] = 9  # of which no edge is looked at
    levels = np.choose(label % 8, [400, 250, 0, 0, 0, 700, 0, 0])
    random = np.random.default_rng(3)
    shading = np.exp(back / 90)
    array = ndimage.gaussian_filter(levels * shading, (0.7, 0.7, 0))
    array = np.abs(array + random.normal(0, 25, shape)).astype(np.float32)
    return Volume(array, affine), Volume(label.astype(np.uint8), affine)


def moved(label, mm):
    affine = label.affine.copy()
    affine[:3, 3] += mm
    return dataclasses.replace(label, affine=affine)


def test_a_right_label_map_agrees(pair):
    scan, label = pair
    assert agreement.notes(scan, label, NAMES) == ()
    found = agreement.of_edges(scan, label, {1, 5})
    assert found.here == found.best > 2 * found.anywhere
    # Of the scan's steps, made coarser: front and up 1.8 mm, to the side 3.
    np.testing.assert_allclose(found.steps_mm, (3.0, 1.8, 1.8))
    # Also dark on bright, on its own grid, or with fewer labels.
    dark = scan.with_array(scan.array.max() - scan.array)
    assert agreement.notes(dark, label.in_plane("axial"), NAMES) == ()
    assert agreement.notes(scan, label, {5: "femur"}) == ()


@pytest.mark.parametrize(
    ("mm", "told"),
    [
        ((15, 0, 0), "15 mm to the left"),
        ((-9, 0, 0), "9 mm to the right"),
        ((0, 14.4, 0), "1[3-6] mm to the back"),
        ((0, 0, -14.4), "1[3-6] mm up"),
        ((6, -9, 0), "6 mm to the left and [789] mm to the front"),
    ],
)
def test_a_label_map_that_was_moved_is_told(pair, mm, told):
    scan, label = pair
    found = agreement.of_edges(scan, moved(label, mm), {1, 5})
    np.testing.assert_allclose(found.moved_mm, np.negative(mm), atol=1.81)
    (note,) = agreement.notes(scan, moved(label, mm), NAMES)
    assert re.search(f"moved by {told} its edges agree better", note)
    assert f"({found.best:.2f} there, {found.here:.2f} as it lies" in note


@pytest.mark.parametrize("mm", [(3, 0, 0), (0, 2, 0), (0, 0, -2)])
def test_a_label_map_within_a_step_is_not_told(pair, mm):
    scan, label = pair
    assert agreement.notes(scan, moved(label, mm), NAMES) == ()


def test_another_bone_is_told(pair):
    """Of the same size in the same place, but lying across."""
    scan, label = pair
    other = label.with_array(label.array.transpose(1, 0, 2)[::-1])
    (note,) = agreement.notes(scan, other, NAMES)
    assert "Edges of the label map agree little" in note


def test_without_an_edge_nothing_can_be_told(pair):
    scan, label = pair
    with pytest.raises(agreement.NoEdgeError, match="No edge of the label map"):
        agreement.of_edges(scan, label, {7})
    # That is a doubt, and no more.
    (note,) = agreement.notes(scan, label, {7: "femur"})
    assert "is not known. No edge of the label map lies within the scan" in note
    (note,) = agreement.notes(scan.with_array(np.zeros(scan.shape)), label, NAMES)
    assert "is not known. The scan has no edge" in note


@pytest.mark.parametrize(("num_slices", "mm"), [(2, 1.0), (2, 0.5), (3, 0.5), (3, 1.0)])
def test_a_few_thin_slices_can_be_compared(pair, num_slices, mm):
    scan, label = pair
    affine = scan.affine @ np.diag([1, 1, mm / SPACING_MM[2], 1])
    affine[:3, 3] = scan.affine[:3, :3] @ (0, 0, 13)
    middle = slice(13, 13 + num_slices)
    few, few_labels = (
        dataclasses.replace(volume, array=volume.array[..., middle], affine=affine)
        for volume in (scan, label)
    )
    found = agreement.of_edges(few, few_labels, {1, 5})
    # As large as a voxel of two at least can be: to the right, front and up.
    np.testing.assert_allclose(found.steps_mm, (mm, 1.8, 1.8))
    assert found.here > 2 * found.anywhere
    assert agreement.notes(few, few_labels, NAMES) == ()
