"""Where a network looked, over its scan, in any orientation."""

import itertools

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from deepresolve.reports.preview import PLANES
from deepresolve.reports.preview.graded import GradePreview

PLACE_MM = np.array([6.0, -9.0, 12.0])


def scan_of(axcodes):
    """A scan in given axes around one origin, slices along its last axis."""
    shape = (14, 16, 6)
    spacing = np.diag([4.0, 3.5, 9.0, 1])
    turn = nib.orientations.inv_ornt_aff(
        nib.orientations.axcodes2ornt(axcodes), (1, 1, 1)
    )
    affine = np.linalg.inv(turn) @ spacing
    affine[:3, 3] = -affine[:3, :3] @ (np.subtract(shape, 1) / 2)
    return Volume(np.random.default_rng(0).random(shape, np.float32), affine)


ORIENTATIONS = [
    "".join(letters)
    for pairs in itertools.permutations(("RL", "AP", "SI"))
    for letters in itertools.product(*pairs)
]


@pytest.mark.parametrize("axcodes", ORIENTATIONS)
def test_it_begins_where_the_patient_was_looked_at(axcodes, looked):
    """All planes cross at the place in world millimetres, whatever the file's axes."""
    scan = scan_of(axcodes)
    place = np.rint(np.linalg.inv(scan.affine) @ [*PLACE_MM, 1])[:3].astype(int)
    told = looked(scan, "acl", tuple(place), 0.75)
    preview = GradePreview(scan, "a.nii", "a", [told])
    expected = (scan.affine @ [*place, 1])[:3]
    for axis, plane in enumerate(("sagittal", "coronal", "axial")):
        shown = scan.in_plane(plane)
        index = preview.first_shown[plane]
        at = shown.affine @ [0, 0, index, 1]
        assert at[axis] == pytest.approx(expected[axis])
        pair = preview.pair(plane, index)
        heat = told.look().in_plane(plane).array[:, :, index]
        np.testing.assert_array_equal(pair.heat, np.where(heat == 1, 255, 64))
        assert pair.heat.max() == 255
        np.testing.assert_array_equal(pair.after, shown.array[:, :, index])
    acquired = scan.canonical().plane
    captions = preview.captions(acquired)
    assert captions[preview.first_shown[acquired]] == f"slice {place[2]} in the tables"
    assert sorted(captions) == [f"slice {n} in the tables" for n in range(6)]
    scores = preview.of_slices(0)
    assert np.argmax(scores) == preview.first_shown[acquired]
    assert all(preview.captions(p) is None for p in PLANES if p != acquired)


def test_the_most_probable_answer_comes_first(graded):
    assert graded.chosen == 1
    assert graded.first_shown == graded.starts(1) != graded.starts(0)
    # Slices run from left to right, and are shown from the right: 3 is the second.
    assert graded.first_shown["sagittal"] == 1
    assert graded.starts(0)["sagittal"] == 3
    assert (
        graded.figure_output == "meniscus above 0: 0.75 (meniscus: grade 1 of 0 to 1)"
    )
    assert graded.is_on_scan


def test_of_many_places_alike_it_begins_in_their_middle(thick, looked):
    told = looked(thick, "acl", (4, 6, 1), 0.25)
    # With the one at (4, 6) their mean is at row 4, column 11.8.
    told.look().array[2:7, 10:15, 1] = 1
    preview = GradePreview(thick, "a.nii", "a", [told])
    expected = thick.affine @ [4, 12, 1, 1]
    for axis, plane in enumerate(("sagittal", "coronal", "axial")):
        at = thick.in_plane(plane).affine @ [0, 0, preview.first_shown[plane], 1]
        assert at[axis] == pytest.approx(expected[axis])
