"""Surfaces of shapes whose area and place are known in closed form."""

import numpy as np
import pytest

from deepresolve.quantification.surfaces import gradient, sample, signed_mm, surface

SPACING_MM = (0.36, 0.36, 0.7)
RADIUS_MM = 15.0


@pytest.fixture(scope="module")
def ball():
    """A ball, and where its middle is."""
    shape = [round(36 / mm) for mm in SPACING_MM]
    middle = np.array([17.9, 18.13, 18.05])
    places = np.stack(np.indices(shape), axis=-1) * SPACING_MM - middle
    return np.linalg.norm(places, axis=-1) < RADIUS_MM, middle


def test_a_ball_has_the_area_and_the_normals_of_one(ball):
    mask, middle = ball
    found = surface(signed_mm(mask, SPACING_MM), SPACING_MM)
    away = found.vertices - middle
    radius = np.linalg.norm(away, axis=1)
    assert radius.mean() == pytest.approx(RADIUS_MM, abs=0.03)
    assert np.percentile(np.abs(radius - RADIUS_MM), 95) < 0.15
    area = found.areas_mm2
    assert area.sum() == pytest.approx(4 * np.pi * RADIUS_MM**2, rel=0.01)
    assert len(area) == len(found.vertices)
    out = np.sum(away / radius[:, None] * found.normals, axis=1)
    assert out.min() > 0.9 and out.mean() > 0.985
    # Triangles turn the way that normals point.
    corners = found.vertices[found.faces]
    turned = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.sum(turned * found.normals[found.faces[:, 0]], axis=1) > 0).all()


def test_distance_is_negative_inside(ball):
    mask, _ = ball
    field = signed_mm(mask, SPACING_MM)
    assert field.dtype == np.float32
    assert field.min() == pytest.approx(-RADIUS_MM, abs=1)
    assert (field[~mask] > -0.3).all() and (field[mask] < 0.3).all()


def test_values_and_slopes_between_voxels():
    i, j, k = np.indices((6, 7, 8)).astype(float)
    field = 2 * i - j + 3 * k
    points_mm = np.array([[1.0, 2.0, 6.0], [0.25, 1.5, 3.0]])
    spacing_mm = (0.5, 1.0, 2.0)
    np.testing.assert_allclose(sample(field, points_mm, spacing_mm), [11.0, 4.0])
    slope = np.array([4.0, -1.0, 1.5])
    expected = np.tile(slope / np.linalg.norm(slope), (2, 1))
    np.testing.assert_allclose(gradient(field, points_mm, spacing_mm), expected)


@pytest.mark.parametrize("value", [False, True])
def test_what_has_no_surface_is_told(value):
    with pytest.raises(ValueError, match="has no surface"):
        signed_mm(np.full((3, 3, 3), value), SPACING_MM)


def test_probabilities_place_a_surface_however_wide_they_fall_off(ball):
    _, middle = ball
    shape = [round(36 / mm) for mm in SPACING_MM]
    away_mm = np.linalg.norm(
        np.stack(np.indices(shape), axis=-1) * SPACING_MM - middle, axis=-1
    )
    mask = away_mm < RADIUS_MM
    random = np.random.default_rng(5)
    for width_mm in (0.1, 0.4, 1.5):
        share = 1 / (1 + np.exp((away_mm - RADIUS_MM) / width_mm))
        # A plateau inside, a speck outside, a doubt inside, and noise far away.
        share = np.where(away_mm < RADIUS_MM - 3, 0.6, share)
        share[2:5, 2:5, 2:5], share[48:52, 48:52, 25:27] = 0.9, 0.1
        far = np.abs(away_mm - RADIUS_MM) > 2
        share[far] += 0.05 * random.standard_normal(far.sum())
        found = surface(signed_mm(mask, SPACING_MM, share - 0.5), SPACING_MM)
        radius = np.linalg.norm(found.vertices - middle, axis=1)
        assert np.percentile(np.abs(radius - RADIUS_MM), 95) < 0.1
        assert np.abs(radius - RADIUS_MM).mean() < 0.025
        area = 4 * np.pi * RADIUS_MM**2
        assert found.areas_mm2.sum() == pytest.approx(area, rel=0.003)


def test_probabilities_move_a_surface_by_less_than_two_voxels(ball):
    """They cannot undo what the label map says, such as that a hole is filled."""
    mask, _ = ball
    nothing = np.full(mask.shape, -0.5)
    found = surface(signed_mm(mask, SPACING_MM, nothing), SPACING_MM)
    assert found.areas_mm2.sum() > 4 * np.pi * (RADIUS_MM - 1.4) ** 2


def test_beyond_the_array_a_surface_goes_on_as_straight_as_it_ends():
    x, y, _ = np.indices((40, 30, 12)) * np.reshape(SPACING_MM, (3, 1, 1, 1))
    off_mm = 0.8 * (x - 5) + 0.6 * (y - 6)
    found = surface(signed_mm(off_mm < 0, SPACING_MM, -0.3 * off_mm, 4), SPACING_MM)
    at = found.vertices - 4 * np.array(SPACING_MM)
    beyond = (at[:, 1] < 0) & (at[:, 1] > -1)
    off = 0.8 * (at[:, 0] - 5) + 0.6 * (at[:, 1] - 6)
    assert beyond.any() and np.abs(off[beyond]).max() < 0.2
    np.testing.assert_allclose(found.normals[beyond] @ (0.8, 0.6, 0), 1, atol=0.03)
