"""Files of meshes, as another library and as the formats' own definitions read them."""

import io

import numpy as np
import pytest
from skimage.measure import mesh_surface_area

from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification import meshes, places
from deepresolve.quantification.knee import measure

NAMES = {2: "medial tibial cartilage", 3: "lateral tibial cartilage", 6: "tibia"}
SCALARS = ("thickness_mm", "nearest_mm", "covered", "region")


@pytest.fixture(scope="module")
def label():
    """A tibia of two plates, 3 and 2 mm thick, the medial one to the left and bare."""
    array = np.zeros((40, 60, 90), np.uint8)
    array[20:] = 6
    array[16:20, 10:50, 8:40], array[14:20, 10:50, 50:82] = 3, 2
    array[14:20, 24:36, 60:70] = 0
    affine = affine_along_axes("IPL", (0.5, 0.5, 0.75))
    affine[:3, 3] = -20, 110, 30
    return Volume(array, affine)


@pytest.fixture(scope="module")
def knee(label):
    return measure(label, NAMES)


@pytest.fixture(scope="module", params=["bone", "articular"])
def mesh(request, knee):
    found = getattr(meshes, request.param)(knee, "MT")
    colours = np.arange(3 * len(found.points_mm)).reshape(-1, 3) % 256
    return found._replace(colours=colours.astype(np.uint8))


def test_points_lie_on_the_scan_in_the_world_of_dicom(label, knee):
    bone = meshes.bone(knee, "MT")
    ras = bone.points_mm * (-1, -1, 1)
    voxels = (ras - label.affine[:3, 3]) @ np.linalg.inv(label.affine[:3, :3]).T
    # Between the cartilage's last row of voxels and the bone's first.
    np.testing.assert_allclose(voxels[:, 0], 19.5, atol=0.6)
    assert voxels[:, 1].min() == pytest.approx(10, abs=1)
    assert voxels[:, 2].max() == pytest.approx(81, abs=1)


def test_triangles_look_outwards_and_have_the_area_of_the_plate(knee):
    plate = knee.plates["MT"]
    for found, surface in (
        (meshes.bone(knee, "MT"), plate.bone),
        (meshes.articular(knee, "MT"), plate.articular),
    ):
        area = mesh_surface_area(surface.vertices, surface.faces)
        assert mesh_surface_area(found.points_mm, found.faces) == pytest.approx(area)
        corners = found.points_mm[found.faces]
        normals = np.cross(*(corners[:, n] - corners[:, 0] for n in (1, 2)))
        middle = normals.sum(axis=0) / np.linalg.norm(normals.sum(axis=0))
        # A tibia's cartilage lies on top of it.
        np.testing.assert_allclose(middle, [0, 0, 1], atol=0.1)


def test_numbers_are_those_of_the_plate(knee):
    plate = knee.plates["MT"]
    bone, outer = meshes.bone(knee, "MT"), meshes.articular(knee, "MT")
    np.testing.assert_allclose(bone.scalars["thickness_mm"], plate.thickness_mm)
    assert np.median(outer.scalars["thickness_mm"]) == pytest.approx(3, abs=0.1)
    assert np.median(outer.scalars["nearest_mm"]) == pytest.approx(3, abs=0.1)
    np.testing.assert_array_equal(bone.scalars["covered"] == 1, plate.covered)
    assert (bone.scalars["thickness_mm"][bone.scalars["covered"] == 0] == 0).all()
    assert (bone.scalars["covered"] == 0).sum() > 50


def test_every_vertex_has_the_number_of_its_region(knee):
    for name, of_plate in (("MT", "caepi"), ("LT", "caepi")):
        numbers = meshes.bone(knee, name).scalars["region"]
        for letter in of_plate:
            _, mask = knee.regions[f"{letter}{name}"]
            expected = 1 + places.REGION_NAMES.index(f"{letter}{name}")
            assert (numbers[mask] == expected).all() and mask.any()
        assert numbers.min() > 0


def test_without_sides_there_are_no_regions(label):
    names = {2: "tibial cartilage", 6: "tibia"}
    knee = measure(label.with_array(np.where(label.array == 3, 0, label.array)), names)
    assert not meshes.bone(knee, "T").scalars["region"].any()


def test_vtk_holds_what_its_definition_says(mesh):
    """Parsed by the text of the legacy format (VTK User's Guide, file formats)."""
    stream = io.BytesIO(meshes.to_vtk(mesh))
    count, num_faces = len(mesh.points_mm), len(mesh.faces)

    def line():
        return stream.readline().decode().strip()

    def values(dtype, number):
        found = np.frombuffer(stream.read(4 * number), dtype)
        assert stream.read(1) == b"\n"
        return found

    assert line() == "# vtk DataFile Version 4.2"
    assert line().endswith("SPACE=LPS")
    assert (line(), line()) == ("BINARY", "DATASET POLYDATA")
    assert line() == f"POINTS {count} float"
    points = values(">f4", 3 * count).reshape(-1, 3)
    np.testing.assert_array_equal(points, mesh.points_mm)
    assert line() == f"POLYGONS {num_faces} {4 * num_faces}"
    cells = values(">i4", 4 * num_faces).reshape(-1, 4)
    assert (cells[:, 0] == 3).all()
    np.testing.assert_array_equal(cells[:, 1:], mesh.faces)
    assert line() == f"POINT_DATA {count}"
    for name in SCALARS:
        kind = "float" if name.endswith("_mm") else "int"
        assert line() == f"SCALARS {name} {kind} 1"
        assert line() == "LOOKUP_TABLE default"
        found = values(">f4" if kind == "float" else ">i4", count)
        np.testing.assert_array_equal(found, mesh.scalars[name])
    assert not stream.read()


def test_ply_is_what_trimesh_reads(mesh):
    trimesh = pytest.importorskip("trimesh", reason="the oracle: pip install trimesh")
    content = meshes.to_ply(mesh)
    assert b"\ncomment DeepResolve, millimetres, SPACE=LPS\n" in content
    found = trimesh.load(io.BytesIO(content), "ply", process=False)
    np.testing.assert_array_equal(found.vertices, mesh.points_mm)
    np.testing.assert_array_equal(found.faces, mesh.faces)
    np.testing.assert_array_equal(found.visual.vertex_colors[:, :3], mesh.colours)
    raw = found.metadata["_ply_raw"]["vertex"]["data"]
    for name in SCALARS:
        np.testing.assert_array_equal(np.ravel(raw[name]), mesh.scalars[name])
    plain = trimesh.load(
        io.BytesIO(meshes.to_ply(mesh._replace(colours=None))), "ply", process=False
    )
    np.testing.assert_array_equal(plain.vertices, mesh.points_mm)


def test_stl_is_what_trimesh_reads(mesh):
    trimesh = pytest.importorskip("trimesh", reason="the oracle: pip install trimesh")
    content = meshes.to_stl(mesh)
    assert b"SPACE=LPS" in content[:80] and not content.startswith(b"solid")
    found = trimesh.load(io.BytesIO(content), "stl", process=False)
    corners = mesh.points_mm[mesh.faces]
    np.testing.assert_array_equal(found.triangles, corners)
    area = mesh_surface_area(mesh.points_mm, mesh.faces)
    assert found.area == pytest.approx(area, rel=1e-5)
    # What the file says, not what trimesh works out.
    normals = np.frombuffer(content[84:], [("n", "<f4", 3), ("rest", "V38")])["n"]
    expected = trimesh.triangles.normals(corners.astype(float))
    np.testing.assert_allclose(normals[expected[1]], expected[0], atol=1e-3)
