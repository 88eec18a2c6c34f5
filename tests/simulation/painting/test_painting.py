"""Whole images from label maps."""

import dataclasses

import numpy as np
import pytest
from nibabel import orientations

from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.simulation import phantom
from deepresolve.simulation.painting import paint, tissue
from deepresolve.simulation.painting.priors import Priors

NAMES = phantom.LABEL_NAMES
STILL = {
    "rotation_degrees": (0.0, 0.0),
    "scale": (1.0, 1.0),
    "warp_mm": (0.0, 0.0),
    "thickness_mm": (0.0, 0.0),
    "num_defects": 0,
    "mirrored": 0.0,
    "other_plane": 0.0,
    "field_mm": (0.0, 0.0),
}


@pytest.fixture(scope="module")
def labels():
    """Of a synthetic knee, (72, 72, 48)."""
    drawn = phantom.knee(seed=3, shape=(72, 72, 48), spacing_mm=(1.5, 1.5, 2.0))
    return drawn.label


def test_an_image_and_its_label_map_share_a_grid_and_a_seed(labels):
    priors = Priors(other_plane=0.0)
    one, again, other = (paint(labels, NAMES, seed=s, priors=priors) for s in (1, 1, 2))
    assert one.image.array.dtype == np.int16 and one.label.array.dtype == np.uint8
    np.testing.assert_array_equal(one.image.affine, one.label.affine)
    np.testing.assert_array_equal(one.image.array, again.image.array)
    np.testing.assert_array_equal(one.label.array, again.label.array)
    assert (
        one.image.array.shape != other.image.array.shape
        or (one.image.array != other.image.array).any()
    )
    assert one.image.plane == labels.plane
    assert one.image.slice_thickness_mm == one.image.slice_spacing_mm


def test_what_does_not_vary_is_where_it_was(labels):
    priors = Priors(**STILL, pixel_mm=(1.5, 1.5), slice_mm=(2.0, 2.0))
    found = paint(labels, NAMES, seed=0, priors=priors)
    canonical = labels.canonical()
    np.testing.assert_array_equal(found.label.array, canonical.array)
    np.testing.assert_allclose(found.label.affine, canonical.affine)
    assert not found.mirrored


def test_tissues_are_told_apart_in_the_image(labels):
    """Where nothing disturbs it, each is as bright as its signal."""
    calm = {
        "texture": (0.0, 0.0),
        "shading": (0.0, 0.0),
        "noise": (0.0, 0.0),
        "blur_mm": (0.0, 0.0),
        "ghost": (0.0, 0.0),
        "chemical_shift_pixels": (0.0, 0.0),
        "cortex_mm": (0.0, 0.0),
        "num_marrow_lesions": 0,
        "scarred": 0.0,
    }
    priors = Priors(**STILL, **calm, pixel_mm=(1.5, 1.5), slice_mm=(2.0, 2.0))
    found = paint(labels, NAMES, seed=4, priors=priors)
    levels = {
        value: np.unique(found.image.array[found.label.array == value])
        for value in (1, 5, 6, 9)
    }
    assert all(level.size == 1 for level in levels.values())
    assert levels[5] == levels[6] != levels[1]


def test_voxels_are_as_asked_and_never_finer_than_the_label_maps(labels):
    for seed in range(4):
        found = paint(labels, NAMES, seed=seed, priors=Priors(other_plane=0.0))
        rows_mm, columns_mm, slices_mm = found.image.spacing_mm
        assert rows_mm == pytest.approx(columns_mm, rel=0.02)
        assert rows_mm >= 1.5 * 0.98  # finer was asked for
        assert 2.0 * 0.98 <= slices_mm <= 3.2


def test_slices_lie_across_another_axis_where_the_priors_say_so(labels):
    planes = set()
    for seed in range(5):
        priors = Priors(other_plane=1.0, slice_mm=(4.0, 4.0), field_mm=(0.0, 0.0))
        found = paint(labels, NAMES, seed=seed, priors=priors)
        planes.add(found.image.plane)
        assert found.label.plane == found.image.plane
        assert found.image.spacing_mm[2] == max(found.image.spacing_mm)
        assert set(np.unique(found.label.array)) == set(np.unique(labels.array))
    assert planes == {"coronal", "axial"}


@pytest.mark.parametrize("other_plane", [0.0, 1.0])
def test_on_a_grid_labels_are_as_fine_as_it_whatever_was_acquired(labels, other_plane):
    still = {**STILL, "other_plane": other_plane, "noise": (0.0, 0.0)}
    thin, thick = (
        paint(
            labels,
            NAMES,
            seed=3,
            priors=Priors(**still, pixel_mm=(1.5, 1.5), slice_mm=(mm, mm)),
            grid_mm=(1.5, 2.0),
        )
        for mm in (2.0, 8.0)
    )
    assert thick.image.plane == thick.label.plane == "sagittal"
    np.testing.assert_allclose(thick.image.spacing_mm, (1.5, 1.5, 2.0))
    np.testing.assert_array_equal(thick.label.array, labels.canonical().array)
    # The image is as blurred as its slices are thick: along them it varies less.
    along = [
        np.abs(np.diff(thick.image.array.astype(float), axis=axis)).mean()
        / np.abs(np.diff(thin.image.array.astype(float), axis=axis)).mean()
        for axis in range(3)
    ]
    thickness_mm = thick.image.slice_thickness_mm
    if other_plane:
        assert min(along[:2]) < 0.6 * min(along[2], max(along[:2]))
        assert thickness_mm == pytest.approx(2.0, rel=0.1)
    else:
        assert along[2] < 0.6 * min(along[:2])
        assert thickness_mm == pytest.approx(8.0, rel=0.1)


def test_the_other_knee_is_its_mirror_image(labels):
    still = Priors(**STILL, pixel_mm=(1.5, 1.5), slice_mm=(2.0, 2.0))
    other = dataclasses.replace(still, mirrored=1.0)
    one, mirrored = (paint(labels, NAMES, seed=0, priors=p) for p in (still, other))
    assert mirrored.mirrored
    axis = next(a for a, code in enumerate(one.label.orientation) if code in "LR")
    np.testing.assert_array_equal(mirrored.label.array, np.flip(one.label.array, axis))


def test_axes_of_the_file_do_not_matter(labels):
    own = orientations.io_orientation(labels.affine)
    there = orientations.ornt_transform(own, orientations.axcodes2ornt("RAS"))
    other = Volume(
        orientations.apply_orientation(labels.array, there),
        labels.affine @ orientations.inv_ornt_aff(there, labels.shape),
        slice_axis=0,
    )
    one, same = (paint(volume, NAMES, seed=5) for volume in (labels, other))
    np.testing.assert_array_equal(one.image.array, same.image.array)


def test_names_say_what_is_painted():
    assert tissue("Lateral Meniscus") == "meniscus"
    assert tissue("medial tibial cartilage") == "cartilage"
    assert tissue("tibia") == "marrow"
    with pytest.raises(ValueError, match="'pixie dust' tells no tissue"):
        tissue("pixie dust")


def test_what_cannot_be_painted_is_told():
    grid = affine_along_axes("IPR", (1, 1, 2))
    bone = Volume(np.full((8, 8, 8), 5, np.uint8), grid)
    with pytest.raises(ValueError, match=r"holds \[5\], which have no name"):
        paint(bone, {1: "femoral cartilage"}, seed=0)
    with pytest.raises(ValueError, match="No cartilage"):
        paint(bone, {5: "femur"}, seed=0)


@pytest.mark.parametrize(
    "wrong", [{"noise": (0.1, 0.0)}, {"scale": (-1.0, 1.0)}, {"mirrored": -0.5}]
)
def test_priors_make_sense(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        Priors(**wrong)
