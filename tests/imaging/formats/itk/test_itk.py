"""MetaImage and NRRD, against SimpleITK."""

import builtins
import re

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from deepresolve.imaging import formats
from deepresolve.imaging.formats import itk, limits
from deepresolve.imaging.formats.choice import Choice

SHAPE = (5, 6, 4)
# A rotation about the axis (1, 2, 3).
ROTATION = np.array(
    [  # scipy.spatial.transform.Rotation.from_rotvec([0.1, 0.2, 0.3]).as_matrix()
        [0.9357548, -0.28316496, 0.21019171],
        [0.30293271, 0.9505806, -0.06803132],
        [-0.1805400, 0.12733457, 0.97529031],
    ]
)
DIRECTIONS = {
    "identity": np.eye(3),
    "oblique": ROTATION,
    "flipped": np.diag([-1.0, 1, -1]),
    "sagittal": ROTATION @ np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0.0]]),
    "left-handed": ROTATION @ np.diag([1.0, -1, 1]),
}


def make_image(direction="oblique", dtype=np.int16, shape=SHAPE):
    voxels = np.random.default_rng(3).integers(0, 120, shape[::-1]).astype(dtype)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((0.5, 0.75, 3.0))
    image.SetOrigin((-20.5, 31.25, 77.0))
    # To double precision, so that NRRD and MetaImage give back what they got.
    orthogonal, _ = np.linalg.qr(DIRECTIONS[direction])
    signs = np.sign(np.sum(orthogonal * DIRECTIONS[direction], axis=0))
    image.SetDirection((orthogonal * signs).ravel().tolist())
    return image


@pytest.fixture
def save(tmp_path):
    def save(name, image=None, compressed=False):
        path = tmp_path / name
        sitk.WriteImage(image or make_image(), str(path), compressed)
        return path

    return save


@pytest.mark.parametrize("compressed", [False, True], ids=["raw", "compressed"])
@pytest.mark.parametrize("name", ["a.mha", "a.mhd", "a.nrrd"])
def test_voxels_are_those_of_simpleitk(save, name, compressed):
    image = make_image()
    path = save(name, image, compressed)
    assert itk.matches(path)
    volume = formats.read_image(path)
    assert volume.array.dtype == np.int16
    assert volume.array.flags.c_contiguous
    for index in np.ndindex(SHAPE):
        assert volume.array[index] == image[index]
    assert volume.slice_axis == 2
    assert volume.slice_thickness_mm is None


@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_places_are_those_of_simpleitk(save, direction, suffix):
    image = make_image(direction)
    volume = formats.read_image(save(f"a{suffix}", image))
    read = sitk.ReadImage(str(save(f"a{suffix}", image)))
    for index in [(0, 0, 0), (4, 0, 0), (0, 5, 0), (0, 0, 3), (4, 5, 3)]:
        # LPS+ to RAS+: x and y change their sign.
        expected = np.array(read.TransformIndexToPhysicalPoint(index)) * (-1, -1, 1)
        np.testing.assert_allclose(
            (volume.affine @ (*index, 1))[:3], expected, atol=1e-6
        )
    np.testing.assert_allclose(volume.spacing_mm, (0.5, 0.75, 3), rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [
        *((t, t) for t in (np.int8, np.uint8, np.uint16, np.int32, np.float32)),
        (np.float64, np.float32),
    ],
)
def test_dtypes(save, dtype, stored):
    image = make_image(dtype=dtype)
    volume = formats.read_image(save("a.nrrd", image))
    assert volume.array.dtype == stored
    np.testing.assert_array_equal(
        volume.array, sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    )


def test_a_label_map_lies_on_its_image(save):
    image = formats.read_image(save("a.nrrd"))
    label = formats.read_label_map(
        save("b.mha", make_image(dtype=np.uint8)), image=image
    )
    assert label.array.dtype == np.uint8
    np.testing.assert_array_equal(label.affine, image.affine)


def test_both_files_of_a_mhd_belong_to_it(save, tmp_path):
    path = save("a.mhd")
    assert formats.scan_files(path) == [path, tmp_path / "a.raw"]
    assert formats.find_scans(tmp_path) == [path]
    assert formats.scan_files(save("b.nrrd")) == [tmp_path / "b.nrrd"]
    assert formats.scan_stem("study/knee.1.mha") == "knee.1"


def edit(path, pattern, replacement):
    content, count = re.subn(pattern, replacement, path.read_bytes(), count=1)
    assert count == 1
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../a.raw", "LIST", "a%03d.raw 1 4 1", "missing.raw"]
)
def test_voxels_in_other_places_are_not_followed(save, tmp_path, name):
    (tmp_path / "LIST").touch()
    path = edit(save("a.mhd"), rb"a\.raw", name.encode())
    with pytest.raises(ValueError, match=r"a.mhd: keeps its voxels in .*as one \.mha"):
        formats.read_image(path)


def test_a_detached_nrrd_header_without_its_file_is_refused(save):
    path = edit(save("a.nrrd"), rb"space origin", b"data file: a.raw\nspace origin")
    with pytest.raises(ValueError, match=r"a.nrrd: keeps its voxels in 'a.raw'"):
        formats.read_image(path)
    path = edit(save("a.nrrd"), rb"type: ", b"#" * 2**16 + b"\ntype: ")
    with pytest.raises(ValueError, match=r"a.nrrd: .*voxels do not follow it"):
        formats.read_image(path)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("name", "sizes"), [("a.mha", rb"DimSize = "), ("a.nrrd", rb"sizes: ")]
)
def test_small_files_that_promise_much_are_refused(save, name, sizes, compressed):
    path = save(name, compressed=compressed)
    edit(path, sizes + rb"5 6 4", sizes + b"30000 30000 30000")
    with pytest.raises(ValueError, match=r"promises 54000000000000|50291.4 GiB"):
        formats.read_image(path)


def test_a_compressed_file_may_not_grow_without_bounds(save, monkeypatch):
    path = save("a.mha", make_image(dtype=np.uint8, shape=(400, 300, 4)) * 0, True)
    monkeypatch.setattr(limits, "HARMLESS_BYTES", 1000)
    with pytest.raises(ValueError, match=r"a.mha: by its header the file unpacks to"):
        itk.read(path)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", ["a.mha", "a.nrrd"])
def test_a_truncated_file_is_refused(save, name, compressed):
    path = save(name, compressed=compressed)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=rf"{name}: damaged or cut short"):
        formats.read_image(path)


@pytest.mark.parametrize(
    ("name", "pattern", "replacement"),
    [
        ("a.mha", rb"DimSize = 5", b"DimSize = -5"),
        ("a.mha", rb"DimSize = 5", b"DimSize = 0"),
        ("a.mha", rb"ElementType = MET_SHORT", b"ElementType = MET_OTHER"),
        ("a.mha", rb"ElementSpacing = 0.5", b"ElementSpacing = nan"),
        ("a.mha", rb"Offset = -20.5", b"Offset = inf"),
        ("a.nrrd", rb"sizes: 5", b"sizes: -5"),
        ("a.nrrd", rb"sizes: 5 6 4", b"sizes: 5 6"),
        ("a.nrrd", rb"type: short", b"type: block"),
        ("a.nrrd", rb"space origin: \(-20.5", b"space origin: (nan"),
    ],
)
def test_a_wrong_header_is_refused(save, name, pattern, replacement):
    path = edit(save(name), pattern, replacement)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        formats.read_image(path)


@pytest.mark.parametrize(
    "image",
    [
        sitk.Image((5, 6, 4, 3), sitk.sitkInt16),
        sitk.Image((5, 6), sitk.sitkInt16),
        sitk.Image((5, 6, 4), sitk.sitkVectorUInt8, 3),
        sitk.Image((5, 6, 4), sitk.sitkComplexFloat32),
    ],
    ids=["4D", "2D", "vectors", "complex"],
)
@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
def test_other_than_one_3d_volume_is_refused(save, image, suffix):
    path = save(f"a{suffix}", image)
    with pytest.raises(ValueError, match="expected one 3D volume of real numbers"):
        formats.read_image(path)


def test_an_nrrd_without_a_space_is_warned_of(save, caplog):
    path = edit(save("a.nrrd"), rb"space: left-posterior-superior\n", b"")
    edit(path, rb"space directions: [^\n]*\n", b"spacings: 0.5 0.75 3\n")
    edit(path, rb"space origin: [^\n]*\n", b"")
    assert formats.read_image(path).spacing_mm == (0.5, 0.75, 3)
    assert "a.nrrd: the header names no space" in caplog.text


@pytest.mark.parametrize(
    "choice", [Choice(series=3), Choice(echo=1), Choice(volume="W")]
)
def test_choices_are_for_dicom(save, choice):
    with pytest.raises(ValueError, match="holds one volume"):
        formats.read_image(save("a.mha"), choice=choice)


def test_without_simpleitk_the_extra_is_named(save, monkeypatch):
    path = save("a.mha")
    real_import = builtins.__import__

    def without(name, *arguments, **options):
        if name == "SimpleITK":
            raise ImportError("No module named 'SimpleITK'")
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"a.mha: .*pip install '\.\[itk\]'"):
        formats.read_image(path)


def test_matches_by_content(save, tmp_path):
    save("a.mha").rename(tmp_path / "scan")
    assert itk.matches(tmp_path / "scan")
    np.testing.assert_array_equal(formats.read_image(tmp_path / "scan").shape, SHAPE)
    for content in (b"", b"NRRD", b"ObjectType = Image\n", b"notes"):
        (tmp_path / "other").write_bytes(content)
        assert not itk.matches(tmp_path / "other")
    assert not itk.matches(tmp_path)
