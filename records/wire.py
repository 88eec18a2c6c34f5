"""A `tf.train.Example` put together of parts that are copied once.

protobuf's own messages copy a scan's voxels into a list, and that into the record. Here
it is put together as protobuf's encoding says (protobuf.dev, "Encoding") and as
TensorFlow's example.proto and feature.proto number their fields:

    Example.features = 1, Features.feature = 1: a map, whose entries have key = 1 and
    value = 2; Feature.bytes_list = 1, BytesList.value = 1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

Part = bytes | np.ndarray

_BYTES_FOLLOW = 2  # wire type


def bytes_feature(value: Part) -> list[Part]:
    """A Feature whose bytes_list holds one value.

    Args:
      value: bytes, or an array in C order.
    """
    return _field(1, _field(1, [value]))


def example(features: Mapping[str, Sequence[Part]]) -> bytes:
    """An Example: equal features give equal bytes, in whatever order they come.

    Args:
      features: Feature messages in parts, by their keys.
    """
    entries: list[Part] = []
    for key in sorted(features, key=str.encode):
        entry = [*_field(1, [key.encode()]), *_field(2, features[key])]
        entries += _field(1, entry)
    # Through their buffers: voxels are copied here, and nowhere else.
    return b"".join(map(_buffer, _field(1, entries)))


def _field(number: int, parts: Sequence[Part]) -> list[Part]:
    """A field of a message: tag, length, content."""
    length = sum(map(_num_bytes, parts))
    return [_varint(number << 3 | _BYTES_FOLLOW) + _varint(length), *parts]


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth bit says that more follow."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _num_bytes(part: Part) -> int:
    return part.nbytes if isinstance(part, np.ndarray) else len(part)


def _buffer(part: Part) -> bytes | memoryview:
    if isinstance(part, bytes):
        return part
    # As bytes, whatever the dtype; an empty array has no buffer to cast.
    return part.reshape(-1).view(np.uint8).data
