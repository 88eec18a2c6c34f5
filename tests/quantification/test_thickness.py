"""Layers whose thickness, area and holes are known in closed form."""

import numpy as np
import pytest

from deepresolve.quantification.sheets import Shares
from deepresolve.quantification.thickness import measure_plate, statistics

OAI_MM = (0.36, 0.36, 0.7)


def places(size_mm, spacing_mm, middle_mm):
    """Coordinates of voxels from a middle that lies between voxels."""
    shape = [round(mm / step) for mm, step in zip(size_mm, spacing_mm, strict=True)]
    return np.moveaxis(np.indices(shape), 0, -1) * spacing_mm - np.array(middle_mm)


@pytest.fixture(scope="module")
def shell():
    """2.5 mm of cartilage around a ball of bone of 20 mm."""
    away = np.linalg.norm(places((50,) * 3, OAI_MM, (25.03, 24.9, 24.87)), axis=-1)
    return measure_plate(away < 20, (away >= 20) & (away < 22.5), OAI_MM)


def test_a_shell_is_as_thick_as_it_is(shell):
    found = statistics(shell)
    for name in ("ThCtAB_aMe", "ThCcAB_aMe"):
        assert found[name] == pytest.approx(2.5, abs=0.05)
    assert np.average(shell.nearest_mm) == pytest.approx(2.5, abs=0.05)
    for values in (shell.thickness_mm, shell.nearest_mm, shell.back_mm):
        assert np.percentile(np.abs(values - 2.5), 95) < 0.2
    assert found["ThCtAB_aMiv"] > 2.2 and found["ThCtAB_aMav"] < 2.85
    assert found["ThCtAB_aSD"] < 0.1 and found["ThCtAB_aCV"] < 4


def test_a_shell_has_its_areas_and_its_volume(shell):
    found = statistics(shell)
    assert found["tAB"] == pytest.approx(4 * np.pi * 2.0**2, rel=0.01)
    assert found["cAB"] == found["tAB"] and found["dABp"] == 0
    assert found["AC"] == pytest.approx(4 * np.pi * 2.25**2, rel=0.01)
    volume = 4 / 3 * np.pi * (22.5**3 - 20**3)
    assert found["VC"] == pytest.approx(volume, rel=0.01)
    assert found["VCtAB"] == pytest.approx(found["VC"] / found["tAB"] / 100)


@pytest.mark.parametrize("thick_mm", [2.0, 4.5])
def test_a_shell_of_many_fine_voxels_is_as_thick_as_it_is(thick_mm):
    """However many there are from the bone to the surface: 15 here."""
    fine_mm = (0.3, 0.3, 0.3)
    away = np.linalg.norm(places((24,) * 3, fine_mm, (12.03, 11.9, 11.87)), axis=-1)
    shell = (away >= 6) & (away < 6 + thick_mm)
    found = statistics(measure_plate(away < 6, shell, fine_mm))
    assert found["ThCtAB_aMe"] == pytest.approx(thick_mm, abs=0.05)
    outer_cm2 = 4 * np.pi * (0.6 + thick_mm / 10) ** 2
    assert found["AC"] == pytest.approx(outer_cm2, rel=0.01)


@pytest.mark.parametrize("degrees", [0, 12, 30, 45])
def test_a_tilted_slab_with_a_hole(degrees):
    """A disc of 14 mm radius and 2.2 mm thickness, bare within 4 mm of its middle."""
    x, y, z = np.moveaxis(places((40, 40, 40), OAI_MM, (19.9, 20.05, 19.8)), -1, 0)
    angle = np.radians(degrees)
    tilted = 0.6 * z + 0.8 * y
    height = x * np.cos(angle) + tilted * np.sin(angle)
    along = -x * np.sin(angle) + tilted * np.cos(angle)
    across = 0.6 * y - 0.8 * z
    radius = np.hypot(along, across)
    cartilage = (height >= 0) & (height < 2.2) & (radius < 14) & (radius > 4)
    plate = measure_plate(height < 0, cartilage, OAI_MM)
    found = statistics(plate)
    assert found["tAB"] == pytest.approx(np.pi * 1.4**2, rel=0.03)
    assert found["dABp"] == pytest.approx(100 * (4 / 14) ** 2, abs=1)
    assert found["cAB"] == pytest.approx(found["tAB"] * (1 - found["dABp"] / 100))
    assert found["ThCcAB_aMe"] == pytest.approx(2.2, abs=0.12)
    shares = found["cAB"] / found["tAB"]
    assert found["ThCtAB_aMe"] == pytest.approx(found["ThCcAB_aMe"] * shares)
    assert found["ThCtAB_aMiv"] == 0
    assert found["VCtAB"] == pytest.approx(found["ThCtAB_aMe"], rel=0.05)
    assert (plate.thickness_mm[~plate.covered] == 0).all()
    bare = statistics(plate, ~plate.covered)
    assert (
        bare["dABp"] == pytest.approx(100)
        and bare["ThCtAB_aMe"] == bare["ThCtAB_aMav"] == 0
    )
    assert np.isnan(bare["ThCcAB_aMe"]) and bare["cAB"] == 0
    nothing = statistics(plate, np.zeros_like(plate.covered))
    assert all(map(np.isnan, nothing.values()))


def test_what_is_thin_and_thick_is_found_where_it_is():
    """A wedge on a plane: from 1 to 4 mm over 36 mm."""
    x, y, z = np.moveaxis(places((14, 44, 20), OAI_MM, (6.3, 4.0, 0.0)), -1, 0)
    top = 1 + 3 * y / 36
    inside = (y >= 0) & (y <= 36) & (z > 2) & (z < 18)
    plate = measure_plate(x < 0, (x >= 0) & (x < top) & inside, OAI_MM)
    at = plate.bone.vertices[:, 1] - 4.0
    middle = (at > 3) & (at < 33) & plate.covered
    middle &= (plate.bone.vertices[:, 2] > 5) & (plate.bone.vertices[:, 2] < 15)
    expected = 1 + 3 * at[middle] / 36
    assert np.abs(plate.thickness_mm[middle] - expected).mean() < 0.1
    assert (plate.nearest_mm[middle] <= plate.thickness_mm[middle] + 0.1).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirrored_joint_is_as_thick(axis):
    random = np.random.default_rng(3)
    away = places((30, 30, 30), OAI_MM, (14.9, 15.05, 14.7))
    radius = np.linalg.norm(away, axis=-1)
    thick = 1.5 + away[..., 0] / 15 + away[..., 2] / 20 + 0.1 * random.random()
    masks = radius < 9, (radius >= 9) & (radius < 9 + thick) & (away[..., 1] > 0)
    one = statistics(measure_plate(*masks, OAI_MM))
    other = statistics(measure_plate(*(np.flip(mask, axis) for mask in masks), OAI_MM))
    for name, value in one.items():
        assert other[name] == pytest.approx(value, rel=2e-3, abs=2e-3), name


def test_surfaces_lie_where_they_are_in_the_array():
    """Only a box around the cartilage is looked at, and where it is counts."""
    bone, cartilage = np.zeros((2, 60, 70, 50), bool)
    bone[:40], cartilage[40:46, 30:50, 20:35] = True, True
    plate = measure_plate(bone, cartilage, (1.0, 0.5, 0.8))
    np.testing.assert_allclose(plate.bone.vertices[:, 0], 39.5, atol=0.3)
    middle = plate.bone.vertices.mean(axis=0)
    np.testing.assert_allclose(middle[1:], [39.5 * 0.5, 27 * 0.8], atol=0.2)
    top = plate.articular.vertices.mean(axis=0)
    np.testing.assert_allclose(top[1:], middle[1:], atol=0.2)


def test_what_cannot_be_measured_is_told():
    bone, cartilage = np.zeros((2, 20, 20, 20), bool)
    bone[:5], cartilage[15:18] = True, True
    with pytest.raises(ValueError, match="does not lie on the bone"):
        measure_plate(bone, cartilage, (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="No voxel of the cartilage"):
        measure_plate(bone, np.zeros_like(bone), (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="No voxel of the bone"):
        measure_plate(np.zeros_like(bone), cartilage, (1.0, 1.0, 1.0))


def test_a_slit_between_two_layers_stays_one():
    """Two walls of bone with 3.6 mm of cartilage on each, and 1.2 mm between them."""
    bone, cartilage = np.zeros((2, 40, 60, 40), bool)
    bone[:, :15], bone[:, 36:] = True, True
    cartilage[:, 15:24], cartilage[:, 27:36] = True, True
    found = statistics(measure_plate(bone, cartilage, (0.4, 0.4, 0.7)))
    assert found["ThCcAB_aMe"] == pytest.approx(3.6, abs=0.15)
    assert found["ThCtAB_aMav"] < 4 and found["AC"] > 0.9 * found["cAB"]


def test_what_is_too_thin_for_a_surface_is_told():
    bone, cartilage = np.zeros((2, 20, 20, 20), bool)
    bone[8, 8, 8], cartilage[9, 8, 8] = True, True
    with pytest.raises(ValueError, match="too thin to have a surface"):
        measure_plate(bone, cartilage, (1.0, 1.0, 1.0))


def test_cavities_and_islands_of_bone_are_no_denuded_cartilage():
    bone, cartilage = np.zeros((2, 50, 60, 40), bool)
    bone[:30, 5:55, 5:35], cartilage[30:34, 10:50, 8:32] = True, True
    whole = statistics(measure_plate(bone, cartilage, (0.5, 0.5, 0.7)))
    bone[20:25, 20:30, 15:25] = False
    bone[40:44, 20:26, 15:18] = True
    found = statistics(measure_plate(bone, cartilage, (0.5, 0.5, 0.7)))
    assert whole["dABp"] == found["dABp"] == 0
    assert found["tAB"] == pytest.approx(whole["tAB"], rel=0.01)


def test_a_plate_that_the_array_cuts_is_as_thick_there():
    """A cylinder shell of 2.5 mm through the whole array."""
    x, y, _ = np.moveaxis(places((40, 40, 20), OAI_MM, (20.1, 19.9, 0.0)), -1, 0)
    radius = np.hypot(x, y)
    masks = radius < 12, (radius >= 12) & (radius < 14.5)
    plate = measure_plate(*masks, OAI_MM)
    found = statistics(plate)
    assert found["ThCtAB_aMe"] == pytest.approx(2.5, abs=0.05)
    assert found["ThCtAB_aMiv"] > 2.2 and found["dABp"] == 0
    size = 20 + OAI_MM[2] / 2
    assert found["tAB"] == pytest.approx(2 * np.pi * 1.2 * size / 10, rel=0.04)
    first = plate.bone.vertices[:, 2] < 1
    assert plate.thickness_mm[first].mean() == pytest.approx(2.5, abs=0.06)


def test_a_shell_that_leaves_the_array_is_as_thick_to_its_edge():
    """2.5 mm around a ball of 10 mm; the array ends 6.18 mm beside its middle."""
    middle_mm = (13.03, 6.0, 12.87)
    away = np.linalg.norm(places((26, 19.44, 25.9), OAI_MM, middle_mm), axis=-1)
    plate = measure_plate(away < 10, (away >= 10) & (away < 12.5), OAI_MM)
    at_edge = plate.bone.vertices[:, 1] < 2
    off = np.abs(plate.thickness_mm[at_edge] - 2.5)
    assert at_edge.sum() > 300 and off.mean() < 0.08 and np.percentile(off, 99) < 0.3
    assert statistics(plate)["ThCtAB_aMe"] == pytest.approx(2.5, abs=0.03)
    above = plate.articular.vertices[:, 1] < 2
    assert np.abs(plate.back_mm[above] - 2.5).max() < 0.3
    # Zones of a ball are as large as they are high: up to where normals leave.
    measured = 2 * np.pi * 10 * (10 + 6.18 * 10 / 12.5)
    assert plate.bone.areas_mm2.sum() == pytest.approx(measured, rel=0.02)
    seen = 2 * np.pi * 10 * (10 + 6.18)
    assert plate.beyond_mm2 == pytest.approx(seen - measured, rel=0.1)


def test_a_layer_thinner_than_a_voxel_is_not_denuded():
    away = np.linalg.norm(places((36,) * 3, OAI_MM, (18.03, 17.9, 17.87)), axis=-1)
    plate = measure_plate(away < 15, (away >= 15) & (away < 15.5), OAI_MM)
    found = statistics(plate)
    assert found["dABp"] < 1
    assert found["tAB"] == pytest.approx(4 * np.pi * 1.5**2, rel=0.01)
    assert found["AC"] == pytest.approx(4 * np.pi * 1.55**2, rel=0.04)
    assert found["ThCtAB_aMe"] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("way", [(1, 0, 0), (0, 0, 1), (0.6, 0.48, 0.64)])
def test_a_hole_stays_one(way):
    """Bare within 2 mm of an axis, in 2 mm of cartilage on the half around it."""
    away = places((36,) * 3, OAI_MM, (18.03, 17.9, 17.87))
    radius, along = np.linalg.norm(away, axis=-1), away @ way
    across = np.sqrt(np.maximum(radius**2 - along**2, 0))
    cartilage = (radius >= 15) & (radius < 17) & (along > 0) & (across > 2)
    plate = measure_plate(radius < 15, cartilage, OAI_MM)
    bare = plate.bone.areas_mm2[~plate.covered].sum()
    cap = 2 * np.pi * 15 * (15 - np.sqrt(15**2 - 2**2))
    assert bare == pytest.approx(cap, rel=0.15)


def fractions(spacing_mm, middle_mm, radii_mm, size_mm):
    """How much of each voxel balls of some radii fill, of 4 places along each axis."""
    at = places((size_mm,) * 3, spacing_mm, middle_mm)
    found = np.zeros((len(radii_mm), *at.shape[:3]), np.float32)
    steps = (np.indices((4, 4, 4)).reshape(3, -1).T + 0.5) / 4 - 0.5
    for step in steps:
        away = np.linalg.norm(at + step * spacing_mm, axis=-1)
        for share, radius in zip(found, radii_mm, strict=True):
            share += (away < radius) / np.float32(len(steps))
    return found


@pytest.mark.parametrize(
    ("spacing_mm", "thick_mm", "within_mm"),
    # What is thinner than the slices are apart counts as denuded here and there.
    [(OAI_MM, (0.8, 1.5, 2.5), 0.015), ((0.5, 0.5, 1.5), (1.5, 2.5), 0.05)],
)
def test_probabilities_know_a_shell_better_than_labels(spacing_mm, thick_mm, within_mm):
    middle_mm = (13.53, 13.4, 13.37)
    radii_mm = [10, *(10 + mm for mm in thick_mm)]
    bone, *both = fractions(spacing_mm, middle_mm, radii_mm, size_mm=27)
    area_cm2 = 4 * np.pi * 1.0**2
    for mm, share in zip(thick_mm, both, strict=True):
        masks = bone >= 0.5, (bone < 0.5) & (share >= 0.5)
        of_labels, finer = (
            measure_plate(*masks, spacing_mm, shares)
            for shares in (None, Shares(bone, share))
        )
        errors_mm = [
            np.average(np.abs(of.thickness_mm - mm), weights=of.bone.areas_mm2)
            for of in (of_labels, finer)
        ]
        assert errors_mm[1] < min(0.6 * errors_mm[0], within_mm)
        from_labels, found = statistics(of_labels), statistics(finer)
        for name, true in (("ThCtAB_aMe", mm), ("tAB", area_cm2)):
            assert abs(found[name] - true) < abs(from_labels[name] - true) + 1e-2
        assert found["tAB"] == pytest.approx(area_cm2, rel=0.02)
