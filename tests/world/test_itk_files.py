"""MetaImage and NRRD as programs write them: the voxels and places of SimpleITK."""

import gzip
import re
import zlib

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from world import scans

from deepresolve.imaging import formats
from deepresolve.system import notes

FEW = settings(max_examples=80, deadline=None, derandomize=True)
SHAPE = (5, 6, 4)
VOXELS = np.arange(120, dtype="<i2").reshape(SHAPE, order="F")
RAW = VOXELS.tobytes(order="F")
NRRD = {
    "type": "short",
    "dimension": "3",
    "sizes": "5 6 4",
    "endian": "little",
    "encoding": "raw",
    "space": "left-posterior-superior",
    "space directions": "(0.5,0,0) (0,0.75,0) (0,0,3)",
    "space origin": "(1,2,3)",
}
META = {
    "ObjectType": "Image",
    "NDims": "3",
    "DimSize": "5 6 4",
    "ElementType": "MET_SHORT",
    "ElementSpacing": "0.5 0.75 3",
    "Offset": "1 2 3",
    "ElementDataFile": "LOCAL",
}


def nrrd(path, content=RAW, **fields):
    fields = {**NRRD, **{k.replace("_", " "): v for k, v in fields.items()}}
    lines = [f"{key}: {value}\n" for key, value in fields.items() if value is not None]
    path.write_bytes(f"NRRD0004\n{''.join(lines)}\n".encode() + content)
    return path


def meta(path, content=RAW, **fields):
    fields = {**META, **fields}
    fields["ElementDataFile"] = fields.pop("ElementDataFile")  # The last line.
    lines = [f"{key} = {value}\n" for key, value in fields.items() if value is not None]
    path.write_bytes("".join(lines).encode() + content)
    return path


def read(path):
    with notes.collected() as found:
        volume = formats.read_image(path)
    assert all(note.startswith(f"{path}: ") for note in found)
    return volume, list(found)


def check_against_simpleitk(path, volume):
    image = sitk.ReadImage(str(path))
    np.testing.assert_array_equal(volume.array, sitk.GetArrayFromImage(image).T)
    for index in np.ndindex(2, 2, 2):
        lps = np.array(image.TransformContinuousIndexToPhysicalPoint(index))
        mm = (volume.affine @ (*index, 1))[:3]
        np.testing.assert_allclose(mm, lps * (-1, -1, 1), rtol=1e-6, atol=1e-6)


def test_the_makers_here_make_sound_files(tmp_path):
    for path in (nrrd(tmp_path / "a.nrrd"), meta(tmp_path / "a.mha")):
        volume, found = read(path)
        np.testing.assert_array_equal(volume.array, VOXELS)
        np.testing.assert_array_equal(
            volume.affine,
            [[-0.5, 0, 0, -1], [0, -0.75, 0, -2], [0, 0, 3, 3], [0, 0, 0, 1]],
        )
        check_against_simpleitk(path, volume)
        assert found == []
        assert volume.space == "scanner"


@pytest.mark.parametrize("name", ["knee left", "50 mm", "Knie_\u00fc\u5de6", "a.b"])
@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_header_and_the_file_beside_it(tmp_path, name, suffix, packed):
    made = sitk.GetImageFromArray(scans.knee().astype(np.int16).T)
    made.SetSpacing((scans.PIXEL_MM, scans.PIXEL_MM, scans.STEP_MM))
    path = tmp_path / f"{name}{suffix}"
    sitk.WriteImage(made, str(path), packed)
    volume, found = read(path)
    check_against_simpleitk(path, volume)
    assert found == []
    assert sorted(formats.scan_files(path)) == sorted(tmp_path.iterdir())
    assert formats.find_scans(tmp_path) == [path]


@pytest.mark.parametrize("data_file", ["../a.raw", "LIST", "LIST 2", "a%d.raw 1 4 1"])
def test_voxels_in_many_or_distant_files_are_refused(tmp_path, data_file):
    path = nrrd(tmp_path / "a.nhdr", b"", data_file=data_file)
    (tmp_path / "LIST").touch()
    with pytest.raises(ValueError, match=r"keeps its voxels in .* one file beside it"):
        formats.read_image(path)


@pytest.mark.parametrize(
    ("space", "note"),
    [
        ("right-anterior-superior", None),
        ("RAS", None),
        ("left-anterior-superior", None),
        ("LAS", None),
        ("LPS", None),
        ("scanner-xyz", "names the space scanner-xyz"),
        ("3D-right-handed", "names the space 3D-right-handed"),
        (None, "names no space"),
    ],
)
def test_spaces(tmp_path, space, note):
    fields = {"space": space}
    if space is None:
        fields |= {"space_directions": None, "space_origin": None}
        fields["spacings"] = "0.5 0.75 3"
    path = nrrd(tmp_path / "a.nrrd", **fields)
    volume, found = read(path)
    check_against_simpleitk(path, volume)
    assert [bool(re.search(note, text)) for text in found] == [True] * bool(note)


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", gzip.compress(RAW)),
        ("ascii", " ".join(str(n) for n in VOXELS.ravel(order="F")).encode()),
        ("hex", RAW.hex().encode()),
    ],
    ids=["gzip", "ascii", "hex"],
)
def test_encodings(tmp_path, encoding, content):
    path = nrrd(tmp_path / "a.nrrd", content, encoding=encoding)
    volume, found = read(path)
    np.testing.assert_array_equal(volume.array, VOXELS)
    assert found == []


def test_big_endian(tmp_path):
    content = VOXELS.astype(">i2").tobytes(order="F")
    for path in (
        nrrd(tmp_path / "a.nrrd", content, endian="big"),
        meta(tmp_path / "a.mha", content, BinaryDataByteOrderMSB="True"),
    ):
        np.testing.assert_array_equal(read(path)[0].array, VOXELS)


@pytest.mark.parametrize(
    ("make", "fields", "note"),
    [
        (meta, {"ElementSpacing": None}, "gives no voxel sizes; taking 1 mm"),
        (nrrd, {"space_units": '"m" "m" "m"'}, 'space units are "m" "m" "m"'),
    ],
)
def test_what_itk_makes_up_in_silence_is_told(tmp_path, make, fields, note):
    path = make(tmp_path / f"scan.{'mha' if make is meta else 'nrrd'}", **fields)
    volume, found = read(path)
    check_against_simpleitk(path, volume)
    assert len(found) == 1
    assert note in found[0]


@pytest.mark.parametrize(
    ("make", "fields"), [(meta, {"DimSize": "5 6 3"}), (nrrd, {"sizes": "5 6 3"})]
)
def test_slices_that_the_header_does_not_tell_of_are_told(tmp_path, make, fields):
    path = make(tmp_path / f"scan.{'mha' if make is meta else 'nrrd'}", **fields)
    volume, found = read(path)
    np.testing.assert_array_equal(volume.array, VOXELS[..., :3])
    assert len(found) == 1
    assert "60 bytes follow the last voxel" in found[0]


@pytest.mark.parametrize(
    ("make", "fields", "message"),
    [
        (nrrd, {"encoding": "bzip2"}, "encoding is bzip2; read are raw, gzip"),
        (nrrd, {"space_directions": "none (0,1,0) (0,0,1)"}, "vector in mm for each"),
        (nrrd, {"space_directions": "(0,0,0) (0,1,0) (0,0,1)"}, "lengths above 0"),
        (nrrd, {"space_directions": "(1,0,0) (1,0,0) (0,0,1)"}, "axes that differ"),
        (nrrd, {"space_origin": "(nan,1,1)"}, "none that ITK reads"),
        (nrrd, {"sizes": "5 6 40"}, "damaged or cut short"),
        (meta, {"ElementSpacing": "0 1 1"}, "lengths above 0"),
        (meta, {"DimSize": "5 6 40"}, "damaged or cut short"),
    ],
)
def test_what_is_refused_says_why(tmp_path, make, fields, message):
    path = make(tmp_path / f"scan.{'mha' if make is meta else 'nrrd'}", **fields)
    with pytest.raises(ValueError, match=message) as caught:
        formats.read_image(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "0x" not in str(caught.value)  # No addresses of ITK's objects.


@pytest.mark.parametrize("make", [meta, nrrd])
@pytest.mark.parametrize("lost", [1, 2, 59])
def test_the_last_bytes_are_missed(tmp_path, make, lost):
    """ITK reads a MetaImage that is short of some, and fills it up."""
    path = make(tmp_path / f"scan.{'mha' if make is meta else 'nrrd'}", RAW[:-lost])
    with pytest.raises(ValueError, match=f"cut short.*{240 - lost} bytes of voxels"):
        formats.read_image(path)


@FEW
@given(st.integers(0, 10**6), st.integers(0, 7), st.booleans(), st.booleans())
def test_no_flipped_bit_of_packed_voxels_changes_one(
    tmp_path_factory, place, bit, is_cut, is_meta
):
    """ITK alone reads most of these, with other voxels."""
    packed = bytearray(zlib.compress(RAW) if is_meta else gzip.compress(RAW))
    place %= len(packed)
    packed[place] ^= 1 << bit
    content = bytes(packed[:place] if is_cut else packed)
    folder = tmp_path_factory.mktemp("packed")
    if is_meta:
        size = {"CompressedDataSize": len(content)}
        path = meta(folder / "a.mha", content, CompressedData="True", **size)
    else:
        path = nrrd(folder / "a.nrrd", content, encoding="gzip")
    try:
        volume, _ = read(path)
    except ValueError as error:
        assert str(error).startswith(str(path))
        return
    np.testing.assert_array_equal(volume.array, VOXELS)


WORDS = st.sampled_from(
    [
        *("0", "-1", "1", "nan", "inf", "1e300", "none", "", "(1,0,0)", "(0,0,0)"),
        *("5 6 4", "1 1 1", "0.5 0.75 3", "-1 1 1", "True", "short", "LPS", "left"),
    ]
)


@FEW
@given(st.data())
def test_any_edit_of_a_field_is_read_as_simpleitk_does_or_refused(
    tmp_path_factory, data
):
    make, fields, name = data.draw(
        st.sampled_from([(meta, META, "a.mha"), (nrrd, NRRD, "a.nrrd")])
    )
    keys = data.draw(st.lists(st.sampled_from(sorted(fields)), max_size=2, min_size=1))
    values = [data.draw(st.one_of(WORDS, st.none()), label=key) for key in keys]
    edited = {k.replace(" ", "_"): v for k, v in zip(keys, values, strict=True)}
    path = make(tmp_path_factory.mktemp("fuzz") / name, **edited)
    try:
        volume, _ = read(path)
    except ValueError as error:
        assert str(error).startswith(str(path))
        return
    check_against_simpleitk(path, volume)
