import errno
import gzip
import itertools
import logging
import os
import struct
import tracemalloc

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging import volume as volumes
from deepresolve.imaging.formats import limits, nifti
from deepresolve.imaging.formats.choice import Choice

SHAPE = (5, 6, 4)
OBLIQUE = np.array(
    # Voxels of 0.5, 0.75 and 3 mm along the columns of a rotation (a 3-4-5 triangle).
    [
        [0.6 * 0.5, 0, -0.8 * 3.0, -20.5],
        [0, -0.75, 0, 31.25],
        [-0.8 * 0.5, 0, -0.6 * 3.0, 77.0],
        [0, 0, 0, 1],
    ]
)
# The same axes with voxels that are nearly cubes.
SQUARE = OBLIQUE @ np.diag([1, 1, 0.25, 1])
# Byte offsets of fields in the NIfTI-1 header (nifti1.h).
FIELDS = {
    "dim": (40, "<8h"),
    "datatype": (70, "<h"),
    "pixdim": (76, "<8f"),
    "vox_offset": (108, "<f"),
    "scl": (112, "<2f"),
    "xyzt_units": (123, "<B"),
    "qform_code": (252, "<h"),
    "sform_code": (254, "<h"),
    "srow_x": (280, "<4f"),
}


def _voxels(dtype=np.int16, shape=SHAPE):
    values = np.random.default_rng(3).integers(0, 120, shape)
    return values.astype(dtype)


def _save(path, array, affine=OBLIQUE, *, image_class=nib.Nifti1Image, header=None):
    """Writes a file with nibabel, sform and qform both set."""
    image = image_class(array, affine, header, dtype=array.dtype)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.to_filename(path)
    return path


def _patch(path, **fields):
    """Overwrites fields of an uncompressed NIfTI-1 header."""
    data = bytearray(path.read_bytes())
    for name, values in fields.items():
        offset, layout = FIELDS[name]
        struct.pack_into(layout, data, offset, *np.atleast_1d(values))
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".NII.GZ"])
@pytest.mark.parametrize(
    "dtype",
    [
        np.int8,
        np.uint8,
        np.int16,
        np.uint16,
        np.int32,
        np.uint32,
        np.int64,
        np.uint64,
        np.float32,
    ],
)
def test_round_trip_keeps_voxels_dtype_and_place(dtype, suffix, tmp_path):
    volume = volumes.Volume(_voxels(dtype), SQUARE, 1)
    path = tmp_path / f"scan{suffix}"
    nifti.write(path, volume)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    again = nifti.read(path)
    assert again.array.dtype == dtype
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_allclose(again.affine, SQUARE, rtol=1e-6, atol=1e-6)
    assert again.slice_axis == 1


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [(np.float64, np.float32), (np.float16, np.float32), (bool, np.uint8)],
)
def test_dtypes_that_are_converted(dtype, stored, tmp_path):
    array = _voxels(dtype)
    nifti.write(tmp_path / "scan.nii", volumes.Volume(array, OBLIQUE))
    image = nib.load(tmp_path / "scan.nii")
    assert image.get_data_dtype() == stored
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), array.astype(stored))


def test_nibabel_reads_what_is_written(tmp_path):
    volume = volumes.Volume(_voxels(), OBLIQUE, 0)
    nifti.write(tmp_path / "scan.nii.gz", volume)
    image = nib.load(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), volume.array)
    np.testing.assert_allclose(image.get_sform(), OBLIQUE, atol=1e-5)
    np.testing.assert_allclose(image.get_qform(), OBLIQUE, atol=1e-5)
    assert int(image.header["sform_code"]) == int(image.header["qform_code"]) == 1
    assert image.header.get_xyzt_units()[0] == "mm"
    assert image.header.get_dim_info() == (None, None, 0)
    np.testing.assert_allclose(image.header.get_zooms(), (0.5, 0.75, 3), rtol=1e-6)


def test_a_sheared_affine_is_kept_by_the_sform_alone(tmp_path):
    sheared = OBLIQUE.copy()
    sheared[:3, 2] += 0.4 * sheared[:3, 0]
    nifti.write(tmp_path / "scan.nii", volumes.Volume(_voxels(), sheared))
    image = nib.load(tmp_path / "scan.nii")
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 0)
    np.testing.assert_allclose(nifti.read(tmp_path / "scan.nii").affine, sheared, 1e-6)


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
def test_a_canonical_volume_is_written_as_the_scan_lay(slice_axis, tmp_path):
    volume = volumes.Volume(_voxels(), SQUARE, slice_axis)
    nifti.write(tmp_path / "scan.nii", volume.canonical())
    again = nifti.read(tmp_path / "scan.nii")
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_allclose(again.affine, SQUARE, atol=1e-5)
    assert again.slice_axis == slice_axis


def test_the_same_volume_gives_the_same_bytes(tmp_path):
    volume = volumes.Volume(_voxels(), OBLIQUE)
    for name in ("a.nii.gz", "b.nii.gz"):
        nifti.write(tmp_path / name, volume)
    packed = (tmp_path / "a.nii.gz").read_bytes()
    assert packed == (tmp_path / "b.nii.gz").read_bytes()
    # RFC 1952: no name or other field (FLG), and no time (MTIME).
    assert packed[3:8] == bytes(5)


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
def test_a_full_disk_leaves_what_was_there(name, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_bytes(b"the last good file")

    def no_space(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left on device"):
        nifti.write(path, volumes.Volume(_voxels(), OBLIQUE))
    assert path.read_bytes() == b"the last good file"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
def test_a_write_cut_off_midway_leaves_nothing(name, tmp_path, full_disk):
    noise = np.random.default_rng(0).integers(0, 2**15, (64, 64, 64), dtype=np.int16)
    with pytest.raises(OSError, match="File too large"), full_disk(2**16):
        nifti.write(tmp_path / name, volumes.Volume(noise, OBLIQUE))
    assert list(tmp_path.iterdir()) == []


def test_write_refuses_what_it_cannot_keep(tmp_path):
    volume = volumes.Volume(_voxels(), OBLIQUE)
    with pytest.raises(ValueError, match=r"scan.img: .* ends in .nii or .nii.gz"):
        nifti.write(tmp_path / "scan.img", volume)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing"):
        nifti.write(tmp_path / "missing" / "scan.nii", volume)
    with pytest.raises(ValueError, match="no place for voxels of complex128"):
        nifti.write(tmp_path / "scan.nii", volume.with_array(_voxels(complex)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("image_class", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_both_versions_are_read(image_class, suffix, tmp_path):
    path = _save(tmp_path / f"scan{suffix}", _voxels(), image_class=image_class)
    assert nifti.matches(path)
    volume = nifti.read(path)
    np.testing.assert_array_equal(volume.array, _voxels())
    np.testing.assert_allclose(volume.affine, OBLIQUE, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_big_endian_becomes_native(dtype, tmp_path):
    header = nib.Nifti1Header(endianness=">")
    path = _save(tmp_path / "scan.nii", _voxels(dtype), header=header)
    assert path.read_bytes()[:4] == struct.pack(">i", 348)
    array = nifti.read(path).array
    assert array.dtype == np.dtype(dtype)
    assert array.dtype.isnative
    np.testing.assert_array_equal(array, _voxels(dtype))


def test_doubles_become_float32(tmp_path):
    path = _save(tmp_path / "scan.nii", _voxels(np.float64) / 3)
    array = nifti.read(path).array
    assert array.dtype == np.float32
    np.testing.assert_allclose(array, _voxels(np.float64) / 3, rtol=1e-7)


@pytest.mark.parametrize("scl", [(0, 0), (1, 0), (0, 5), (np.nan, np.nan)])
def test_no_scaling_keeps_the_dtype(scl, tmp_path):
    """nifti1.h: a slope of 0 means unscaled."""
    path = _save(tmp_path / "scan.nii", _voxels())
    _patch(path, scl=scl)
    array = nifti.read(path).array
    assert array.dtype == np.int16
    np.testing.assert_array_equal(array, _voxels())


@pytest.mark.parametrize("scl", [(0.25, -3), (2, 0), (1, 10), (-1, 0)])
def test_scale_factors_are_applied(scl, tmp_path):
    path = _save(tmp_path / "scan.nii", _voxels())
    _patch(path, scl=scl)
    array = nifti.read(path).array
    assert array.dtype == np.float32
    np.testing.assert_allclose(array, _voxels(np.float64) * scl[0] + scl[1], rtol=1e-7)


@pytest.mark.parametrize(
    ("sform_code", "qform_code"),
    [*itertools.product((0, 1, 2), (0, 1, 2, 3, 4, 5)), (4, 0), (4, 3), (3, 5)],
)
def test_the_affine_is_chosen_as_nibabel_does(sform_code, qform_code, tmp_path):
    path = _save(tmp_path / "scan.nii", _voxels())
    # The sform says another place than the qform, so that they can be told apart.
    _patch(path, sform_code=sform_code, qform_code=qform_code, srow_x=(0.3, 0, -2.4, 5))
    np.testing.assert_array_equal(nifti.read(path).affine, nib.load(path).affine)


def test_an_unknown_orientation_is_warned_of(tmp_path, caplog):
    path = _save(tmp_path / "scan.nii", _voxels())
    with caplog.at_level(logging.WARNING):
        nifti.read(path)
    assert not caplog.records
    _patch(path, sform_code=0, qform_code=0)
    with caplog.at_level(logging.WARNING):
        assert nifti.read(path).spacing_mm == pytest.approx((0.5, 0.75, 3))
        assert nifti.read(path).orientation == "LAS"  # As the warning says.
    assert "neither sform nor qform is set" in caplog.text
    assert str(path) in caplog.text


def test_a_qfac_of_0_counts_as_1(tmp_path):
    """nifti1.h: "if pixdim[0]=0 ... take qfac=1"."""
    path = _save(tmp_path / "scan.nii", _voxels())
    before = nib.load(path).get_qform()
    qfac = float(nib.load(path).header["pixdim"][0])
    _patch(path, sform_code=0, pixdim=(0, 0.5, 0.75, 3, 0, 0, 0, 0))
    expected = before.copy()
    expected[:3, 2] *= qfac
    np.testing.assert_allclose(nifti.read(path).affine, expected, atol=1e-6)


@pytest.mark.parametrize(("code", "mm"), [(0, 1), (1, 1000), (2, 1), (3, 0.001)])
def test_units_become_millimetres(code, mm, tmp_path):
    """nifti1.h: 0 unknown, 1 metre, 2 millimetre, 3 micrometre."""
    path = _save(tmp_path / "scan.nii", _voxels())
    _patch(path, xyzt_units=code)
    expected = nib.load(path).affine
    expected[:3] *= mm
    np.testing.assert_allclose(nifti.read(path).affine, expected)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_headers_slice_axis_comes_before_the_largest_spacing(
    axis, tmp_path, caplog
):
    path = tmp_path / "scan.nii"
    image = nib.Nifti1Image(_voxels(), SQUARE)
    image.header.set_dim_info(slice=axis)
    image.to_filename(path)
    assert nifti.read(path).slice_axis == axis
    assert not caplog.records


def test_without_it_the_largest_spacing_decides(tmp_path):
    path = _save(tmp_path / "scan.nii", _voxels(), OBLIQUE[:, [2, 0, 1, 3]])
    assert nifti.read(path).slice_axis == 0


@pytest.mark.parametrize("shape", [(*SHAPE, 1), (*SHAPE, 1, 1)])
def test_4d_with_one_volume_is_3d(shape, tmp_path):
    array = _voxels(shape=shape)
    volume = nifti.read(_save(tmp_path / "scan.nii", array))
    np.testing.assert_array_equal(volume.array, array.reshape(SHAPE))


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 4, 3), (5, 6, 4, 1, 3)])
def test_other_shapes_are_refused(shape, tmp_path):
    path = _save(tmp_path / "scan.nii", _voxels(shape=shape))
    with pytest.raises(ValueError, match="expected one 3D volume; got shape") as caught:
        nifti.read(path)
    assert str(shape) in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "dtype", [np.complex64, np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])]
)
def test_complex_and_colour_are_refused(dtype, tmp_path):
    path = _save(tmp_path / "scan.nii", np.zeros(SHAPE, dtype))
    with pytest.raises(ValueError, match="expected integers or real numbers"):
        nifti.read(path)


def test_the_file_is_let_go_of(tmp_path):
    path = _save(tmp_path / "scan.nii", _voxels())
    array = nifti.read(path).array
    path.write_bytes(bytes(path.stat().st_size))
    np.testing.assert_array_equal(array, _voxels())
    assert array.flags.writeable


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_truncated_file_is_refused(suffix, kept, tmp_path):
    path = _save(tmp_path / f"scan{suffix}", _voxels(shape=(20, 20, 20)))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    if nifti.matches(path):  # Else the registry of formats refuses it.
        with pytest.raises(ValueError, match="damaged or cut short") as caught:
            nifti.read(path)
        assert str(path) in str(caught.value)
    else:
        assert kept <= 0.1


def test_a_flipped_byte_in_a_compressed_file_is_found(tmp_path):
    path = _save(tmp_path / "scan.nii", _voxels())
    # Stored, not packed: the byte changes one voxel and gzip's checksum alone tells.
    packed = bytearray(gzip.compress(path.read_bytes(), compresslevel=0))
    packed[-20] ^= 1
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(packed)
    with pytest.raises(
        ValueError, match=r"damaged or cut short \(.*Incorrect checksum"
    ):
        nifti.read(path)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("image_class", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("field", ["dim", "vox_offset"])
def test_what_lies_far_past_the_end_takes_no_memory(
    field, image_class, suffix, tmp_path
):
    image = image_class(_voxels(), OBLIQUE)
    content = bytearray(image.to_bytes())
    # Header sizes and fields of nifti1.h and nifti2.h.
    is_first = image_class is nib.Nifti1Image
    layout = {
        "dim": (40, "<8h") if is_first else (16, "<8q"),
        "vox_offset": (108, "<f") if is_first else (168, "<q"),
    }[field]
    large = 32767 if is_first else 2**40
    values = (3, large, large, large, 1, 1, 1, 1) if field == "dim" else (2**40,)
    struct.pack_into(layout[1], content, layout[0], *values)
    path = tmp_path / f"scan{suffix}"
    path.write_bytes(gzip.compress(content) if suffix == ".nii.gz" else content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"scan.nii.*the header promises \d{13,}"):
            nifti.read(path)
        # Files are read in blocks of 16 MiB.
        assert tracemalloc.get_traced_memory()[1] < 24 * 2**20
    finally:
        tracemalloc.stop()


def test_a_compressed_file_may_not_grow_without_bounds(tmp_path, monkeypatch):
    array = np.zeros((100, 100, 50), np.uint8)
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(gzip.compress(nib.Nifti1Image(array, OBLIQUE).to_bytes()))
    assert nifti.read(path).shape == array.shape
    monkeypatch.setattr(limits, "HARMLESS_BYTES", 1000)
    with pytest.raises(
        ValueError,
        match=r"scan.nii.gz: the header promises 500352 bytes, .* no scan does",
    ):
        nifti.read(path)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_small_file_that_promises_terabytes_is_refused(suffix, tmp_path):
    path = _save(tmp_path / "scan.nii", _voxels())
    _patch(path, dim=(3, 30000, 30000, 30000, 1, 1, 1, 1))
    if suffix == ".nii.gz":
        packed = tmp_path / "scan.nii.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        path = packed
    with pytest.raises(ValueError, match="the header promises 54000000000352"):
        nifti.read(path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pixdim": (1, 0, 1, 1, 0, 0, 0, 0)}, "voxel sizes .*0.* or set the sform"),
        (
            {"pixdim": (1, 1, 1, np.nan, 0, 0, 0, 0)},
            "voxel sizes .*nan.* or set the sform",
        ),
        ({"datatype": 9999}, r"datatype is 9999 \(unknown"),
        ({"dim": (3, 5, -6, 4, 1, 1, 1, 1)}, "expected one 3D volume"),
        ({"dim": (3, -5, -6, 4, 1, 1, 1, 1)}, "expected one 3D volume"),
        ({"dim": (3, 5, 0, 4, 1, 1, 1, 1)}, "expected one 3D volume"),
        ({"dim": (0, 5, 6, 4, 1, 1, 1, 1)}, "number of axes, is 0"),
        ({"dim": (-3, 5, 6, 4, 1, 1, 1, 1)}, "number of axes, is -3"),
        ({"dim": (9, 5, 6, 4, 1, 1, 1, 1)}, "number of axes, is 9"),
        ({"vox_offset": 0}, "at byte 0, inside the header or nowhere; expected 352"),
        ({"vox_offset": 100}, "at byte 100, inside the header"),
        ({"vox_offset": 1e12}, "damaged or cut short"),
        ({"vox_offset": 1e30}, "at byte 1e\\+30"),
        ({"vox_offset": np.nan}, "at byte nan"),
    ],
)
def test_a_wrong_header_is_refused(fields, message, tmp_path):
    path = _save(tmp_path / "scan.nii", _voxels())
    _patch(path, sform_code=0, **fields)
    with pytest.raises(ValueError, match=message) as caught:
        nifti.read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("srow_x", [(0, 0, 0, 0), (np.nan, 0, 0, 0), (np.inf, 0, 0, 0)])
def test_an_sform_that_cannot_be_inverted_is_refused(srow_x, tmp_path):
    path = _save(tmp_path / "scan.nii", _voxels())
    _patch(path, srow_x=srow_x, qform_code=0)
    with pytest.raises(ValueError, match="sform cannot be inverted"):
        nifti.read(path)


@pytest.mark.parametrize(
    "choice", [Choice(series=3), Choice(echo=1), Choice(volume="W")]
)
def test_choices_are_for_dicom(choice, tmp_path):
    path = _save(tmp_path / "scan.nii", _voxels())
    with pytest.raises(ValueError, match=r"scan.nii: a NIfTI file holds one volume"):
        formats.read_image(path, choice=choice)


def test_matches_by_content(tmp_path):
    (tmp_path / "text.nii").write_text("not a scan " * 100)
    (tmp_path / "text.nii.gz").write_bytes(gzip.compress(b"not a scan " * 100))
    (tmp_path / "empty.nii").touch()
    for name in ("text.nii", "text.nii.gz", "empty.nii", "."):
        assert not nifti.matches(tmp_path / name)
    _save(tmp_path / "scan.nii.gz", _voxels()).rename(tmp_path / "scan")
    assert nifti.matches(tmp_path / "scan")


def test_what_voxels_are_stands_in_the_header(tmp_path):
    volume = volumes.Volume(_voxels(), OBLIQUE)
    path = tmp_path / "map.nii"
    nifti.write(path, volume, "T2, ms (log_linear)")
    assert nib.load(path).header["descrip"].item() == b"T2, ms (log_linear)"
    for wrong in ("x" * 80, "T\u2082"):
        with pytest.raises(ValueError, match="at most 79 letters of ASCII"):
            nifti.write(path, volume, wrong)
    assert nib.load(path).header["descrip"].item() == b"T2, ms (log_linear)"


def test_volumes_along_a_fifth_axis_are_refused(tmp_path):
    path = tmp_path / "scan.nii"
    array = np.zeros((4, 5, 3, 2, 2), np.int16)
    nib.Nifti1Image(array, OBLIQUE).to_filename(path)
    with pytest.raises(ValueError, match=r"got shape \(4, 5, 3, 2, 2\)"):
        nifti.read_series(path)
