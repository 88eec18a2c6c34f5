"""A file's bytes in blocks, unpacked where they are packed by gzip.

What gunzip takes is taken: several members in a row (pigz, bgzip), zeros after them.
Bytes of another kind after the end are left out with a note, as gunzip does; a file
that was packed twice is unpacked twice, with a note, too.

Intel's ISA-L unpacks more than twice as fast as zlib.
"""

from __future__ import annotations

import itertools
import logging
import pathlib
from collections.abc import Iterator
from typing import cast

from isal import isal_zlib

GZIP = b"\x1f\x8b"
# Of a file that is cut short, or damaged. The package's stubs call a class an instance.
_DAMAGED = cast("type[Exception]", isal_zlib.error)
ERRORS = (EOFError, _DAMAGED)

_LOGGER = logging.getLogger(__name__)
_BLOCK_BYTES = 2**20
_MAX_LAYERS = 3
_STEP_BYTES = 64
_ANY_WINDOW = 32 + isal_zlib.MAX_WBITS  # zlib.h: 32 more finds out zlib from gzip.


def is_packed(path: pathlib.Path) -> bool:
    """Whether a file begins as gzip's do."""
    with path.open("rb") as stream:
        return stream.read(len(GZIP)) == GZIP


def blocks(path: pathlib.Path, num_bytes: int = _BLOCK_BYTES) -> Iterator[bytes]:
    """The content of a file, in blocks.

    Args:
      path: the file.
      num_bytes: the length of a block at most.

    Raises:
      EOFError: a packed file is cut short.
      isal_zlib.error: it is damaged; both come with the block that cannot be given.
    """
    content = _stored(path, num_bytes)
    for layer in itertools.count():
        first = next(content, b"")
        content = itertools.chain([first], content)
        if not first.startswith(GZIP) or layer == _MAX_LAYERS:
            break
        content = _unpacked(content, path, num_bytes)
    yield from content
    if layer > 1:
        _LOGGER.warning("%s: packed by gzip %d times; read all the same.", path, layer)


def unpacked(path: pathlib.Path, first: int) -> Iterator[bytes]:
    """What zlib or gzip packed into a file, from one of its bytes on, in blocks.

    Args:
      path: the file.
      first: where the packed data begin.

    Raises:
      EOFError, isal_zlib.error: as `blocks`.
    """
    return _unpacked(_stored(path, _BLOCK_BYTES, first), path, _BLOCK_BYTES)


def start(path: pathlib.Path, num_bytes: int) -> bytes:
    """The first bytes of a file's content; fewer where it is shorter or damaged."""
    found = bytearray()
    try:
        # In small steps: what a damaged block would have given is lost.
        for block in blocks(path, _STEP_BYTES):
            found += block
            if len(found) >= num_bytes:
                break
    except ERRORS:
        pass
    return bytes(found[:num_bytes])


def peek(packed: bytes, num_bytes: int) -> bytes:
    """What gzip packed into the first bytes of a file; nothing where it is damaged.

    Args:
      packed: as many as there are at hand.
      num_bytes: the length of the result at most.
    """
    try:
        return isal_zlib.decompressobj(_ANY_WINDOW).decompress(packed, num_bytes)
    except _DAMAGED:
        return b""


def _stored(path: pathlib.Path, num_bytes: int, first: int = 0) -> Iterator[bytes]:
    with path.open("rb") as stream:
        stream.seek(first)
        while block := stream.read(num_bytes):
            yield block


def _unpacked(
    packed: Iterator[bytes], path: pathlib.Path, num_bytes: int
) -> Iterator[bytes]:
    """Unpacks one layer; checks each member's length and checksum."""
    member = isal_zlib.decompressobj(_ANY_WINDOW)
    for block in packed:
        while block:
            if member.eof:
                block = block.lstrip(b"\0")
                if not _may_be_gzip(block):
                    _note_tail(block, packed, path)
                    return
                if not block:
                    break
                member = isal_zlib.decompressobj(_ANY_WINDOW)
            yield from _non_empty(member.decompress(block, num_bytes))
            block = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        raise EOFError("the packed data end before their end mark")


def _may_be_gzip(block: bytes) -> bool:
    return block[:2] == GZIP[: len(block)]


def _non_empty(block: bytes) -> Iterator[bytes]:
    if block:
        yield block


def _note_tail(block: bytes, packed: Iterator[bytes], path: pathlib.Path) -> None:
    num_bytes = len(block) + sum(map(len, packed))
    _LOGGER.warning(
        "%s: %d bytes after the end of the packed data, which begin with %r, are "
        "ignored, as gunzip does.",
        path,
        num_bytes,
        block[:16],
    )
