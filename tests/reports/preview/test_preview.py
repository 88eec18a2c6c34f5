import dataclasses

import nibabel as nib
import numpy as np
import pytest

from deepresolve.reports.preview import (
    PLANES,
    ImagePreview,
    LabelMapPreview,
    in_words,
    printable,
    slice_in_words,
)


@pytest.mark.parametrize("plane", PLANES)
def test_result_is_shown_as_its_plane(super_resolved, thin, plane):
    expected = thin.in_plane(plane)
    for index in (0, 2, expected.num_slices - 1):
        pair = super_resolved.pair(plane, index)
        np.testing.assert_array_equal(pair.after, expected.array[:, :, index])
        assert pair.pixel_mm == expected.spacing_mm[:2]
        assert pair.size_mm == pytest.approx(
            np.multiply(pair.after.shape, pair.pixel_mm)
        )
        assert pair.labels is None


@pytest.mark.parametrize("plane", PLANES)
def test_scan_is_shown_on_the_results_grid(super_resolved, thick, plane):
    """As after repeating each thick slice where it is the nearest: 0 0 1 1 1 2 .. 4."""
    repeated = np.repeat(thick.array, 3, axis=2)[:, :, 1:-1]
    affine = thick.affine @ np.diag([1, 1, 1 / 3, 1])
    grid = dataclasses.replace(thick, array=repeated, affine=affine).in_plane(plane)
    for index in range(grid.num_slices):
        before = super_resolved.pair(plane, index).before
        np.testing.assert_array_equal(before, grid.array[:, :, index])


def test_acquired_slices_are_marked_where_they_cross(super_resolved, segmented):
    marked = {p: super_resolved.pair(p, 3).acquired for p in PLANES}
    assert marked["sagittal"] is None  # the acquired plane
    for plane in ("coronal", "axial"):
        side, indices = marked[plane]
        assert side == "columns"
        assert indices.tolist() == [0, 3, 6, 9, 12]
    assert all(segmented.pair(p, 3).acquired is None for p in PLANES)


@pytest.fixture
def faces_kept(thick):
    """5 slices of 3 mm in 12 of 1.2 mm from one outer face; 0.6 mm before the other."""
    return thick.resliced(np.zeros((20, 24, 12)), step=0.4, first=-0.3)


def test_slices_of_any_distance_show_the_nearest_acquired_one(thick, faces_kept):
    preview = ImagePreview(thick, faces_kept, "a.nii", "b.nii")
    assert preview.title == "Computed super-resolution x2.5"
    # Shown from right to left, from the last one, 4.1: at -0.1, 0.3, ..., 4.3. Halfway
    # between two (1.5, 3.5) stands the later one.
    assert preview.acquired_slices.tolist() == [0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4]
    away = [0.1, 0.3, 0.3, 0.1, 0.5, 0.1, 0.3, 0.3, 0.1, 0.5, 0.1, 0.3]
    np.testing.assert_allclose(preview.away_mm, 3 * np.array(away), atol=1e-9)
    assert preview.first_shown["sagittal"] == 5  # at 1.9; the middle shows slice 2
    words = slice_in_words(preview, "sagittal", 5)
    assert words == "6 of 12, nearest to where slice 3 of 5 was acquired"
    before = preview.pair("sagittal", 11).before
    np.testing.assert_array_equal(before, thick.in_plane("sagittal").array[:, :, 4])


@pytest.mark.parametrize("plane", ["coronal", "axial"])
def test_marks_lie_where_the_patient_was_acquired(thick, faces_kept, plane):
    """Also where a plane's columns run against the slices: by world coordinates."""
    preview = ImagePreview(thick, faces_kept, "a.nii", "b.nii")
    side, places = preview.acquired(plane)
    assert side == "columns"
    shown = faces_kept.in_plane(plane)
    at = nib.affines.apply_affine(shown.affine, [(0, place, 0) for place in places])
    expected = nib.affines.apply_affine(thick.affine, [(0, 0, n) for n in range(5)])
    lateral_mm, expected_mm = at[:, 0], expected[:, 0]
    np.testing.assert_allclose(sorted(lateral_mm), sorted(expected_mm), atol=1e-9)
    assert (np.diff(places) > 0).all()


def test_acquired_slices_outside_the_result_are_not_marked(thick, faces_kept):
    part = faces_kept.crop((slice(None), slice(None), slice(3, 12)))
    _, places = ImagePreview(thick, part, "a.nii", "b.nii").acquired("axial")
    assert len(places) == 4  # the first one lies before the result
    assert places.min() >= -0.5
    assert places.max() <= 8.5


def test_begins_with_an_acquired_slice_or_with_most_tissue(super_resolved, segmented):
    assert super_resolved.first_shown["sagittal"] % 3 == 0
    assert super_resolved.first_shown["coronal"] == 10  # of 20
    # Both boxes are in slices 5 to 7 from the left (7 to 5 from the right) and in rows
    # 6 to 9 from the top, 17 to 14 from the bottom; the larger one lies at 4 to 9.
    assert segmented.first_shown["sagittal"] in (5, 6, 7)
    assert segmented.first_shown["axial"] in range(14, 18)
    assert segmented.first_shown["coronal"] in range(4, 10)


def test_labels_are_those_of_the_result(segmented, thin, label_map):
    pair = segmented.pair("axial", 16)
    expected = label_map.in_plane("axial").array[:, :, 16]
    np.testing.assert_array_equal(pair.labels, expected)
    assert set(np.unique(expected)) == {0, 1, 2}
    np.testing.assert_array_equal(pair.before, thin.in_plane("axial").array[:, :, 16])
    assert pair.after is pair.before
    voxel_mm3 = 0.5 * 0.75 * 1.0
    expected_mm3 = [6 * 10 * 5 * voxel_mm3, 3 * 4 * 4 * voxel_mm3]
    assert [mm3 for _, mm3 in segmented.classes] == pytest.approx(expected_mm3)


def test_words(super_resolved, segmented, thick):
    assert in_words(thick) == "5 sagittal slices, one every 3 mm"
    gaps = dataclasses.replace(thick, slice_thickness_mm=2.5)
    assert in_words(gaps).endswith("one every 3 mm, each 2.5 mm thick")
    words = slice_in_words(super_resolved, "sagittal", 6)
    assert words == "7 of 13, where slice 3 of 5 was acquired"
    words = slice_in_words(super_resolved, "sagittal", 5)
    assert words == "6 of 13, nearest to where slice 3 of 5 was acquired"
    assert slice_in_words(super_resolved, "axial", 6) == "7 of 24"
    assert slice_in_words(segmented, "sagittal", 6) == "7 of 13"


def test_names_fit_on_one_line():
    assert printable("knee 1.nii.gz") == "knee 1.nii.gz"
    assert printable("a\nb\x1b\udcff") == "a\ufffdb\ufffd\ufffd"
    long = printable(f"patient-{'x' * 300}-visit.nii")
    assert long.startswith("patient-") and long.endswith("-visit.nii")
    assert len(long) < 75


def test_other_grids_are_refused(thick, thin, label_map):
    with pytest.raises(ValueError, match="thin cannot be shown beside thick"):
        ImagePreview(
            thick, thin.with_array(thin.array).crop([slice(0, 9)] * 3), "thick", "thin"
        )
    with pytest.raises(ValueError, match="cannot be shown"):
        LabelMapPreview(thick, label_map, "thick", "thin", ("cartilage", "menisci"))
