"""Files of a knee: which there are, what they hold, and that they appear together."""

import csv
import pathlib

import numpy as np
import pytest
from matplotlib import image

from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.prediction import map_files
from deepresolve.prediction.map_files import MapFiles
from deepresolve.prediction.measured_map import Settings, Source, measure_map
from deepresolve.quantification.thickness_map import thickness_map

NAMES = {2: "medial tibial cartilage", 3: "lateral tibial cartilage", 6: "tibia"}
ENDINGS = {"thickness.nii.gz", "unrolled.png", "unrolled.csv"}


def saved(path, plates=(2, 3)):
    array = np.zeros((40, 50, 70), np.uint8)  # Down, back, to the left.
    array[20:] = 6
    array[16:20, 10:40, 6:32], array[15:20, 10:40, 38:64] = 3, 2
    array[np.isin(array, list({2, 3} - set(plates)))] = 0
    label = Volume(array, affine_along_axes("IPL", (0.6, 0.6, 0.8)))
    path.parent.mkdir(parents=True, exist_ok=True)
    formats.write(path, label)
    return measure_map(Source(path), Settings(NAMES))


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("both") / "knee.nii.gz")


@pytest.fixture(scope="module")
def medial(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("medial") / "knee.nii.gz", plates=(2,))


def below(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_each_knee_has_its_files(both, tmp_path):
    maps = MapFiles(tmp_path, ("vtk", "ply", "stl"))
    maps.write("visit_1/knee", both)
    surfaces = {
        f"{plate}_{kind}.{ending}"
        for plate in ("MT", "LT")
        for kind in ("bone", "articular")
        for ending in ("vtk", "ply", "stl")
    }
    assert below(tmp_path) == {f"visit_1/knee_{end}" for end in ENDINGS | surfaces}
    found = formats.read_image(tmp_path / "visit_1/knee_thickness.nii.gz")
    expected = thickness_map(both.knee, both.label_map, NAMES)
    np.testing.assert_array_equal(found.array, expected.array)
    np.testing.assert_allclose(found.affine, both.label_map.affine)
    assert image.imread(tmp_path / "visit_1/knee_unrolled.png").ndim == 3
    with (tmp_path / "visit_1/knee_unrolled.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["plate"] for row in rows} == {"MT", "LT"}
    assert {row["scan"] for row in rows} == {"visit_1/knee"}
    assert {row["fingerprint"] for row in rows} == {both.fingerprint}
    header = (tmp_path / "visit_1/knee_MT_bone.ply").read_bytes()[:600]
    assert b"property uchar red" in header and b"property float thickness_mm" in header


def test_no_file_appears_where_one_cannot_be_written(both, tmp_path, monkeypatch):
    def full(path, volume):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(map_files.formats, "write", full)
    with pytest.raises(OSError, match="No space left"):
        MapFiles(tmp_path, ("vtk",)).write("knee", both)
    assert below(tmp_path) == set()


def test_files_of_an_earlier_knee_stay_where_a_later_one_fails(
    both, medial, tmp_path, monkeypatch
):
    maps = MapFiles(tmp_path, ("stl",))
    maps.write("knee", both)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def broken(mesh):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(map_files.meshes.FORMATS, "stl", broken)
    with pytest.raises(OSError, match="No space left"):
        maps.write("knee", medial)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_meshes_of_plates_that_are_no_more_are_deleted(both, medial, tmp_path):
    maps = MapFiles(tmp_path, ("stl",))
    MapFiles(tmp_path, ("stl", "ply")).write("knee", both)
    maps.write("other", both)
    maps.write("knee", medial)
    of_knee = {name for name in below(tmp_path) if name.startswith("knee_")}
    surfaces = {"MT_bone.stl", "MT_articular.stl"}
    assert of_knee == {f"knee_{end}" for end in ENDINGS | surfaces}
    assert (tmp_path / "other_LT_bone.stl").exists()


PATH = pathlib.Path("knee.nii.gz")


def test_what_is_there_is_known_by_its_fingerprint(both, tmp_path):
    maps = MapFiles(tmp_path, ("vtk",))
    assert not maps.are_of("knee", PATH, both.fingerprint)
    maps.write("knee", both)
    assert maps.are_of("knee", PATH, both.fingerprint)
    assert not maps.are_of("knee", PATH, "0123456789abcdef")
    assert not maps.are_of("other", PATH, both.fingerprint)
    assert not MapFiles(tmp_path, ("vtk", "ply")).are_of("knee", PATH, both.fingerprint)
    (tmp_path / "knee_LT_bone.vtk").unlink()
    assert not maps.are_of("knee", PATH, both.fingerprint)


@pytest.mark.parametrize("kinds", [["obj"], ["vtk", "obj"], []])
def test_unknown_meshes_are_refused(kinds, tmp_path):
    with pytest.raises(
        ValueError, match=r"--mesh_format=.*: expected vtk, ply and stl"
    ):
        map_files.plan(str(tmp_path), kinds, str(tmp_path / "knee.nii.gz"))


def test_maps_do_not_lie_among_label_maps(tmp_path):
    for folder in (tmp_path, tmp_path / "maps"):
        with pytest.raises(ValueError, match="would take maps for label maps"):
            map_files.plan(str(folder), ["vtk"], str(tmp_path))
    with pytest.raises(ValueError, match="a folder of this machine"):
        map_files.plan("gs://bucket/maps", ["vtk"], str(tmp_path))
    # Beside one label map they may.
    (tmp_path / "knee.nii").touch()
    found = map_files.plan(str(tmp_path), ["vtk"], str(tmp_path / "knee.nii"))
    assert found == MapFiles(pathlib.Path(tmp_path), ("vtk",))
