"""Structs, cells and numbers out of MATLAB files (.mat of versions 5 to 7.2).

SciPy reads these files too, but one that is damaged crashes the process. Here every
length is held against the bytes that are there before anything is made of it. The
format is MathWorks's "MAT-File Format" (R2024a).
"""

from __future__ import annotations

import math
import pathlib
import struct
import zlib
from collections.abc import Iterator

import numpy as np

_MAGIC = b"MATLAB 5.0 MAT-file"
_HEADER_BYTES = 128
# Number of a data type: how NumPy names it.
_NUMBERS = {
    **{1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4"},
    **{7: "f4", 9: "f8", 12: "i8", 13: "u8"},
}
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
# Classes of arrays; 6 to 15 are numbers, double to uint64.
_CELL, _STRUCT, _FIRST_NUMERIC, _LAST_NUMERIC = 1, 2, 6, 15
_COMPLEX_FLAG = 0x0800
_MAX_DEPTH = 8


def read_variable(
    path: pathlib.Path, name: str, *, max_bytes: int
) -> np.ndarray | None:
    """The variable of that name.

    Args:
      path: the file.
      name: of the variable.
      max_bytes: the most that a variable may unpack to.

    Returns:
      Numbers as an array; a struct array as an object array of dicts, a cell as an
      object array, in MATLAB's shapes. Anything else in them is None.

    Raises:
      ValueError: the file is of another kind, damaged or larger than `max_bytes`, or
        has no such variable.
    """
    if path.stat().st_size > max_bytes:
        raise ValueError(f"it is larger than {max_bytes >> 20} MiB")
    content = path.read_bytes()
    if not content.startswith(_MAGIC):
        raise ValueError(
            f"it begins with {content[:19]!r}, expected {_MAGIC.decode()!r}; a newer "
            "file is saved again in MATLAB by save(..., '-v7')"
        )
    if content[126:128] not in (b"IM", b"MI"):
        raise ValueError("its header does not tell the order of bytes")
    order = "<" if content[126:128] == b"IM" else ">"
    found = []
    for matrix in _matrices(_Bytes(content, order, _HEADER_BYTES), max_bytes):
        header = _array_header(matrix)
        if header.name == name:
            return _array(matrix, header, depth=0)
        found.append(header.name)
    raise ValueError(f"no variable {name!r}, but {found}")


class _Bytes:
    """Bytes that are read from the front, and say where they end too early."""

    def __init__(self, content: bytes | memoryview, order: str, start: int = 0):
        self.order = order
        self._content = memoryview(content)
        self._at = start

    @property
    def remaining(self) -> int:
        return len(self._content) - self._at

    def take(self, length: int) -> memoryview:
        if length > self.remaining:
            raise ValueError(
                f"{length} bytes are promised at byte {self._at}, and "
                f"{self.remaining} are there"
            )
        self._at += length
        return self._content[self._at - length : self._at]

    def element(self) -> tuple[int, memoryview]:
        """The type and content of the next data element."""
        kind, length = struct.unpack(f"{self.order}II", self.take(8))
        if kind >> 16:  # A small one: length and type in one word, then four bytes.
            kind, small = kind & 0xFFFF, kind >> 16
            if small > 4:
                raise ValueError(f"a small element of {small} bytes")
            packed = struct.pack(f"{self.order}I", length)
            return kind, memoryview(packed)[:small]
        content = self.take(length)
        if kind != _COMPRESSED:  # Others begin at multiples of 8 bytes.
            self.take(min(-length % 8, self.remaining))
        return kind, content

    def expect(self, kind: int) -> memoryview:
        """The content of the next data element, which is of that type."""
        found, content = self.element()
        if found != kind:
            raise ValueError(f"a data element of type {found}, expected {kind}")
        return content


class _Header:
    """What stands before the content of an array."""

    def __init__(self, flags: int, shape: tuple[int, ...], name: str):
        self.kind = flags & 0xFF
        self.is_complex = bool(flags & _COMPLEX_FLAG)
        self.shape = shape
        self.name = name

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def _matrices(source: _Bytes, max_bytes: int) -> Iterator[_Bytes]:
    """The variables of a file, unpacked."""
    while source.remaining:
        kind, content = source.element()
        if kind == _COMPRESSED:
            unpacked = _Bytes(_inflated(content, max_bytes), source.order)
            kind, content = unpacked.element()
        if kind != _MATRIX:
            raise ValueError(f"a data element of type {kind}, expected a variable")
        yield _Bytes(content, source.order)


def _inflated(content: memoryview, max_bytes: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        unpacked = inflater.decompress(content, max_bytes + 1)
    except zlib.error as error:
        raise ValueError(f"a variable cannot be unpacked: {error}") from error
    if len(unpacked) > max_bytes:
        raise ValueError(f"a variable unpacks to more than {max_bytes >> 20} MiB")
    return unpacked


def _array_header(source: _Bytes) -> _Header:
    flags = source.expect(_UINT32)
    shape = source.expect(_INT32)
    name = bytes(source.expect(_INT8)).decode("latin-1")
    if len(flags) != 8 or len(shape) < 8 or len(shape) % 4 or len(shape) > 32:
        raise ValueError("an array without class or shape")
    lengths = struct.unpack(f"{source.order}{len(shape) // 4}i", shape)
    if min(lengths) < 0:
        raise ValueError(f"an array of shape {lengths}")
    return _Header(struct.unpack(f"{source.order}II", flags)[0], lengths, name)


def _array(source: _Bytes, header: _Header, depth: int) -> np.ndarray | None:
    if depth > _MAX_DEPTH:
        raise ValueError(f"arrays in arrays, more than {_MAX_DEPTH} deep")
    if header.kind == _CELL:
        return _filled(header.shape, _children(source, header.size, depth))
    if header.kind == _STRUCT:
        names = _field_names(source)
        values = _children(source, header.size * len(names), depth)
        elements = [
            dict(zip(names, values[start : start + len(names)], strict=True))
            for start in range(0, header.size * len(names), len(names) or 1)
        ]
        return _filled(header.shape, elements) if names else None
    if _FIRST_NUMERIC <= header.kind <= _LAST_NUMERIC and not header.is_complex:
        return _numbers(source, header)
    return None


def _children(source: _Bytes, count: int, depth: int) -> list[np.ndarray | None]:
    if count * 8 > source.remaining:  # Each has a tag of 8 bytes at least.
        raise ValueError(f"{count} elements in {source.remaining} bytes")
    found: list[np.ndarray | None] = []
    for _ in range(count):
        content = source.expect(_MATRIX)
        if not content:
            found.append(np.zeros((0, 0)))
            continue
        inner = _Bytes(content, source.order)
        found.append(_array(inner, _array_header(inner), depth + 1))
    return found


def _filled(shape: tuple[int, ...], values: list) -> np.ndarray:
    """An object array of the values, which MATLAB lists column by column."""
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape, order="F")


def _field_names(source: _Bytes) -> list[str]:
    (width,) = struct.unpack(f"{source.order}i", _exactly(source.expect(_INT32), 4))
    names = bytes(source.expect(_INT8))
    if width < 1 or len(names) % width:
        raise ValueError(f"names of fields of {width} bytes in {len(names)}")
    parts = [names[n : n + width] for n in range(0, len(names), width)]
    return [part.split(b"\0")[0].decode("latin-1") for part in parts]


def _exactly(content: memoryview, length: int) -> memoryview:
    if len(content) != length:
        raise ValueError(f"{len(content)} bytes, expected {length}")
    return content


def _numbers(source: _Bytes, header: _Header) -> np.ndarray:
    kind, content = source.element()
    if kind not in _NUMBERS:
        raise ValueError(f"numbers of type {kind}")
    dtype = np.dtype(f"{source.order}{_NUMBERS[kind]}")
    if header.size * dtype.itemsize != len(content):
        raise ValueError(f"{len(content)} bytes for numbers of shape {header.shape}")
    return np.frombuffer(content, dtype).reshape(header.shape, order="F")
