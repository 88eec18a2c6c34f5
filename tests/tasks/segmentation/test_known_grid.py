"""Scans on the grid of a network, and what it finds there on the scan's own."""

import dataclasses

import numpy as np
import pytest
from nibabel import orientations

from deepresolve.imaging.acquisition import describe
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.runs.training_set import TrainingSet
from deepresolve.tasks.segmentation.known_grid import KnownGrid, Placed
from deepresolve.tasks.segmentation.settings import SegmentationConfig

PLAIN = SegmentationConfig()
KNOWN = KnownGrid(("sagittal",), (0.45, 0.8), (0.6, 1.0))


def ball(orientation, spacing_mm, size_mm=24.0, slice_axis=2):
    """A ball of 6 mm off the middle: bright, in whatever voxels."""
    shape = [round(size_mm / mm) for mm in spacing_mm]
    affine = affine_along_axes(orientation, spacing_mm)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)  # centred on 0 mm
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    world = grid @ affine[:3, :3].T + affine[:3, 3]
    inside = np.linalg.norm(world - [2.0, -1.0, 1.0], axis=-1) < 6
    return Volume(inside.astype(np.float32), affine, slice_axis=slice_axis)


def identity(placed):
    """Of a network that calls what is bright, on its own grid: (background, ball)."""
    there = placed.there(placed.scan.array)
    return np.stack([1 - there, there], axis=-1)


def volume_mm3(placed, found):
    return found[..., 1].sum() * placed.scan.voxel_mm3


@pytest.mark.parametrize(
    ("orientation", "spacing_mm", "plane", "shape"),
    [
        # As it is: within the range, or a tenth beyond it.
        ("IPR", (0.5, 0.5, 0.8), "sagittal", (48, 48, 30)),
        ("IPR", (0.41, 0.41, 1.08), "sagittal", (59, 59, 22)),
        # Fine pixels and coarse slices: to the nearest of either.
        ("IPR", (0.3, 0.3, 1.5), "sagittal", (53, 53, 24)),
        # Another plane, whose slices are one of its pixels' axes.
        ("IRP", (0.5, 0.5, 2.0), "sagittal", (48, 30, 40)),
        ("PRS", (0.6, 0.3, 0.8), "sagittal", (30, 40, 40)),
    ],
)
def test_voxels_and_plane_are_those_that_are_known(
    orientation, spacing_mm, plane, shape
):
    scan = ball(orientation, spacing_mm).canonical()
    placed = Placed.of(scan, KNOWN)
    assert placed.turned.plane == plane
    assert placed.there(scan.array).shape == placed.shape == shape
    told = placed.section().values
    for found, (low, high) in zip(
        told["network_mm"], ((0.4, 0.82), (0.4, 0.82), (0.54, 1.1)), strict=True
    ):
        assert low <= found <= high
    assert told["resampled"] == placed.is_resampled == (shape != scan.shape)


@pytest.mark.parametrize(
    ("orientation", "spacing_mm"),
    [
        ("IPR", (0.3, 0.3, 1.5)),
        ("SAL", (1.0, 0.4, 0.4)),
        ("IRP", (0.5, 0.5, 2.0)),
        ("LAS", (1.2, 1.2, 3.0)),
    ],
)
def test_what_is_found_comes_back_to_its_place(orientation, spacing_mm):
    scan = ball(orientation, spacing_mm).canonical()
    placed = Placed.of(scan, KNOWN)
    back = placed.back(identity(placed))
    assert back.shape == (*scan.shape, 2)
    np.testing.assert_allclose(back.sum(axis=-1), 1, atol=1e-5)
    mask, true = back[..., 1] > 0.5, scan.array > 0.5
    dice = 2 * np.sum(mask & true) / (np.sum(mask) + np.sum(true))
    assert dice > 0.93
    assert volume_mm3(placed, back) == pytest.approx(
        true.sum() * scan.voxel_mm3, rel=0.02
    )


def test_a_scan_that_is_known_is_given_as_it_is():
    scan = ball("IPR", (0.5, 0.5, 0.8)).canonical()
    for known in (KNOWN, None):
        placed = Placed.of(scan, known)
        assert placed.scan is placed.turned and not placed.is_resampled
        np.testing.assert_array_equal(placed.there(scan.array), scan.array)
        found = identity(placed)
        assert placed.back(found) is found


def test_slices_are_told_by_their_axis_in_the_scan():
    coronal = Placed.of(ball("IRP", (0.5, 0.5, 2.0)).canonical(), KNOWN)
    assert coronal.scan.orientation[coronal.slice_axis] in "LR"
    sagittal = Placed.of(ball("IPR", (0.3, 0.3, 1.5)).canonical(), KNOWN)
    assert sagittal.slice_axis == 2


def test_what_the_network_sees_is_coarser_and_never_finer():
    seen = Placed.of(ball("IPR", (0.3, 0.3, 1.5)).canonical(), KNOWN).seen
    np.testing.assert_allclose(seen.spacing_mm, (24 / 53, 24 / 53, 1.5))
    assert describe(seen).plane == "sagittal"
    coronal = ball("IRP", (0.5, 0.5, 2.0)).canonical()
    seen = Placed.of(coronal, KNOWN).seen
    assert seen.plane == "sagittal"
    np.testing.assert_allclose(seen.spacing_mm, (0.5, 2.0, 0.6))


def test_of_a_grid_that_is_asked_for_the_network_sees_just_that():
    coarse = ball("IPR", (1.2, 1.2, 3.0)).canonical()
    asked = KnownGrid(("sagittal",), (0.5, 0.5), (1.5, 1.5), is_asked=True)
    placed = Placed.of(coarse, asked)
    np.testing.assert_allclose(placed.seen.spacing_mm, (0.5, 0.5, 1.5))
    assert placed.section().findings == ()
    (finding,) = Placed.of(ball("IPR", (2.0, 2.0, 3.0)).canonical(), asked).section()[1]
    assert finding.what == "grid" and finding.found == 4
    assert "made of 4 times coarser ones" in finding.text


def test_what_is_known_is_that_of_the_training_scans():
    scans = [
        describe(ball("IPR", (0.5, 0.6, 0.8))),
        describe(ball("IPR", (0.4, 0.4, 1.0))),
        describe(ball("IRP", (0.4, 0.4, 1.5))),
    ]
    trained = TrainingSet({1: tuple(scans)}, 3, "0" * 64)
    known = KnownGrid.of(PLAIN, trained)
    assert known.planes == ("sagittal", "coronal")
    assert known.in_plane_mm == pytest.approx((0.4, 0.6))
    assert known.slice_spacing_mm == pytest.approx((0.8, 1.5))
    assert KnownGrid.of(PLAIN) is None
    assert KnownGrid.of(PLAIN, TrainingSet({}, 0, "0" * 64)) is None
    # What the run asks for is before that.
    asked = PLAIN.replace(grid_mm=(0.5, 1.5))
    known_mm = (0.5, 0.5), (1.5, 1.5), True
    assert KnownGrid.of(asked, trained) == KnownGrid(known.planes, *known_mm)
    assert KnownGrid.of(asked) == KnownGrid((), *known_mm)
    axial = KnownGrid.of(PLAIN.replace(plane="axial"), trained)
    assert axial.planes == ("axial",)
    assert axial.in_plane_mm == known.in_plane_mm
    # A plane that is known stays.
    coronal = ball("IRP", (0.5, 0.5, 1.2)).canonical()
    assert not Placed.of(coronal, known).is_resampled


def test_of_labels_each_voxel_has_what_most_of_it_is():
    scan = ball("IRP", (0.5, 0.5, 2.0)).canonical()
    asked = KnownGrid(("sagittal",), (0.5, 0.5), (1.5, 1.5))
    placed = Placed.of(scan, asked)
    labels = 3 * (scan.array > 0.5).astype(np.uint8)
    there = placed.labels_there(labels)
    assert there.shape == placed.shape and there.dtype == np.uint8
    assert set(np.unique(there)) == {0, 3}
    grid = placed.grid.with_array(there)
    np.testing.assert_allclose(grid.spacing_mm, (0.5, 0.5, 1.5))
    middle = np.argwhere(there).mean(axis=0)
    world = grid.affine[:3, :3] @ middle + grid.affine[:3, 3]
    np.testing.assert_allclose(world, [2.0, -1.0, 1.0], atol=0.3)
    assert np.count_nonzero(there) * grid.voxel_mm3 == pytest.approx(
        np.count_nonzero(labels) * scan.voxel_mm3, rel=0.06
    )
    as_it_is = Placed.of(scan, None)
    np.testing.assert_array_equal(as_it_is.labels_there(labels), labels)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (KNOWN, "In sagittal slices 0.6 to 1 mm apart, with pixels of 0.45 to 0.8 mm."),
        (
            KnownGrid.of(PLAIN.replace(grid_mm=(0.5, 1.5))),
            "In slices 1.5 mm apart, with pixels of 0.5 mm.",
        ),
        (KnownGrid.of(PLAIN.replace(plane="axial")), "In axial slices."),
    ],
)
def test_who_brings_no_scan_to_it_is_told_what_it_is(known, expected):
    assert known.request == expected


def test_axes_that_were_reordered_come_back():
    """A canonical scan remembers the file's axes; what is computed keeps them."""
    scan = ball("LAS", (1.2, 1.2, 3.0))
    own = orientations.io_orientation(scan.affine)
    there = orientations.ornt_transform(own, orientations.axcodes2ornt("SPL"))
    other = dataclasses.replace(
        scan,
        array=orientations.apply_orientation(scan.array, there),
        affine=scan.affine @ orientations.inv_ornt_aff(there, scan.shape),
        slice_axis=0,
    )
    results = []
    for volume in (scan, other):
        placed = Placed.of(volume.canonical(), KNOWN)
        found = placed.back(identity(placed))[..., 1]
        results.append(placed.scan.with_array(found).restore())
    back = orientations.apply_orientation(results[0].array, there)
    np.testing.assert_allclose(results[1].array, back, atol=1e-6)
