"""Small files that promise much: refused before memory is taken."""

import tracemalloc
import zipfile
import zlib

import numpy as np
import pydicom
import pytest
from pydicom import uid

from deepresolve.imaging.formats import dicom, limits

MIB = 2**20


def peak_bytes(function):
    """The most that Python and NumPy held at once while `function` ran."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def refused(path, message):
    def read():
        with pytest.raises(ValueError, match=message):
            dicom.read(path)

    return read


@pytest.mark.parametrize("size", [65535, 20000])
def test_a_header_of_many_voxels_on_a_tiny_file(size, write_stack):
    folder, _ = write_stack(Rows=size, Columns=size)
    message = rf"scan: slice0.dcm and 3 more .* {size} x {size} voxels, which unpacks"
    assert peak_bytes(refused(folder, message)) < 8 * MIB


def test_run_lengths_cannot_stand_for_many_voxels(write_stack):
    """Encapsulated pixels have no length of their own to be compared with."""
    folder, _ = write_stack(syntax=uid.RLELossless, Rows=30000, Columns=30000)
    assert peak_bytes(refused(folder, "no scan does")) < 8 * MIB


def test_many_frames_on_a_tiny_file(write_stack):
    folder, _ = write_stack(NumberOfFrames=2**31 - 1)
    assert peak_bytes(refused(folder, "has 2147483647 frames")) < 8 * MIB


def test_a_voxel_too_many_is_refused(write_stack):
    folder, _ = write_stack(Rows=6)  # The files hold 5.
    with pytest.raises(ValueError, match=r"pixels of slice0.dcm cannot be read"):
        dicom.read(folder)


def deflate(path, rest=b""):
    """Rewrites a file as deflated, followed by `rest`; not by pydicom."""
    meta = pydicom.dcmread(path).file_meta
    meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    raw = path.read_bytes()
    data_set = raw[raw.index(b"\x08\x00\x16\x00UI") :]  # From the SOP class on.
    body = pydicom.filebase.DicomBytesIO()
    body.write(b"\0" * 128 + b"DICM")
    pydicom.filewriter.write_file_meta_info(body, meta)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(data_set + rest) + packer.flush()
    path.write_bytes(body.getvalue() + packed + b"\0" * (len(packed) % 2))


def test_a_deflated_scan_is_read(write_stack):
    folder, voxels = write_stack()
    for file in folder.iterdir():
        deflate(file)
    np.testing.assert_array_equal(dicom.read(folder).array, voxels)


def test_a_deflated_bomb_is_refused(write_stack, monkeypatch):
    folder, _ = write_stack()
    deflate(folder / "slice1.dcm", rest=b"\0" * 64 * MIB)
    assert (folder / "slice1.dcm").stat().st_size < MIB / 4
    monkeypatch.setattr(limits, "HARMLESS_BYTES", 8 * MIB)
    message = "slice1.dcm cannot be read .*The deflated data set unpacks"
    assert peak_bytes(refused(folder, message)) < 8 * MIB


def test_a_zip_bomb_is_refused(tmp_path, write_stack, monkeypatch):
    folder, _ = write_stack()
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
        archive.writestr("rest", b"\0" * 32 * MIB)
    monkeypatch.setattr(limits, "HARMLESS_BYTES", 8 * MIB)
    assert peak_bytes(refused(path, "bomb.zip: the zip unpacks to")) < 8 * MIB
