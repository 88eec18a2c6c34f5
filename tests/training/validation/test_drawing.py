import numpy as np
import pytest

from deepresolve.training.validation.drawing import across, square_pixels, white_level


@pytest.mark.parametrize(
    ("axis", "plane", "orientation"),
    # Radiological display: anterior to the left or on top, the patient's right left.
    [(0, "axial", "PL"), (1, "coronal", "IL"), (2, "sagittal", "IP")],
)
def test_every_plane_stands_as_in_a_viewer(sagittal, axis, plane, orientation):
    view = across(sagittal(np.zeros((4, 5, 6))), axis)
    assert view.plane == plane
    assert view.orientation[:2] == orientation
    assert view.num_slices == (4, 5, 6)[axis]


def test_pixels_become_squares():
    image = np.array([[0, 1], [2, 3]], np.uint8)
    np.testing.assert_array_equal(
        square_pixels(image, (1.0, 2.0), order=0, scale=2),
        np.repeat(np.repeat(image, 2, axis=0), 4, axis=1),
    )


def test_interpolated_ramp_stays_a_ramp_away_from_its_ends():
    ramp = np.arange(6, dtype=np.float32)[:, np.newaxis]
    enlarged = square_pixels(ramp, (1.0, 1.0), order=1, scale=4)[:, 0]
    # Pixel centres: the first of 4 lies 3/8 of a voxel before the voxel's own.
    expected = np.arange(24) / 4 - 3 / 8
    np.testing.assert_allclose(enlarged[2:-2], expected[2:-2], atol=1e-5)


def test_white_is_the_99th_percentile_and_never_0(sagittal):
    array = np.arange(101, dtype=np.float32).reshape(1, 1, 101)
    assert white_level(sagittal(array)) == pytest.approx(99)
    assert white_level(sagittal(0 * array)) == 1
