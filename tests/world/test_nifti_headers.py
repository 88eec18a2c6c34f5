"""NIfTI headers that contradict themselves, and files that are odd but whole.

Each is read as nibabel or SimpleITK reads it, with a note that names the file and the
field; or refused by a ValueError that does, and says how to go on.
"""

import gzip
import re
import struct

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.spatialimages import HeaderDataError
from world import scans

from deepresolve.imaging import formats
from deepresolve.imaging import volume as volumes
from deepresolve.system import notes

FEW = settings(max_examples=150, deadline=None, derandomize=True)
# Byte offsets and layouts of fields of the NIfTI-1 header (nifti1.h).
FIELDS = {
    "sizeof_hdr": (0, "<i"),
    "dim_info": (39, "<B"),
    "dim": (40, "<8h"),
    "intent_code": (68, "<h"),
    "datatype": (70, "<h"),
    "bitpix": (72, "<h"),
    "pixdim": (76, "<8f"),
    "vox_offset": (108, "<f"),
    "scl_slope": (112, "<f"),
    "scl_inter": (116, "<f"),
    "xyzt_units": (123, "<B"),
    "cal_max": (124, "<2f"),
    "qform_code": (252, "<h"),
    "sform_code": (254, "<h"),
    "quatern": (256, "<3f"),
    "qoffset": (268, "<3f"),
    "srow": (280, "<12f"),
    "extension": (348, "<4B"),
}
TURNED = np.array(
    # An MNI-like affine beside scans.AFFINE: turned, moved, not stretched.
    [[0.98, -0.2, 0, 5], [0.2, 0.98, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1.0]]
)
TURNED[:3, :3] /= np.linalg.norm(TURNED[:3, :3], axis=0)

SMALL = nib.Nifti1Image(np.arange(120, dtype=np.int16).reshape(6, 5, 4), scans.AFFINE)
SMALL.set_qform(scans.AFFINE, 1)
SMALL = SMALL.to_bytes()


def spoil(path, **fields):
    for name, values in fields.items():
        offset, layout = FIELDS[name]
        scans.patch(path, offset, struct.pack(layout, *np.atleast_1d(values)))
    return path


def read(path):
    """The volume and the notes, each of which begins with the path."""
    with notes.collected() as found:
        volume = formats.read_image(path)
    assert all(note.startswith(str(path.parent)) for note in found)
    return volume, list(found)


def by_simpleitk(path):
    """(i, j, k) voxels and affine to RAS+ mm."""
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    direction = np.reshape(image.GetDirection(), (3, 3))
    affine[:3, :3] = direction * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).T, np.diag([-1, -1, 1, 1]) @ affine


@pytest.fixture
def scan(tmp_path):
    return scans.nifti(tmp_path / "scan.nii")


# ------------------------------------------------------------------ forms
@pytest.mark.parametrize("code", [1, 2])
def test_a_sound_scan_gives_no_note(tmp_path, code):
    def alone(image):
        image.set_qform(None)

    for name, edit in (("both", None), ("sform", alone)):
        path = scans.nifti(tmp_path / f"{name}.nii.gz", code=code, edit=edit)
        volume, found = read(path)
        assert found == []
        assert volume.space == ("scanner", "aligned")[code - 1]
        assert volume.other_form is None
        np.testing.assert_array_equal(volume.affine, scans.AFFINE)


# sform code, qform code, which one lengths are taken from.
@pytest.mark.parametrize(
    ("sform_code", "qform_code", "used"),
    [
        (4, 1, "qform"),
        (3, 2, "qform"),
        (5, 1, "qform"),
        (1, 4, "sform"),
        (2, 1, "sform"),
        (1, 2, "sform"),
        (1, 1, "sform"),
        (4, 3, "sform"),
    ],
)
def test_of_two_forms_one_is_gone_by_and_both_are_kept(
    tmp_path, sform_code, qform_code, used
):
    def move(image):
        image.set_sform(TURNED @ scans.AFFINE, sform_code)
        image.set_qform(scans.AFFINE, qform_code)

    path = scans.nifti(tmp_path / "scan.nii.gz", edit=move)
    source = nib.load(path)
    volume, found = read(path)
    form = source.get_sform() if used == "sform" else source.get_qform()
    np.testing.assert_allclose(volume.affine, form, atol=1e-6)
    (note,) = (text for text in found if "sform and qform differ" in text)
    assert f"Taken is the {used}" in note
    assert f"(code {sform_code}, " in note
    assert f"(code {qform_code}, " in note
    assert "mm apart" in note
    # What was made of the scan lies on it, by the sform and by the qform.
    result = volume.canonical().with_array(volume.canonical().array > 300)
    formats.write(tmp_path / "result.nii.gz", result)
    written = nib.load(tmp_path / "result.nii.gz")
    for name in ("sform", "qform"):
        expected, expected_code = getattr(source, f"get_{name}")(coded=True)
        affine, code = getattr(written, f"get_{name}")(coded=True)
        np.testing.assert_allclose(affine, expected, atol=1e-4)
        assert code == expected_code
    again, _ = read(tmp_path / "result.nii.gz")
    np.testing.assert_allclose(again.affine, volume.affine, atol=1e-5)
    assert again.space == volume.space


def test_the_thin_slices_of_a_registered_scan_lie_on_both_forms(tmp_path):
    def move(image):
        image.set_sform(TURNED @ scans.AFFINE, 4)

    path = scans.nifti(tmp_path / "scan.nii.gz", edit=move)
    thick = read(path)[0].canonical()
    thin = thick.resliced(np.repeat(thick.array, 3, axis=2), step=1 / 3)
    formats.write(tmp_path / "thin.nii.gz", thin)
    source, written = nib.load(path), nib.load(tmp_path / "thin.nii.gz")
    # Thin slice 3n is thick slice n; which end of the axis it is, restore decides.
    for name in ("sform", "qform"):
        old = getattr(source, f"get_{name}")()
        new = getattr(written, f"get_{name}")()
        np.testing.assert_allclose(new @ (5, 6, 12, 1), old @ (5, 6, 4, 1), atol=1e-4)
    assert int(written.header["sform_code"]) == 4
    assert int(written.header["qform_code"]) == 1


def test_forms_in_one_place_with_two_meanings_are_told(tmp_path):
    path = scans.nifti(
        tmp_path / "scan.nii", edit=lambda image: image.set_sform(scans.AFFINE, 4)
    )
    volume, found = read(path)
    assert volume.space == "scanner"
    assert len(found) == 1
    assert "(code 4, mni)" in found[0]


def test_a_lone_form_in_a_standard_space_is_told(tmp_path):
    path = scans.nifti(
        tmp_path / "scan.nii", code=4, edit=lambda image: image.set_qform(None)
    )
    volume, found = read(path)
    assert volume.space == "mni"
    assert "standard space alone (code 4, mni)" in found[0]
    formats.write(tmp_path / "again.nii", volume)
    written = nib.load(tmp_path / "again.nii")
    assert written.get_sform(coded=True)[1] == 4


def test_a_scan_without_forms_gives_results_without_forms(tmp_path):
    """So that each viewer lays both at the place that it makes up for them."""

    def unset(image):
        image.set_sform(None)
        image.set_qform(None)

    path = scans.nifti(tmp_path / "scan.nii.gz", edit=unset)
    volume, found = read(path)
    assert volume.space == "unknown"
    assert "neither sform nor qform is set" in found[0]
    formats.write(tmp_path / "result.nii.gz", volume.canonical())
    written, source = nib.load(tmp_path / "result.nii.gz"), nib.load(path)
    assert int(written.header["sform_code"]) == int(written.header["qform_code"]) == 0
    np.testing.assert_array_equal(written.affine, source.affine)
    for path_of in (path, tmp_path / "result.nii.gz"):
        np.testing.assert_array_equal(
            sitk.ReadImage(str(path_of)).GetDirection(), np.eye(3).ravel()
        )


def test_unknown_places_that_no_viewer_would_make_up_are_written(tmp_path):
    volume = volumes.Volume(scans.knee(), scans.AFFINE, space="unknown")
    formats.write(tmp_path / "scan.nii", volume)
    affine, code = nib.load(tmp_path / "scan.nii").get_sform(coded=True)
    np.testing.assert_array_equal(affine, scans.AFFINE)
    assert code == 2  # nifti1.h: aligned to another file's coordinates.


# ------------------------------------------------------------------ fields
@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"sform_code": 0, "pixdim": (1, 0.5, -0.5, 3, 0, 0, 0, 0)}, "signs are left"),
        ({"sform_code": 0, "pixdim": (7, 0.5, 0.5, 3, 0, 0, 0, 0)}, r"qfac .* is 7.0"),
        ({"sform_code": 9}, "sform_code is 9, which NIfTI does not have"),
        ({"qform_code": -2}, "qform_code is -2, which NIfTI does not have"),
        ({"qform_code": 0, "pixdim": (1, 2, 2, 3, 0, 0, 0, 0)}, "2 x 2 x 3 mm, and"),
        ({"qform_code": 0, "pixdim": (1, np.nan, 0, 3, 0, 0, 0, 0)}, "nan x 0 x 3 mm"),
        ({"pixdim": (1, 0.5, 0.5, 4, 0, 0, 0, 0)}, "qform .* voxels of 0.5 x 0.5 x 4"),
        ({"pixdim": (1, 0.5, 0, 3, 0, 0, 0, 0)}, "qform is left out.*0.5, 0.0, 3.0"),
        ({"qoffset": (30, -10, -9)}, "corner 10 mm apart"),
        ({"qoffset": (np.nan, 0, 0)}, "qform is left out.*qoffset"),
        ({"quatern": (np.inf, 0, 0)}, "qform is left out.*quaternion"),
        ({"quatern": (0.5, 0.5, -0.5)}, "sform and qform differ"),
        ({"xyzt_units": 0x0D}, "unit of length in xyzt_units is 5"),
        ({"bitpix": 8}, "bitpix is 8, .*int16.* 16 bits"),
        ({"sizeof_hdr": 0}, "sizeof_hdr is 0; expected 348"),
    ],
    ids=str,
)
def test_what_nibabel_reads_is_read_with_a_note(scan, fields, note):
    spoil(scan, **fields)
    volume, found = read(scan)
    expected = nib.load(scan)
    np.testing.assert_allclose(volume.affine, expected.affine, atol=1e-6)
    np.testing.assert_array_equal(volume.array, np.asanyarray(expected.dataobj))
    assert any(re.search(note, text) for text in found), found


@pytest.mark.parametrize(
    "fields",
    [
        {"intent_code": 1002},
        {"cal_max": (np.nan, -5)},
        {"dim": (3, 48, 40, 10, -7, 0, 99, 3)},
        {"dim": (5, 48, 40, 10, 1, 1, 0, 0)},
        {"scl_slope": np.nan, "scl_inter": np.nan},
        {"scl_slope": 0, "scl_inter": 5},
        {"scl_slope": -2, "scl_inter": 700},
        {"sform_code": 0, "pixdim": (0, 0.5, 0.5, 3, 0, 0, 0, 0)},  # qfac 0 is 1.
    ],
    ids=str,
)
def test_what_does_no_harm_gives_no_note(scan, fields):
    spoil(scan, **fields)
    volume, found = read(scan)
    expected = nib.load(scan)
    np.testing.assert_allclose(volume.affine, expected.affine, atol=1e-6)
    voxels = np.asanyarray(expected.dataobj).reshape(scans.SHAPE)
    np.testing.assert_array_equal(volume.array, voxels)
    assert found == []


@pytest.mark.parametrize(
    "fields",
    [
        {"quatern": (0.70710678, 0.70710678 * (1 + 2e-6), 0), "sform_code": 0},
        {"quatern": (0.6, 0.7, 0.5), "sform_code": 0},
        {"scl_slope": 1, "scl_inter": np.nan},
        {"scl_slope": 0.5, "scl_inter": np.inf},
        {"srow": (0,) * 12},
    ],
    ids=str,
)
def test_what_nibabel_cannot_use_and_itk_reads_is_read_with_a_note(scan, fields):
    spoil(scan, **fields)
    volume, found = read(scan)
    voxels, affine = by_simpleitk(scan)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-5)
    np.testing.assert_array_equal(volume.array, voxels)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("code", "scale", "is_odd"),
    [(1, 1e-3, False), (3, 1e3, False), (0, 1, False), (1, 1, True), (3, 1, True)],
)
def test_units_of_length(tmp_path, code, scale, is_odd):
    """Half a millimetre is 0.0005 m and 500 micrometres; what then is odd is told."""
    affine = np.diag([scale, scale, scale, 1.0]) @ scans.AFFINE
    path = spoil(scans.nifti(tmp_path / "scan.nii", affine=affine), xyzt_units=code)
    volume, found = read(path)
    if is_odd:
        assert any("none of a scan of a patient" in note for note in found)
    else:
        np.testing.assert_allclose(volume.affine, scans.AFFINE, rtol=1e-6)
        assert found == []


def test_a_stale_dim_info_is_told(tmp_path):
    path = scans.nifti(
        tmp_path / "scan.nii.gz",
        edit=lambda image: image.header.set_dim_info(freq=1, phase=2, slice=0),
    )
    volume, found = read(path)
    assert volume.slice_axis == 2
    assert "dim_info says that slices are stacked along axis 0" in found[0]
    assert "--slice_axis" in found[0]
    assert formats.read_image(path, slice_axis=0).slice_axis == 0


@pytest.mark.parametrize(
    ("spacing_mm", "told"),
    [((0.5, 0.5, 3), 2), ((0.7, 0.7, 0.7), 0), ((0.4, 0.5, 0.5), 0), ((3, 1, 1), 0)],
)
def test_a_dim_info_that_may_be_right_is_taken(tmp_path, spacing_mm, told):
    path = scans.nifti(
        tmp_path / "scan.nii",
        affine=np.diag([*spacing_mm, 1.0]),
        edit=lambda image: image.header.set_dim_info(slice=told),
    )
    volume, found = read(path)
    assert volume.slice_axis == told
    assert found == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"sform_code": 0, "pixdim": (1, 0, 0.5, 3, 0, 0, 0, 0)},
            "pixdim.*or set the sform",
        ),
        ({"sform_code": 0, "quatern": (np.nan, 0, 0)}, "quaternion.*Correct"),
        ({"sform_code": 0, "quatern": (2, 0, 0)}, "quaternion.*numbers of -1 to 1"),
        ({"sform_code": 0, "qoffset": (np.inf, 0, 0)}, "qform cannot .*Correct.*qoff"),
        ({"sform_code": 0, "pixdim": (1, 1e-30, 1, 1, 0, 0, 0, 0)}, "qform cannot be"),
        ({"qform_code": 0, "srow": (0,) * 12}, "sform cannot be.*Correct srow_x"),
        ({"datatype": 128}, r"datatype is 128 \(colour\).*one channel"),
        ({"datatype": 32}, r"datatype is 32 \(complex\).*magnitude"),
        ({"datatype": 1536}, r"datatype is 1536 \(float128\)"),
        ({"datatype": 0}, r"datatype is 0 \(unknown"),
        ({"dim": (4, 48, 40, 2, 5, 1, 1, 1)}, "one 3D volume; got shape .*of its own"),
        ({"dim": (12, 48, 40, 10, 1, 1, 1, 1)}, "the number of axes, is 12"),
        ({"vox_offset": 0}, "vox_offset puts the voxels at byte 0.*Export"),
        ({"vox_offset": 1e9}, "cut short.*promises 1000038400"),
    ],
    ids=str,
)
def test_what_has_no_right_answer_is_refused_by_field(scan, fields, message):
    spoil(scan, **fields)
    with pytest.raises(ValueError, match=message) as caught:
        formats.read_image(scan)
    assert str(caught.value).startswith(str(scan))


def test_extensions_are_passed_over_even_where_they_are_broken(tmp_path):
    raw = scans.nifti(tmp_path / "plain.nii").read_bytes()
    body = struct.pack("<ii", 7, 4) + bytes(24)  # Not a multiple of 16 bytes.
    path = tmp_path / "scan.nii"
    path.write_bytes(raw[:348] + b"\1\0\0\0" + body + raw[352:])
    spoil(path, vox_offset=352 + len(body))
    volume, found = read(path)
    np.testing.assert_array_equal(
        volume.array, nib.load(tmp_path / "plain.nii").dataobj
    )
    assert found == []


# ------------------------------------------------------------------ files
def test_what_gunzip_takes_is_taken(scan, tmp_path):
    raw = scan.read_bytes()
    half = len(raw) // 2
    packed = {
        "members": gzip.compress(raw[:half]) + gzip.compress(raw[half:]),
        "bgzf": b"".join(
            gzip.compress(raw[n : n + 999]) for n in range(0, len(raw), 999)
        ),
        "empty_member": gzip.compress(raw) + gzip.compress(b""),
        "zeros": gzip.compress(raw) + bytes(1024),
        "unpacked": raw,
    }
    for name, content in packed.items():
        path = tmp_path / f"{name}.nii.gz"
        path.write_bytes(content)
        volume, found = read(path)
        np.testing.assert_array_equal(volume.array, nib.load(scan).dataobj)
        assert found == []


@pytest.mark.parametrize(
    ("tail", "note"),
    [(b"<!-- appended -->", "17 bytes after the end"), (b"\x1f", "cut short")],
)
def test_bytes_after_the_end_are_told(scan, tmp_path, tail, note):
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(gzip.compress(scan.read_bytes()) + bytes(3) + tail)
    if note == "cut short":  # The beginning of another member.
        with pytest.raises(ValueError, match=note):
            formats.read_image(path)
        return
    volume, found = read(path)
    np.testing.assert_array_equal(volume.array, nib.load(scan).dataobj)
    assert len(found) == 1
    assert note in found[0]


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.hdr"])
def test_slices_that_the_header_does_not_tell_of_are_told(tmp_path, name):
    """dim[3] is 7, and the file holds ten slices."""
    array = scans.knee().astype(np.int16)
    if name == "scan.hdr":
        nib.Nifti1Pair(array, scans.AFFINE).to_filename(tmp_path / "scan.img")
        path = tmp_path / "scan.hdr"
    else:
        path = scans.nifti(tmp_path / "scan.nii")
    spoil(path, dim=(3, 48, 40, 7, 1, 1, 1, 1))
    if name == "scan.nii.gz":
        path = tmp_path / name
        path.write_bytes(gzip.compress((tmp_path / "scan.nii").read_bytes()))
    volume, found = read(path)
    np.testing.assert_array_equal(volume.array, array[..., :7])
    assert len(found) == 1
    assert f"{48 * 40 * 3 * 2} bytes follow the last voxel" in found[0]


def test_packed_twice_is_unpacked_twice(scan, tmp_path):
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(gzip.compress(gzip.compress(scan.read_bytes())))
    volume, found = read(path)
    np.testing.assert_array_equal(volume.array, nib.load(scan).dataobj)
    assert len(found) == 1
    assert "packed by gzip 2 times" in found[0]


def test_damaged_means_that_bytes_are(scan, tmp_path):
    packed = bytearray(gzip.compress(scan.read_bytes()))
    for n in (len(packed) // 2, len(packed) - 6):
        path = tmp_path / "scan.nii.gz"
        path.write_bytes(packed[:n] + bytes([packed[n] ^ 1]) + packed[n + 1 :])
        with pytest.raises(ValueError, match="damaged or cut short"):
            formats.read_image(path)


@FEW
@given(st.integers(0, 10**6), st.integers(0, 7), st.booleans())
def test_no_flipped_bit_and_no_lost_byte_changes_a_voxel(
    tmp_path_factory, place, bit, is_cut
):
    """gzip's checksum tells: the voxels are the file's own, or it is refused."""
    packed = bytearray(gzip.compress(SMALL, mtime=0))
    place %= len(packed)
    packed[place] ^= 1 << bit
    path = tmp_path_factory.mktemp("packed") / "scan.nii.gz"
    path.write_bytes(packed[:place] if is_cut else packed)
    try:
        volume, _ = read(path)
    except ValueError as error:
        assert str(error).startswith(str(path))
        return
    np.testing.assert_array_equal(volume.array.ravel(), np.arange(120))


def write_odd(path, header_class, order):
    """A qform alone, with a long quaternion, no unit that exists, a stale dim_info."""
    made = nib.Nifti1Image(scans.knee().astype(np.int16), scans.AFFINE)
    header = header_class.from_header(made.header).as_byteswapped(order)
    header["sform_code"], header["qform_code"] = 0, 1
    header["vox_offset"], header["xyzt_units"] = header.single_vox_offset, 5
    header.set_dim_info(slice=0)
    for name, value in zip("bcd", (0.6, 0.8, 0.01), strict=True):
        header[f"quatern_{name}"] = value
    voxels = np.asarray(made.dataobj).astype(f"{order}i2")
    path.write_bytes(header.binaryblock + bytes(4) + voxels.tobytes(order="F"))
    return path


@pytest.mark.parametrize("header_class", [nib.Nifti1Header, nib.Nifti2Header])
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_versions_in_both_orders_of_bytes(tmp_path, header_class, order):
    volume, found = read(write_odd(tmp_path / "scan.nii", header_class, order))
    # SimpleITK reads NIfTI-1 alone.
    plain = write_odd(tmp_path / "plain.nii", nib.Nifti1Header, "<")
    voxels, affine = by_simpleitk(plain)
    np.testing.assert_array_equal(volume.array, voxels)
    assert volume.array.dtype.isnative
    np.testing.assert_allclose(volume.affine, affine, atol=1e-4)
    fields = ("quaternion", "xyzt_units", "dim_info")
    assert all(any(field in note for note in found) for field in fields)
    assert len(found) == 3


# ------------------------------------------------------------------ pairs
@pytest.mark.parametrize("suffixes", [(".hdr", ".img"), (".HDR", ".IMG")])
@pytest.mark.parametrize("pair", [nib.Nifti1Pair, nib.Nifti2Pair])
@pytest.mark.parametrize("packed", [False, True])
def test_pairs_are_read_by_either_name(tmp_path, pair, packed, suffixes):
    made = pair(scans.knee().astype(np.int16), scans.AFFINE)
    made.set_qform(scans.AFFINE, 1)
    made.set_sform(scans.AFFINE, 1)
    made.to_filename(tmp_path / "made.img")
    paths = []
    for old, new in zip((".hdr", ".img"), suffixes, strict=True):
        raw = (tmp_path / f"made{old}").read_bytes()
        paths.append(tmp_path / f"scan{new}{'.gz' if packed else ''}")
        paths[-1].write_bytes(gzip.compress(raw) if packed else raw)
    for path in paths:
        volume, found = read(path)
        np.testing.assert_array_equal(volume.array, made.dataobj)
        np.testing.assert_array_equal(volume.affine, scans.AFFINE)
        assert found == []
        assert formats.nifti.files_of(path) == paths


def test_half_a_pair_is_refused_by_the_file_that_is_missing(tmp_path):
    nib.Nifti1Pair(scans.knee().astype(np.int16), scans.AFFINE).to_filename(
        tmp_path / "scan.img"
    )
    (tmp_path / "scan.img").unlink()
    with pytest.raises(ValueError, match=r"scan.img or .img.gz, is not beside it"):
        formats.read_image(tmp_path / "scan.hdr")


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_analyze_pair_is_read_with_an_unknown_orientation(tmp_path, order):
    header = nib.Spm99AnalyzeHeader(endianness=order)
    made = nib.Spm99AnalyzeImage(
        scans.knee().astype(np.int16), np.diag([-0.5, 0.5, 3, 1]), header
    )
    made.to_filename(tmp_path / "scan.img")
    (tmp_path / "scan.mat").unlink(missing_ok=True)
    volume, found = read(tmp_path / "scan.hdr")
    expected = nib.load(tmp_path / "scan.img")
    np.testing.assert_array_equal(volume.array, np.asanyarray(expected.dataobj))
    np.testing.assert_allclose(volume.affine[:3, :3], expected.affine[:3, :3])
    assert volume.space == "unknown"
    assert any("an Analyze 7.5 header" in note for note in found)


# ------------------------------------------------------------------ the JSON beside
@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.hdr"])
def test_the_thickness_comes_from_the_json_beside_the_scan(tmp_path, name):
    if name == "scan.hdr":
        nib.Nifti1Pair(scans.knee().astype(np.int16), scans.AFFINE).to_filename(
            tmp_path / "scan.img"
        )
    else:
        scans.nifti(tmp_path / name)
    path = tmp_path / name
    assert read(path)[0].slice_thickness_mm is None
    told = '{"SliceThickness": 2.5, "SpacingBetweenSlices": 3}'
    (tmp_path / "scan.json").write_text(told, encoding="utf-8-sig")
    volume, found = read(path)
    assert volume.slice_thickness_mm == 2.5
    assert volume.has_gaps
    assert found == []


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("{", "scan.json: no slice thickness is taken from it"),
        ("[]", "expected an object, got list"),
        ("\udcff", "no slice thickness"),
        ("[" * 100_000, "no slice thickness"),
        ('{"SliceThickness": "thin"}', "SliceThickness is 'thin' in scan.json"),
        ('{"SliceThickness": -1}', "SliceThickness is -1 in scan.json"),
        ('{"SliceThickness": NaN}', "SliceThickness is nan"),
        ('{"SliceThickness": true}', "SliceThickness is True"),
        ('{"SliceThickness": 40}', "SliceThickness is 40 mm .* 3 mm apart"),
        (
            '{"SliceThickness": 0.5, "SpacingBetweenSlices": 0.7}',
            "SpacingBetweenSlices is 0.7 mm .* 3 mm apart",
        ),
    ],
    ids=range(10),
)
def test_a_json_that_is_wrong_is_told_and_never_an_error(scan, content, note):
    text = content.encode("utf-8", "surrogateescape")
    scan.with_name("scan.json").write_bytes(text)
    volume, found = read(scan)
    assert volume.slice_thickness_mm is None
    assert len(found) == 1
    assert re.search(note, found[0])


@pytest.mark.parametrize(
    ("content", "expected", "note"),
    [
        ('{"MRAcquisitionType": "3D", "SliceThickness": 2.5}', "3D", None),
        ('{"MRAcquisitionType": "2D", "SpacingBetweenSlices": 3}', "2D", None),
        ('{"MRAcquisitionType": null}', None, None),
        ('{"MRAcquisitionType": ["2D"]}', None, r"is \['2D'\] .* expected 2D or 3D"),
        ('{"MRAcquisitionType": "4D"}', None, "is '4D' in scan.json; expected 2D or"),
        (
            '{"MRAcquisitionType": "3D", "SpacingBetweenSlices": 0.7}',
            None,
            "how slices were encoded are taken as unknown",
        ),
    ],
)
def test_the_json_tells_how_slices_were_encoded(scan, content, expected, note):
    scan.with_name("scan.json").write_text(content)
    volume, found = read(scan)
    assert volume.slice_encoding == expected
    assert len(found) == (note is not None)
    assert note is None or re.search(note, found[0])


@pytest.mark.parametrize("content", ["{}", '{"SliceThickness": null}'])
def test_a_json_that_tells_nothing_is_no_matter(scan, content):
    scan.with_name("scan.json").write_text(content)
    volume, found = read(scan)
    assert volume.slice_thickness_mm is None
    assert found == []


# ------------------------------------------------------------------ what always worked
@pytest.mark.parametrize(
    "dtype",
    [
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "float32",
    ],
)
def test_dtypes_and_their_largest_values(tmp_path, dtype):
    array = scans.knee() / 1000
    top = np.iinfo(dtype).max * 0.99 if dtype != "float32" else 1e30
    array = (array / array.max() * top).astype(dtype)
    image = nib.Nifti1Image(array, scans.AFFINE, dtype=dtype)
    image.to_filename(tmp_path / "scan.nii.gz")
    volume, found = read(tmp_path / "scan.nii.gz")
    assert volume.array.dtype == dtype
    np.testing.assert_array_equal(volume.array, array)
    assert found == []


@pytest.mark.parametrize("scale", [1e-9, 1e30, -1.0])
def test_magnitudes(tmp_path, scale):
    array = (scans.knee() * scale).astype(np.float32)
    volume, found = read(scans.nifti(tmp_path / "scan.nii.gz", array))
    np.testing.assert_array_equal(volume.array, array)
    assert found == []


@pytest.mark.parametrize("shape", [(48, 40, 2), (48, 40, 3), (11, 300, 7)])
def test_few_slices(tmp_path, shape):
    volume, found = read(scans.nifti(tmp_path / "s.nii.gz", scans.knee(shape)))
    assert volume.shape == shape
    assert found == []


@pytest.mark.parametrize(
    "name", ["knee 1.5T v2.final", "knee[1]", "50%_links", "Knie_\u00fc\u5de6"]
)
def test_odd_names(tmp_path, name):
    path = scans.nifti(tmp_path / f"{name}.nii.gz")
    volume, found = read(path)
    assert volume.shape == scans.SHAPE
    assert found == []
    assert formats.scan_stem(path) == name


# ------------------------------------------------------------------ a search
def number(low, high):
    odd = [0, -1, 1, low, high]
    return st.one_of(st.sampled_from(odd), st.integers(low, high))


REAL = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 1e-30, 1e38]),
    st.sampled_from([np.nan, np.inf, -np.inf, -0.5, 1e-3]),
    st.floats(width=32),
)
SHORT = number(-(2**15), 2**15 - 1)
VALUES = {
    "sizeof_hdr": number(-(2**31), 2**31 - 1).map(lambda n: (n,)),
    "dim_info": number(0, 255).map(lambda n: (abs(n),)),
    "dim": st.tuples(number(-2, 9), *[number(-2, 60)] * 7),
    "datatype": st.sampled_from([2, 4, 8, 16, 64, 128, 256, 512, 768, 9, 0]).map(
        lambda n: (n,)
    ),
    "bitpix": SHORT.map(lambda n: (n,)),
    "xyzt_units": number(0, 255).map(lambda n: (abs(n),)),
    "qform_code": number(-1, 7).map(lambda n: (n,)),
    "sform_code": number(-1, 7).map(lambda n: (n,)),
    **{
        name: st.tuples(*[REAL] * struct.calcsize(FIELDS[name][1]).__floordiv__(4))
        for name in (
            *("pixdim", "vox_offset", "scl_slope", "scl_inter"),
            *("quatern", "qoffset", "srow"),
        )
    },
}


def header_elsewhere(path):
    with path.open("rb") as stream:
        return nib.Nifti1Header.from_fileobj(stream)


def voxels_elsewhere(path):
    """By nibabel, which refuses a scl_inter that is not finite: with 0 for that."""
    header = header_elsewhere(path)
    if not np.isfinite(header["scl_inter"]):
        header["scl_inter"] = 0
    return np.asanyarray(nib.arrayproxy.ArrayProxy(str(path), header))


def affine_elsewhere(path, other):
    """By nibabel, of the form that is gone by; where it refuses, by SimpleITK."""
    try:
        header = header_elsewhere(path)
        affine = header.get_best_affine()
        if other is not None:
            affine = header.get_qform() if other.is_sform else header.get_sform()
        # Void: not finite, a thousand kilometres wide, or of no volume.
        elif not np.all(np.abs(affine) < 1e9) or abs(np.linalg.det(affine)) < 1e-12:
            affine = header.get_qform()
    except (ValueError, HeaderDataError):
        mended = path.with_name("mended.nii")
        mended.write_bytes(path.read_bytes())
        # To nibabel, codes that NIfTI does not have are 0.
        codes = {name: int(header[name]) for name in ("sform_code", "qform_code")}
        return by_simpleitk(spoil(mended, **codes))[1]
    # SimpleITK minds the unit of length, nibabel leaves that to its user.
    mm = {1: 1e3, 3: 1e-3}.get(path.read_bytes()[123] & 7, 1.0)
    return np.diag([mm, mm, mm, 1]) @ affine


@FEW
@given(st.data())
def test_any_edit_of_a_header_is_read_right_or_refused_by_name(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "scan.nii"
    path.write_bytes(SMALL)
    some = st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=3, unique=True)
    names = data.draw(some)
    spoil(path, **{name: data.draw(VALUES[name], label=name) for name in names})
    try:
        volume, _ = read(path)
    except ValueError as error:
        assert str(error).startswith(str(path)), error
        assert len(str(error)) > len(str(path)) + 30
        return
    voxels = voxels_elsewhere(path).reshape(volume.shape)
    np.testing.assert_allclose(
        volume.array, voxels.astype(volume.array.dtype), rtol=1e-6
    )
    affine = affine_elsewhere(path, volume.other_form)
    np.testing.assert_allclose(volume.affine, affine, rtol=1e-5, atol=1e-4)
