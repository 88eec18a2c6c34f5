import dataclasses

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging import slice_grid
from deepresolve.imaging.volume import Volume, affine_along_axes

# Coronal, turned by 20 and 10 degrees, far from the scanner's middle.
TURN = nib.eulerangles.euler2mat(0.35, 0.17, 1.5)
SPACING_MM = (0.4, 3.0, 0.5)


def oblique(slice_axis=1, shape=(8, 5, 6), spacing_mm=SPACING_MM):
    affine = nib.affines.from_matvec(TURN @ np.diag(spacing_mm), (70, -110, 42.5))
    return Volume(np.zeros(shape, np.int16), affine, slice_axis)


@pytest.fixture
def thick():
    return oblique()


def faces_kept(thick, factor, num_thin):
    """As in the docs: the first thin centre at -(z/2)(1 - 1/s)."""
    shape = np.array(thick.shape)
    shape[thick.slice_axis] = num_thin
    first = (1 / factor - 1) / 2
    return thick.resliced(np.zeros(shape), step=1 / factor, first=first)


def test_slices_that_keep_the_faces_begin_before_the_first(thick):
    thin = faces_kept(thick, 2.5, 12)
    found = slice_grid.positions(thick, thin)
    # The faces -0.5 and 4.5 of five slices; slices of 0.4.
    np.testing.assert_allclose(found, -0.3 + 0.4 * np.arange(12), atol=1e-12)


def test_the_grid_from_centre_to_centre(thick):
    thin = thick.resliced(np.zeros((8, 13, 6)), step=1 / 3)
    expected = np.linspace(0, 4, 13)
    np.testing.assert_allclose(slice_grid.positions(thick, thin), expected, atol=1e-12)
    np.testing.assert_allclose(slice_grid.positions(thick, thick), range(5), atol=1e-12)


def test_positions_are_those_of_the_patient(thick):
    """Also where canonical axes are flipped: along the normal, in millimetres."""
    thin = faces_kept(thick, 2.2, 10)
    for scan, slices in ((thick, thin), (thick.canonical(), thin.canonical())):
        axis = scan.slice_axis
        centres = np.zeros((10, 3))
        centres[:, axis] = range(10)
        off_mm = nib.affines.apply_affine(slices.affine, centres) - scan.affine[:3, 3]
        normal = scan.affine[:3, axis] / 3
        found = slice_grid.positions(scan, slices)
        np.testing.assert_allclose(found, off_mm @ normal / 3, atol=1e-12)
        assert abs(found[0]) > 0.1


def test_affines_may_be_rounded(thick):
    thin = faces_kept(thick, 2.5, 12)
    rounded = dataclasses.replace(thin, affine=thin.affine.astype(np.float32))
    np.testing.assert_allclose(
        slice_grid.positions(thick, rounded),
        slice_grid.positions(thick, thin),
        atol=1e-4,
    )


def test_slices_that_step_sideways_are_placed_by_their_own_rows():
    sheared = oblique(slice_axis=2)
    sheared.affine[:3, 2] += TURN @ (0.3, 0, 0)
    thin = sheared.resliced(np.zeros((8, 5, 15)), step=0.4, first=-0.3)
    found = slice_grid.positions(sheared, thin)
    np.testing.assert_allclose(found, -0.3 + 0.4 * np.arange(15), atol=1e-12)
    assert sheared.slice_spacing_mm > 0.58
    assert slice_grid.spacing_along_normal_mm(sheared) == pytest.approx(0.5)


@pytest.mark.parametrize("slice_axis", range(3))
def test_spacing_along_the_normal_is_the_spacing_of_upright_slices(slice_axis):
    volume = oblique(slice_axis)
    found = slice_grid.spacing_along_normal_mm(volume)
    assert found == pytest.approx(SPACING_MM[slice_axis])


def moved(volume, by):
    to_old = np.eye(4)
    to_old[:3, 3] = by
    return dataclasses.replace(volume, affine=volume.affine @ to_old)


@pytest.mark.parametrize(
    "change",
    [
        lambda thin: thin.crop((slice(0, 7), slice(0, 12), slice(0, 6))),
        lambda thin: dataclasses.replace(thin, slice_axis=2),
        lambda thin: moved(thin, (0.2, 0, 0)),  # rows off
        lambda thin: moved(thin, (0, 0, 0.2)),  # columns off
        lambda thin: dataclasses.replace(
            thin, affine=thin.affine @ np.diag([1, -1, 1, 1])
        ),
        lambda thin: dataclasses.replace(
            thin, affine=thin.affine @ np.diag([1.1, 1, 1, 1])
        ),
    ],
)
def test_other_rows_columns_or_axes_are_refused(thick, change):
    thin = faces_kept(thick, 2.5, 12)
    slice_grid.positions(thick, moved(thin, (0.05, 0, 0.05)))  # as good as rounding
    with pytest.raises(ValueError, match="expected the same rows and columns"):
        slice_grid.positions(thick, change(thin))


def test_slices_that_are_turned_against_the_scan_are_refused(thick):
    """By 3 degrees about the rows: 0.1 mm at their ends, of 3 mm slices."""
    thin = faces_kept(thick, 2.5, 12)
    turn = nib.affines.from_matvec(nib.eulerangles.euler2mat(x=0.05))
    with pytest.raises(ValueError, match="do not lie among"):
        slice_grid.positions(
            thick, dataclasses.replace(thin, affine=turn @ thin.affine)
        )


@pytest.mark.parametrize(
    ("axcodes", "expected"), [("PIL", [0, 1, 2, 3]), ("PIR", [3, 2, 1, 0])]
)
def test_slices_have_their_numbers_in_the_canonical_scan(axcodes, expected):
    """Sagittal slices are canonical from right to left, whichever axis they lie on."""
    affine = affine_along_axes(axcodes, (0.5, 0.5, 3.0))
    scan = Volume(np.zeros((5, 6, 4), np.int16), affine)
    assert slice_grid.canonical_numbers(scan).tolist() == expected
    turned = Volume(scan.array.T, affine[:, [2, 1, 0, 3]], slice_axis=0)
    assert slice_grid.canonical_numbers(turned).tolist() == expected
