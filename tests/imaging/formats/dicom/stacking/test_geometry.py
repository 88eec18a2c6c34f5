"""The order of slices, and what is wrong with it."""

import dataclasses

import numpy as np
import pydicom
import pytest

from deepresolve.imaging.formats import dicom
from deepresolve.imaging.formats.dicom import slice_header
from deepresolve.imaging.formats.dicom.stacking import geometry


@pytest.fixture
def headers(write_stack):
    """The headers of four axial slices, 4 mm apart."""
    folder, _ = write_stack()
    return [
        header
        for file in sorted(folder.iterdir())
        for header in slice_header.parse(file.name, pydicom.dcmread(file))
    ]


def test_slices_are_ordered_along_their_normal(headers):
    shuffled = [headers[n] for n in (2, 0, 3, 1)]
    assert geometry.order(shuffled, "here") == headers
    np.testing.assert_allclose(geometry.Line.through(headers).step_mm, (0, 0, 4))
    # Rows that run the other way turn the normal (1,0,0 x 0,1,0) over.
    turned = [dataclasses.replace(h, orientation=(-1, 0, 0, 0, 1, 0)) for h in headers]
    assert geometry.order(turned, "here") == turned[::-1]


def test_a_missing_slice_is_named(write_stack):
    folder, _ = write_stack(num_slices=6)
    (folder / "slice3.dcm").unlink()
    with pytest.raises(ValueError, match=r"1 missing, at 12\.00, between: slice2.dcm"):
        dicom.read(folder)


def test_a_missing_slice_among_three_is_found(write_stack):
    folder, _ = write_stack(num_slices=4)
    (folder / "slice1.dcm").unlink()
    with pytest.raises(ValueError, match=r"1 missing, at 4\.00"):
        dicom.read(folder)


def test_a_duplicate_slice_is_named(write_stack):
    folder, _ = write_stack()
    other = pydicom.dcmread(folder / "slice2.dcm")
    other.SOPInstanceUID = pydicom.uid.generate_uid()
    other.save_as(folder / "copy.dcm")
    with pytest.raises(ValueError, match=r"two slices at 8\.00: copy.dcm and slice2"):
        dicom.read(folder)


def test_only_some_of_many_faults_are_shown(write_stack):
    folder, _ = write_stack(num_slices=14)
    for file in list(folder.iterdir()):
        other = pydicom.dcmread(file)
        other.SOPInstanceUID = pydicom.uid.generate_uid()
        other.save_as(folder / f"copy of {file.name}")
    with pytest.raises(ValueError, match="and 4 more such faults"):
        dicom.read(folder)


@pytest.mark.parametrize(("shift_mm", "is_even"), [(0.035, True), (0.045, False)])
def test_one_percent_of_the_spacing_is_tolerated(shift_mm, is_even, write_stack):
    """4 mm apart: 0.04 mm is one percent."""
    folder, _ = write_stack(
        num_slices=6, each=lambda n: {"position": (0, 0, 4 * n + shift_mm * (n == 2))}
    )
    if is_even:
        assert dicom.read(folder).slice_spacing_mm == pytest.approx(4, abs=2e-3)
    else:
        with pytest.raises(ValueError, match=r"a step of 4\.0450 mm at 4.00, where"):
            dicom.read(folder)


def test_small_faults_of_one_sign_do_not_add_up_unseen(write_stack):
    # Each step is within 1%, yet the middle lies 0.15 mm off the even line.
    places = np.cumsum([4.015] * 10 + [3.985] * 10)
    folder, _ = write_stack(
        num_slices=20, each=lambda n: {"position": (0, 0, places[n])}
    )
    with pytest.raises(ValueError, match="off the even line"):
        dicom.read(folder)


def test_a_slice_moved_in_its_own_plane_is_named(write_stack):
    folder, _ = write_stack(each=lambda n: {"position": (n == 1, 0, 4 * n)})
    # Of four numbers 0, 1, 0, 0 the second lies 0.7 off their line by least squares.
    with pytest.raises(ValueError, match=r"slice1.dcm lies 0\.7000 mm off"):
        dicom.read(folder)


def test_a_slice_without_position_is_refused_by_name(write_stack, write_slice):
    folder, _ = write_stack()
    dataset = pydicom.dcmread(folder / "slice1.dcm")
    del dataset.ImagePositionPatient
    dataset.save_as(folder / "slice1.dcm")
    with pytest.raises(ValueError, match=r"slice1.dcm needs 3 numbers in ImagePosit"):
        dicom.read(folder)


def test_one_slice_is_no_scan(write_stack):
    folder, _ = write_stack(num_slices=1)
    for path in (folder, folder / "slice0.dcm"):
        with pytest.raises(ValueError, match=r"several slices; got one, slice0.dcm"):
            dicom.read(path)
