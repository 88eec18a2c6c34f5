import dataclasses
import itertools

import nibabel as nib
import numpy as np
import pytest
from nibabel import orientations

from deepresolve.imaging import volume as volumes

SHAPE = (3, 4, 5)
# Spacing by the length of an axis, so that it moves with the axis.
SPACING_MM = (0.5, 0.75, 2.5)
AXIS_CODES = [
    "".join(letters)
    for axes in itertools.permutations(("LR", "PA", "IS"))
    for letters in itertools.product(*axes)
]


def _rotation(degrees_x, degrees_y, degrees_z):
    """Rotation about x, then y, then z, from the textbook matrices."""
    a, b, c = np.deg2rad([degrees_x, degrees_y, degrees_z])
    about_x = [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]
    about_y = [[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]]
    about_z = [[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]]
    return np.array(about_z) @ np.array(about_y) @ np.array(about_x)


def _volume(codes, *, oblique=True, slice_axis=2):
    """A volume whose axes grow towards `codes`, turned off them where oblique."""
    direction = np.zeros((3, 3))
    for axis, letter in enumerate(codes):
        world = next(n for n, pair in enumerate(("LR", "PA", "IS")) if letter in pair)
        direction[world, axis] = 1.0 if letter in "RAS" else -1.0
    affine = np.eye(4)
    rotation = _rotation(12, -9, 15) if oblique else np.eye(3)
    affine[:3, :3] = rotation @ direction * SPACING_MM
    affine[:3, 3] = (-31.0, 17.5, 102.25)
    array = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    return volumes.Volume(array, affine, slice_axis, 2.0)


def _world_by_value(volume):
    """World position of each voxel, ordered by the voxel's (unique) value."""
    indices = np.argwhere(np.ones(volume.shape, dtype=bool))
    order = np.argsort(volume.array[tuple(indices.T)])
    return nib.affines.apply_affine(volume.affine, indices[order])


def test_there_are_48_axis_codes():
    assert len(set(AXIS_CODES)) == 48


@pytest.mark.parametrize("codes", AXIS_CODES)
def test_facts_agree_with_nibabel(codes):
    volume = _volume(codes)
    image = nib.Nifti1Image(volume.array, volume.affine)
    assert volume.orientation == codes == "".join(nib.aff2axcodes(image.affine))
    np.testing.assert_allclose(volume.spacing_mm, SPACING_MM, rtol=1e-12)
    np.testing.assert_allclose(volume.spacing_mm, image.header.get_zooms(), rtol=1e-6)


def test_a_voxel_between_slices_that_step_sideways_is_no_larger():
    affine = np.diag([*SPACING_MM, 1.0])
    volume = volumes.Volume(np.zeros((2, 2, 2)), affine)
    assert volume.voxel_mm3 == pytest.approx(np.prod(SPACING_MM))
    affine[0, 2] = 5.0
    sheared = volumes.Volume(np.zeros((2, 2, 2)), affine)
    assert sheared.spacing_mm[2] > SPACING_MM[2]
    assert sheared.voxel_mm3 == pytest.approx(np.prod(SPACING_MM))


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
@pytest.mark.parametrize("codes", AXIS_CODES)
def test_canonical_equals_nibabels_reorientation(codes, slice_axis):
    volume = _volume(codes, slice_axis=slice_axis)
    canonical = volume.canonical()
    through_plane = codes[slice_axis]
    expected = {"LR": "IPL", "PA": "ILP", "IS": "PLS"}[
        next(pair for pair in ("LR", "PA", "IS") if through_plane in pair)
    ]
    transform = orientations.ornt_transform(
        nib.io_orientation(volume.affine), orientations.axcodes2ornt(expected)
    )
    image = nib.Nifti1Image(volume.array, volume.affine).as_reoriented(transform)
    assert canonical.orientation == expected
    np.testing.assert_array_equal(canonical.array, np.asanyarray(image.dataobj))
    np.testing.assert_allclose(canonical.affine, image.affine, atol=1e-12)
    assert canonical.slice_axis == 2
    assert canonical.num_slices == SHAPE[slice_axis]
    assert canonical.slice_spacing_mm == pytest.approx(SPACING_MM[slice_axis])


@pytest.mark.parametrize("codes", AXIS_CODES)
def test_canonical_leaves_each_voxel_where_it_was(codes):
    volume = _volume(codes)
    np.testing.assert_allclose(
        _world_by_value(volume.canonical()), _world_by_value(volume), atol=1e-12
    )


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
@pytest.mark.parametrize("codes", AXIS_CODES)
def test_restore_undoes_canonical(codes, slice_axis):
    volume = _volume(codes, slice_axis=slice_axis)
    restored = volume.canonical().restore()
    np.testing.assert_array_equal(restored.array, volume.array)
    np.testing.assert_allclose(restored.affine, volume.affine, rtol=0, atol=1e-12)
    assert restored.slice_axis == slice_axis
    assert restored.slice_thickness_mm == 2.0
    assert restored.to_source is None


def test_every_change_of_grid_keeps_the_slice_encoding():
    volume = dataclasses.replace(_volume("RAS", slice_axis=1), slice_encoding="3D")
    canonical = volume.canonical()
    thin = canonical.resliced(np.repeat(canonical.array, 2, axis=2), step=0.5)
    for other in (canonical, canonical.restore(), thin, thin.crop([slice(2)] * 3)):
        assert other.slice_encoding == "3D"


def test_a_side_is_left_right_or_unknown():
    volume = dataclasses.replace(_volume("RAS"), side="left")
    assert volume.canonical().in_plane("axial").restore().side == "left"
    with pytest.raises(ValueError, match="side must be left, right or unknown; got ''"):
        dataclasses.replace(volume, side="")


def test_an_unknown_slice_encoding_is_refused():
    with pytest.raises(ValueError, match="2D, 3D or None; got '1D'"):
        dataclasses.replace(_volume("RAS"), slice_encoding="1D")


@pytest.mark.parametrize(
    ("slice_axis", "plane", "row_0", "column_0", "slice_0"),
    [
        # World axis and side at which the first row, column and slice lie. Radiological
        # convention: the patient's right on the left, anterior on top or to the left.
        (0, "sagittal", (2, "most"), (1, "most"), (0, "most")),
        (1, "coronal", (2, "most"), (0, "most"), (1, "most")),
        (2, "axial", (1, "most"), (0, "most"), (2, "least")),
    ],
)
def test_a_slice_is_drawn_as_in_a_viewer(slice_axis, plane, row_0, column_0, slice_0):
    volume = _volume("RAS", oblique=False, slice_axis=slice_axis)
    canonical = volume.canonical()
    assert volume.plane == canonical.plane == plane
    everywhere = _world_by_value(canonical)
    first = nib.affines.apply_affine(canonical.affine, (0, 0, 0))
    for world_axis, side in (row_0, column_0, slice_0):
        extreme = everywhere.max(0) if side == "most" else everywhere.min(0)
        assert first[world_axis] == pytest.approx(extreme[world_axis])


def test_canonical_and_restore_are_idempotent():
    volume = _volume("SLA")
    canonical = volume.canonical()
    assert canonical.canonical() is canonical
    assert volume.restore() is volume


def test_canonical_shares_memory():
    volume = _volume("SLA")
    assert np.shares_memory(volume.canonical().array, volume.array)


@pytest.mark.parametrize("codes", ["RAS", "PIR", "SLA", "LPI"])
def test_resliced_canonical_slices_restore_to_their_place(codes):
    volume = _volume(codes, slice_axis=1)
    canonical = volume.canonical()
    thin_array = np.zeros((*canonical.shape[:2], 10))
    thin = canonical.resliced(thin_array, step=1 / 3, slice_thickness_mm=0.25)
    restored = thin.restore()
    assert restored.shape == (3, 10, 5)
    assert restored.slice_axis == 1
    assert restored.slice_thickness_mm == 0.25
    # Slices 0 and 9 at a third of the way each: the first and last acquired, 0 and 3.
    for thin_index, index in ((0, 0), (9, 3)):
        np.testing.assert_allclose(
            nib.affines.apply_affine(restored.affine, (2, thin_index, 1)),
            nib.affines.apply_affine(volume.affine, (2, index, 1)),
            atol=1e-12,
        )


def test_resliced_lies_at_multiples_of_the_step():
    volume = _volume("PIR")
    other = volume.resliced(np.zeros((3, 4, 2)), step=3)
    for n in range(2):
        np.testing.assert_allclose(
            nib.affines.apply_affine(other.affine, (1, 2, n)),
            nib.affines.apply_affine(volume.affine, (1, 2, 3 * n)),
            atol=1e-12,
        )
    assert other.slice_spacing_mm == pytest.approx(7.5)
    assert other.slice_thickness_mm is None


def test_resliced_refuses_another_in_plane_shape():
    with pytest.raises(ValueError, match=r"in-plane shape of \(3, 4, 5\)"):
        _volume("RAS").resliced(np.zeros((3, 5, 5)))


def test_crop_keeps_each_voxel_where_it_was():
    volume = _volume("LIP")
    part = volume.crop((slice(1, 3), slice(None), slice(-2, None)))
    assert part.shape == (2, 4, 2)
    np.testing.assert_array_equal(part.array, volume.array[1:3, :, 3:5])
    np.testing.assert_allclose(
        nib.affines.apply_affine(part.affine, (1, 2, 0)),
        nib.affines.apply_affine(volume.affine, (2, 2, 3)),
        atol=1e-12,
    )


@pytest.mark.parametrize("last", [slice(0, 4, 2), slice(3, 3), slice(None, None, -1)])
def test_crop_refuses_steps_and_nothing(last):
    with pytest.raises(ValueError, match="three non-empty slices of step 1"):
        _volume("RAS").crop((slice(None), slice(None), last))


def test_with_array_keeps_the_grid_and_refuses_another():
    volume = _volume("RAS")
    mask = volume.with_array(volume.array > 7)
    assert mask.array.dtype == bool
    np.testing.assert_array_equal(mask.affine, volume.affine)
    with pytest.raises(ValueError, match=r"Expected voxels of shape \(3, 4, 5\)"):
        volume.with_array(np.zeros((3, 4, 6)))


@pytest.mark.parametrize(
    ("array", "affine", "slice_axis", "message"),
    [
        (np.zeros((2, 2)), np.eye(4), 2, r"three axes .* got shape \(2, 2\)"),
        (np.zeros((2, 2, 2, 1)), np.eye(4), 2, "three axes"),
        (np.zeros((2, 0, 2)), np.eye(4), 2, "at least one voxel"),
        (np.zeros((2, 2, 2)), np.eye(3), 2, r"finite \(4, 4\) matrix"),
        (np.zeros((2, 2, 2)), np.full((4, 4), np.nan), 2, r"finite \(4, 4\) matrix"),
        (np.zeros((2, 2, 2)), np.diag([1.0, 1, 0, 1]), 2, "invertible"),
        (np.zeros((2, 2, 2)), np.eye(4), 3, "slice_axis must be 0, 1 or 2; got 3"),
    ],
)
def test_a_volume_that_is_none_is_refused(array, affine, slice_axis, message):
    with pytest.raises(ValueError, match=message):
        volumes.Volume(array, affine, slice_axis)


@pytest.mark.parametrize(
    ("spacing_mm", "axis"),
    [
        ((0.36, 0.36, 0.7), 2),
        ((3.0, 0.5, 0.5), 0),
        ((0.5, 3.0, 0.5), 1),
        ((1.0, 1.0, 1.0), 2),
        ((1.005, 1.0, 1.0), 2),  # Within rounding: no axis is the largest.
        ((1.0, 1.0, 0.5), 2),
    ],
)
def test_default_slice_axis_is_the_one_clearly_largest_spacing(spacing_mm, axis):
    assert volumes.default_slice_axis(spacing_mm) == axis


@pytest.mark.parametrize("degrees", [(0, 0, 0), (90, 0, 0), (10, -20, 35), (0, 180, 7)])
def test_affine_from_dicom_is_the_standards_formula(degrees):
    """PS3.3 C.7.6.2.1.1: P = S + X dx column + Y dy row in LPS+; RAS+ negates x, y."""
    rotation = _rotation(*degrees)
    row_cosine, column_cosine = rotation[:, 0], rotation[:, 1]
    position = np.array([-40.0, 12.5, 88.0])
    slice_step = rotation[:, 2] * 4.0 + row_cosine * 0.3
    between_rows, between_columns = 0.625, 0.875
    affine = volumes.affine_from_dicom(
        position,
        slice_step,
        [*row_cosine, *column_cosine],
        (between_rows, between_columns),
    )
    for column, row, number in [(0, 0, 0), (5, 0, 0), (0, 7, 0), (3, 2, 9)]:
        lps = (
            (position + number * slice_step)
            + row_cosine * between_columns * column
            + column_cosine * between_rows * row
        )
        np.testing.assert_allclose(
            nib.affines.apply_affine(affine, (column, row, number)),
            lps * (-1, -1, 1),
            atol=1e-12,
        )


@pytest.mark.parametrize(
    ("thickness_mm", "expected"), [(None, False), (3.0, True), (4.0, False), (5, False)]
)
def test_gaps_are_told_from_the_thickness(thickness_mm, expected):
    affine = np.diag([1.0, 1.0, 4.0, 1.0])
    scan = volumes.Volume(np.zeros((2, 2, 2)), affine, slice_thickness_mm=thickness_mm)
    assert scan.has_gaps is expected


@pytest.mark.parametrize("orientation", ["IPR", "ipl", "RAS", "LPS", "PIR", "SAL"])
def test_an_affine_along_the_axes_is_nibabels(orientation):
    affine = volumes.affine_along_axes(orientation, (0.5, 0.75, 3))
    assert "".join(nib.aff2axcodes(affine)) == orientation.upper()
    np.testing.assert_allclose(nib.affines.voxel_sizes(affine), (0.5, 0.75, 3))


@pytest.mark.parametrize(
    ("orientation", "spacing_mm", "message"),
    [
        ("IP", (1, 1, 1), "one letter of each pair"),
        ("IPS", (1, 1, 1), "one letter of each pair"),
        ("IPX", (1, 1, 1), "one letter of each pair"),
        ("IPRA", (1, 1, 1), "one letter of each pair"),
        ("IPR", (1, 0, 1), "above 0 mm"),
        ("IPR", (1, np.nan, 1), "above 0 mm"),
    ],
)
def test_wrong_axes_and_spacings_are_refused(orientation, spacing_mm, message):
    with pytest.raises(ValueError, match=message):
        volumes.affine_along_axes(orientation, spacing_mm)


def test_resliced_may_begin_between_slices():
    affine = np.diag([0.5, 0.5, 3.0, 1.0])
    volume = volumes.Volume(np.zeros((4, 4, 5), np.float32), affine)
    finer = volume.resliced(np.zeros((4, 4, 15)), step=1 / 3, first=-1 / 3)
    # The outer faces stay: -1.5 mm before the first centre, 1.5 mm after the last one.
    first_mm, last_mm = (finer.affine @ [0, 0, k, 1] for k in (0, 14))
    assert first_mm[2] - 0.5 == pytest.approx(-1.5)
    assert last_mm[2] + 0.5 == pytest.approx(4 * 3.0 + 1.5)
