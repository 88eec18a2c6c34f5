"""Pixels: of any number of bits, with others in unused ones, compressed."""

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom import uid
from world import scans

from deepresolve.imaging import formats
from deepresolve.imaging.formats.dicom import pixels as dicom_pixels


@pytest.mark.parametrize(("dtype", "scale"), [("uint8", 0.3), ("uint32", 1000)])
def test_pixels_of_8_and_of_32_bits(dtype, scale, tmp_path):
    array = (scans.knee() * scale).astype(dtype)
    size = array.dtype.itemsize * 8
    tags = {"BitsAllocated": size, "BitsStored": size, "HighBit": size - 1}
    scans.dicom_stack(tmp_path, array, **tags)
    found = formats.read_image(tmp_path).array
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless])
@pytest.mark.parametrize("unused", [0x8000, 0xF000])
def test_an_overlay_in_unused_bits_is_no_value(unused, syntax, tmp_path):
    array = scans.knee(top=2000).astype(np.uint16)

    def edit(made, index):
        made.BitsStored, made.HighBit = 12, 11
        pixels = array[:, :, index].T.copy()
        pixels[2:6, 2:12] |= unused
        made.PixelData = pixels.tobytes()

    scans.dicom_stack(tmp_path / "a", array, edit=edit)
    for file in (tmp_path / "a").iterdir():
        if syntax.is_compressed:
            made = pydicom.dcmread(file)
            made.compress(syntax, generate_instance_uid=False)
            made.save_as(file)
    np.testing.assert_array_equal(formats.read_image(tmp_path / "a").array, array)
    if not syntax.is_compressed:
        _assert_as_simpleitk(tmp_path / "a", array)


def test_a_sign_that_is_not_extended_is_a_sign(tmp_path):
    array = (scans.knee(top=1500) - 700).astype(np.int16)

    def edit(made, index):
        made.BitsStored, made.HighBit = 12, 11
        pixels = np.frombuffer(made.PixelData, "<i2") & 0x0FFF
        made.PixelData = pixels.astype("<i2").tobytes()

    scans.dicom_stack(tmp_path / "a", array, edit=edit)
    np.testing.assert_array_equal(formats.read_image(tmp_path / "a").array, array)
    _assert_as_simpleitk(tmp_path / "a", array)


def test_values_in_the_upper_bits_are_moved_down(tmp_path):
    """12 of 16 bits, as old files have them: HighBit says where."""
    array = scans.knee(top=2000).astype(np.uint16)

    def edit(made, index):
        made.BitsStored, made.HighBit = 12, 15
        made.PixelData = (array[:, :, index].T << 4 | 7).tobytes()

    scans.dicom_stack(tmp_path, array, edit=edit)
    np.testing.assert_array_equal(formats.read_image(tmp_path).array, array)


def _assert_as_simpleitk(folder, array):
    file = folder / "IM0004.dcm"
    theirs = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(file)))
    np.testing.assert_array_equal(theirs[0].T, array[:, :, 3])


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.uint8])
@pytest.mark.parametrize("num_bits", [1, 5, 8, 12, 16, 32])
def test_stored_bits_alone_are_the_value(num_bits, dtype):
    """Whatever the other bits are; with all bits stored nothing is touched."""
    if num_bits > np.dtype(dtype).itemsize * 8:
        num_bits = np.dtype(dtype).itemsize * 8
    random = np.random.default_rng(num_bits)
    values = random.integers(0, 2**num_bits, 99, np.int64)
    noise = random.integers(0, 2**31, 99, np.int64) << num_bits
    pixels = (values | noise).astype(dtype)
    is_negative = np.dtype(dtype).kind == "i"
    expected = values - is_negative * (values >= 2 ** (num_bits - 1)) * 2**num_bits
    found = dicom_pixels.stored_values(pixels, num_bits, num_bits - 1)
    np.testing.assert_array_equal(found, expected.astype(dtype))


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEGLSLossless])
def test_compressed_slices_are_decoded(syntax, tmp_path):
    pytest.importorskip("jpeg_ls", reason="needs pyjpegls")
    array = scans.dicom_stack(tmp_path)
    for file in tmp_path.iterdir():
        made = pydicom.dcmread(file)
        made.compress(syntax, generate_instance_uid=False)
        made.save_as(file)
    np.testing.assert_array_equal(formats.read_image(tmp_path).array, array)


@pytest.mark.parametrize(
    ("syntax", "package"),
    [
        (uid.JPEG2000Lossless, "pylibjpeg-openjpeg"),
        (uid.HTJ2KLossless, "pylibjpeg-openjpeg"),
        (uid.JPEGLosslessSV1, "pylibjpeg-libjpeg"),
    ],
)
def test_a_decoder_that_is_missing_is_named(syntax, package, tmp_path):
    """None of them comes with this package."""
    scans.dicom_stack(tmp_path)
    for file in tmp_path.iterdir():
        made = pydicom.dcmread(file)
        made.PixelData = pydicom.encaps.encapsulate([made.PixelData])
        made["PixelData"].is_undefined_length = True
        made.file_meta.TransferSyntaxUID = syntax
        made.save_as(file)
    with pytest.raises(ValueError, match=f"IM0001.dcm cannot be read.*{package}"):
        formats.read_image(tmp_path)


def spoiled(folder, edit):
    """A series of which the last file was changed."""
    scans.dicom_stack(folder)
    path = folder / "IM0010.dcm"
    made = pydicom.dcmread(path)
    edit(made)
    with pydicom.config.disable_value_validation():
        made.save_as(path)
    return folder


@pytest.mark.parametrize(
    ("keyword", "value", "message"),
    [
        ("BitsStored", None, r"needed in BitsStored \(0028,0101\); got none"),
        ("BitsAllocated", None, r"needed in BitsAllocated \(0028,0100\)"),
        ("PixelRepresentation", None, r"PixelRepresentation \(0028,0103\); got none"),
        ("PixelData", b"", r"there are none in PixelData \(7FE0,0010\)"),
        (
            "PixelData",
            bytes(3838),
            r"3838 bytes of them, and 1 x 40 x 48 .* 3840",
        ),
    ],
)
def test_what_pixels_need_is_named(keyword, value, message, tmp_path):
    folder = spoiled(tmp_path, lambda made: setattr(made, keyword, value))
    with pytest.raises(
        ValueError, match=rf"^{folder}: the pixels of IM0010.dcm .*{message}"
    ):
        formats.read_image(folder)


def test_a_word_for_the_number_of_frames_is_left_out(tmp_path, caplog):
    element = pydicom.dataelem.RawDataElement(
        pydicom.tag.Tag("NumberOfFrames"), "IS", 4, b"one ", 0, False, True
    )
    folder = spoiled(tmp_path, lambda made: made.update({element.tag: element}))
    assert formats.read_image(folder).shape == scans.SHAPE
    (note,) = caplog.messages
    assert "NumberOfFrames (0028,0008) is 'one'" in note


def test_pixels_of_more_frames_are_told(tmp_path, caplog):
    def edit(made):
        made.PixelData = made.PixelData * 2

    volume = formats.read_image(spoiled(tmp_path, edit))
    np.testing.assert_array_equal(volume.array, scans.knee(seed=1).astype(np.uint16))
    (note,) = caplog.messages
    assert note.startswith(f"{tmp_path}: IM0010.dcm has pixels of 1 frames more than")


def test_padding_behind_the_pixels_is_no_matter(tmp_path, caplog):
    def edit(made):
        made.PixelData = made.PixelData + bytes(100)

    assert formats.read_image(spoiled(tmp_path, edit)).shape == scans.SHAPE
    assert not caplog.messages


@pytest.mark.parametrize("spoil", [lambda raw: raw[:-300], lambda raw: bytes(len(raw))])
def test_a_damaged_deflated_file_is_named(spoil, tmp_path, caplog):
    scans.dicom_stack(tmp_path)
    path = tmp_path / "IM0010.dcm"
    scans.save_dicom(pydicom.dcmread(path), path, uid.DeflatedExplicitVRLittleEndian)
    assert formats.read_image(tmp_path).shape == scans.SHAPE
    raw = path.read_bytes()
    middle = len(raw) // 2
    path.write_bytes(raw[:middle] + spoil(raw[middle:]))
    with pytest.raises(ValueError, match=r"(header|pixels) of IM0010.dcm cannot be"):
        formats.read_image(tmp_path)


def test_a_transfer_syntax_that_dicom_does_not_have_is_named(tmp_path):
    scans.dicom_stack(tmp_path)
    path = tmp_path / "IM0010.dcm"
    known, other = b"1.2.840.10008.1.2.1\0", b"9.9.999.99999.9.9.9\0"
    path.write_bytes(path.read_bytes().replace(known, other))
    with pytest.raises(
        ValueError, match=r"IM0010.dcm.*TransferSyntaxUID \(0002,0010\)"
    ):
        formats.read_image(tmp_path)


def test_a_library_tells_nothing_in_its_own_words(tmp_path, caplog):
    array = scans.dicom_stack(tmp_path)
    path = tmp_path / "IM0010.dcm"
    raw = path.read_bytes()
    explicit, implicit = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0"
    path.write_bytes(raw.replace(explicit, implicit))
    np.testing.assert_array_equal(formats.read_image(tmp_path).array, array)
    assert not caplog.messages
