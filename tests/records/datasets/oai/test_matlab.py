"""MATLAB files, against SciPy; and damaged and hostile ones."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import scipy.io

from records.datasets.oai import matlab

MIB = 2**20


def read(path, name="datastruct", max_bytes=256 * MIB):
    return matlab.read_variable(path, name, max_bytes=max_bytes)


def same(ours, theirs):
    """Whether a value is what SciPy makes of it."""
    if ours.dtype == object and ours.size and isinstance(ours.flat[0], dict):
        assert ours.shape == theirs.shape
        for element, other in zip(ours.flat, theirs.flat, strict=True):
            assert list(element) == other._fieldnames
            for field, value in element.items():
                same(value, getattr(other, field))
    elif ours.dtype == object:
        assert ours.shape == theirs.shape
        for value, other in zip(ours.flat, theirs.flat, strict=True):
            same(value, other)
    else:
        assert ours.size == theirs.size
        if ours.size:  # An empty cell or array has no type in SciPy.
            np.testing.assert_array_equal(ours, theirs)


@pytest.fixture
def content():
    cell = np.empty((2, 3), object)
    for index in np.ndindex(cell.shape):
        cell[index] = np.arange(6.0).reshape(3, 2) + index[0] + 10 * index[1]
    data = np.empty((1, 3), [("first", object), ("a_second_field", object)])
    for index in range(3):
        data[0, index] = (cell, np.int16([[index, 2, 3]]))
    data[0, 1] = (np.zeros((0, 0)), np.float32([[1.5]]))
    return {"other": np.eye(3), "datastruct": data}


@pytest.mark.parametrize("compressed", [True, False])
def test_structs_cells_and_numbers_are_those_of_scipy(tmp_path, content, compressed):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, content, do_compression=compressed)
    expected = scipy.io.loadmat(path, struct_as_record=False)
    for name in content:
        same(read(path, name), expected[name])


def test_a_real_layout_is_that_of_scipy(real_scans):
    path = real_scans / "imorphics_like.mat"
    expected = scipy.io.loadmat(path, struct_as_record=False)["datastruct"]
    found = read(path)
    assert found.shape == (1, 160)
    same(found, expected)


@pytest.mark.parametrize(
    "dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8", "i8", "u8"]
)
def test_numbers_of_every_type(tmp_path, dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    scipy.io.savemat(tmp_path / "a.mat", {"x": array})
    np.testing.assert_array_equal(read(tmp_path / "a.mat", "x"), array)


def test_what_is_neither_is_none(tmp_path):
    cell = np.empty((1, 2), object)
    cell[0] = ["text", np.array([[1 + 2j]])]
    scipy.io.savemat(tmp_path / "a.mat", {"x": cell})
    assert read(tmp_path / "a.mat", "x").tolist() == [[None, None]]


def test_another_variable_is_named(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"scan": 1, "mask": 2})
    with pytest.raises(ValueError, match=r"no variable 'x', but .'scan', 'mask'."):
        read(tmp_path / "a.mat", "x")


def test_the_other_order_of_bytes(tmp_path):
    flags = struct.pack(">IIII", 6, 8, 6, 0)
    shape = struct.pack(">IIii", 5, 8, 1, 2)
    name = struct.pack(">I", 1 << 16 | 1) + b"x\0\0\0"  # A small element.
    numbers = struct.pack(">IIdd", 9, 16, 1.5, -2)
    body = flags + shape + name + numbers
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(">H", 0x0100) + b"MI"
    path = tmp_path / "a.mat"
    path.write_bytes(header + struct.pack(">II", 14, len(body)) + body)
    np.testing.assert_array_equal(scipy.io.loadmat(path)["x"], [[1.5, -2]])
    np.testing.assert_array_equal(read(path, "x"), [[1.5, -2]])


@pytest.mark.parametrize("compressed", [True, False])
def test_damage_anywhere_is_an_error_or_another_value(tmp_path, content, compressed):
    """SciPy 1.17 ends the whole process on some of these."""
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, content, do_compression=compressed)
    whole = path.read_bytes()
    for cut in range(0, len(whole) - 8, 17):
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=r"."):
            read(path)
    for place in range(126, len(whole), 3):
        broken = bytearray(whole)
        broken[place] ^= 0xFF >> place % 8
        path.write_bytes(broken)
        try:
            read(path)
        except ValueError as error:
            assert str(error)


def test_a_newer_file_says_how_to_save_it(tmp_path):
    path = tmp_path / "a.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF")
    with pytest.raises(ValueError, match=r"begins with b'MATLAB 7.3 .*'-v7'"):
        read(path)


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content


def refused_in_little_memory(path, message):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            read(path, max_bytes=16 * MIB)
        return tracemalloc.get_traced_memory()[1] < 64 * MIB
    finally:
        tracemalloc.stop()


def test_files_that_ask_for_much_memory_are_refused(tmp_path):
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    path = tmp_path / "a.mat"
    # miCOMPRESSED (15) of a miMATRIX (14) of zeros: 300 MiB in 300 KiB.
    bomb = zlib.compressobj()
    packed = bomb.compress(struct.pack("<II", 14, 300 << 20))
    packed += b"".join(bomb.compress(bytes(1 << 20)) for _ in range(300))
    path.write_bytes(header + element(15, packed + bomb.flush()))
    assert refused_in_little_memory(path, r"unpacks to more than 16 MiB")
    path.write_bytes(header + struct.pack("<II", 14, 2**32 - 1) + bytes(100))
    assert refused_in_little_memory(
        path, "4294967295 bytes are promised at byte 136, and 100"
    )
    with path.open("r+b") as stream:
        stream.truncate(17 * MIB)
    assert refused_in_little_memory(path, "it is larger than 16 MiB")
    # A cell (class 1) of 2**31 - 1 elements in a file of 200 bytes.
    cells = element(6, struct.pack("<II", 1, 0))
    cells += element(5, struct.pack("<ii", 1, 2**31 - 1)) + element(1, b"datastruct")
    path.write_bytes(header + element(14, cells + bytes(6)))
    assert refused_in_little_memory(path, "2147483647 elements in 0 bytes")
