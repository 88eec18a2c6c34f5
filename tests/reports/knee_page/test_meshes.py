"""Meshes of a page, decoded again, held to the numbers of the knee."""

import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from deepresolve.quantification import places
from deepresolve.reports.knee_page import meshes


def numbers(rows):
    """Whole numbers of rows of their bytes, the highest first."""
    return sum(row * 256**n for n, row in enumerate(reversed(rows)))


def decoded(mesh, rows_of):
    described, texts = meshes.described(mesh), meshes.packed(mesh)
    rows = rows_of(texts[f"{mesh.id}-vertices"], described["num_vertices"])
    places = np.stack([numbers(rows[2 * axis : 2 * axis + 2]) for axis in range(3)], 1)
    faces = rows_of(texts[f"{mesh.id}-faces"], described["num_faces"])
    corners = [numbers(faces[3 * n : 3 * n + 3]) for n in range(3)]
    vertices = described["low"] + described["step"] * places
    return described, vertices, np.stack(corners, 1), rows[6:]


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_page_holds_the_numbers_of_the_knee(request, side, rows_of):
    knee = request.getfixturevalue(side).knee
    found = meshes.of_plates(knee)
    assert [mesh.id for mesh in found] == ["F", "MT", "LT", "P"]
    for mesh in found:
        _, vertices, faces, (high, low, covered, regions) = decoded(mesh, rows_of)
        plate, of_plate = knee.plates[mesh.id], knee.quantities[mesh.id]
        np.testing.assert_array_equal(faces, plate.bone.faces)
        world = plate.bone.vertices @ knee.affine[:3, :3].T + knee.affine[:3, 3]
        assert np.abs(vertices - world).max() < 0.002
        mm = (256 * high + low) / meshes.PER_MM
        assert np.abs(mm - plate.thickness_mm).max() <= 0.00051
        bare = plate.bone.areas_mm2[covered == 0].sum() / plate.bone.areas_mm2.sum()
        assert 100 * bare == pytest.approx(of_plate["dABp"])
        # Each vertex is in the smallest of its regions, and in no other.
        for name, (of, mask) in knee.regions.items():
            if of == mesh.id and name in places.REGION_NAMES:
                number = 1 + places.REGION_NAMES.index(name)
                np.testing.assert_array_equal(regions == number, mask)


@pytest.mark.parametrize("turned", [0.0, 0.3])
def test_a_bone_has_its_volume_and_its_place(turned):
    """An ellipsoid, its centre where the affine says."""
    half_mm, spacing_mm, middle = (12, 10, 15), (0.5, 0.75, 1.0), (29.5, 24.5, 19.5)
    cos, sin = np.cos(turned), np.sin(turned)
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, -1], [-cos, sin, 0], [sin, cos, 0]]
    affine[:3, :3] *= spacing_mm
    affine[:3, 3] = 20, -30, 10
    away = np.indices((60, 50, 40)).T - middle
    inside = ((away * spacing_mm / half_mm) ** 2).sum(-1).T <= 1
    label_map = Volume(inside.astype(np.uint8), affine)
    (mesh,) = meshes.of_bones(label_map, {1: "femur"})
    centre = affine[:3, :3] @ middle + affine[:3, 3]
    corners = mesh.vertices[mesh.faces] - centre
    # By the divergence theorem; above 0 where triangles look outwards.
    volume_mm3 = np.linalg.det(corners).sum() / 6
    # Smoothing takes the square of 1.05 mm over the radius away, 0.1 mm of 12.
    assert volume_mm3 == pytest.approx(4 / 3 * np.pi * 12 * 10 * 15, rel=0.05)
    own = (mesh.vertices - centre) @ (affine[:3, :3] / spacing_mm)
    for low, high, mm in zip(own.min(0), own.max(0), half_mm, strict=True):
        assert (low, high) == pytest.approx((-mm, mm), abs=0.3)


def test_what_touches_the_end_of_the_scan_is_closed():
    array = np.ones((20, 20, 20), np.uint8)
    (mesh,) = meshes.of_bones(Volume(array, np.eye(4)), {1: "tibia"})
    edges = np.sort(mesh.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert set(counts) == {2}


def test_dust_is_no_bone():
    array = np.zeros((20, 20, 20), np.uint8)
    array[10, 10, 10] = 1
    label_map = Volume(array, np.diag([0.4, 0.4, 0.4, 1.0]))
    assert meshes.of_bones(label_map, {1: "tibia", 2: "femur"}) == []
