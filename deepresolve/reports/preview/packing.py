"""Volumes as text inside a page: 8 bits a voxel, compressed, base64.

A browser undoes each step by itself: atob, gzip's DecompressionStream, and a sum along
each row. One slice is in the works at a time.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from deepresolve.imaging.intensity import IntensityScale

_GZIP = 31  # zlib's number for the largest window in gzip's format


def eight_bit(pixels: np.ndarray, scale: IntensityScale) -> np.ndarray:
    """Rounded so that the scale's bounds become 0 and 255; what is beyond, too."""
    return np.rint(np.clip(scale.apply(pixels), 0, 1) * 255).astype(np.uint8)


def pack(slices: Iterable[np.ndarray]) -> Iterator[str]:
    """Text of a volume, piece by piece.

    Each pixel is stored as its difference (modulo 256) from the one on its left, which
    takes a fifth off the size of real scans.

    Args:
      slices: (rows, columns) uint8 each.
    """
    compressor = zlib.compressobj(
        level=6, wbits=_GZIP, memLevel=9, strategy=zlib.Z_FILTERED
    )
    waiting = b""
    for pixels in slices:
        stored = pixels.copy()
        stored[:, 1:] -= pixels[:, :-1]
        waiting += compressor.compress(stored.tobytes())
        ready = len(waiting) // 3 * 3  # Three bytes are four letters.
        yield base64.b64encode(waiting[:ready]).decode("ascii")
        waiting = waiting[ready:]
    yield base64.b64encode(waiting + compressor.flush()).decode("ascii")
