import numpy as np
import pytest
from held_out import tci

from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.tasks.super_resolution.restoration import (
    acquired_span,
    restored_images,
)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_span_ends_with_the_last_kept_slice(make_subject, factor):
    for num_slices in (1, 2, 8, 9, 10, 16, 17):
        image = make_subject(0, shape=(8, 9, num_slices)).image
        last_kept = range(num_slices)[::factor][-1]
        span = acquired_span(image, factor)
        np.testing.assert_array_equal(span.array, image.array[..., : last_kept + 1])
        np.testing.assert_array_equal(span.affine, image.affine)


def test_network_sees_the_thick_scan_scaled_by_itself_alone(make_subject):
    image = make_subject(6).image
    seen = []

    def remember(thick, factor):
        seen.append(thick)
        return tci(thick, factor)

    restored_images(image, remember, downsample_factor=3)
    thick = thicken(image, 3)
    scale = estimate_scale(thick.array)
    assert seen[0].array.dtype == np.float32
    expected = (thick.array - scale.low) / (scale.high - scale.low)
    np.testing.assert_allclose(seen[0].array, expected, atol=1e-5)
    np.testing.assert_array_equal(seen[0].affine, thick.affine)
    assert seen[0].slice_thickness_mm == thick.slice_thickness_mm


def test_images_are_in_scan_units_on_the_grid_of_the_scan(make_subject):
    image = make_subject(7).image
    images, seconds = restored_images(
        image, lambda *thick: tci(*thick) + 1, downsample_factor=4
    )
    scale = estimate_scale(thicken(image, 4).array)
    assert list(images) == ["sr", "tci", "fourier"]
    assert seconds >= 0
    for volume in images.values():
        assert volume.shape == (24, 22, 17)  # slices 0, 4, .., 16 are acquired
        np.testing.assert_array_equal(volume.affine, image.affine)
        assert volume.array.dtype == np.float32
    thick = thicken(image, 4)
    added = interpolate(thick, 4).array + (scale.high - scale.low)
    expected = np.maximum(added, thick.array.min())
    np.testing.assert_allclose(images["sr"].array, expected, rtol=1e-5, atol=1e-2)


def test_no_image_has_voxels_below_those_that_were_acquired(make_subject):
    image = make_subject(7).image
    thick = thicken(image, 4)
    images, _ = restored_images(
        image, lambda *thick: tci(*thick) - 0.3, downsample_factor=4
    )
    for volume in images.values():
        assert volume.array.min() == thick.array.min()
    for method, name in (("cubic", "tci"), ("fourier", "fourier")):
        free = interpolate(thick, 4, method=method).array
        expected = np.maximum(free, thick.array.min())
        np.testing.assert_allclose(images[name].array, expected, atol=1e-2)


def test_without_a_network_there_are_interpolations_alone(make_subject):
    image = make_subject(7).image
    images, seconds = restored_images(image, None, downsample_factor=3)
    assert list(images) == ["tci", "fourier"]
    assert seconds is None
    np.testing.assert_allclose(
        images["tci"].array, interpolate(thicken(image, 3), 3).array, rtol=1e-5
    )


@pytest.mark.parametrize("wrong", [lambda x: x[..., :-1], lambda x: x * np.nan])
def test_what_the_network_must_not_return(make_subject, wrong):
    with pytest.raises(ValueError, match=r"finite voxels of shape \(24, 22, 19\)"):
        restored_images(
            make_subject(0).image,
            lambda *thick: wrong(tci(*thick)),
            downsample_factor=3,
        )
