"""How large a scan may become: small files that promise very much are refused.

A few bytes can ask for all the memory of a machine: a zip or a deflated file that
inflates a thousand times, a header of 65,535 rows and columns. No scan does that, for
noise does not compress.
"""

from __future__ import annotations

import zlib
from typing import BinaryIO

import pydicom

MAX_BYTES = 8 * 2**30
# Whatever their files hold, scans up to this size are no danger.
HARMLESS_BYTES = 2**30
# Scans shrink to a half; synthetic ones without noise to a thirtieth.
MAX_GROWTH = 100
_META_GROUP = 0x0002
_CHUNK_BYTES = 2**20


def check_growth(promised: int, stored: int, subject: str) -> None:
    """Refuses what would take far more memory than a scan of that many bytes.

    Args:
      promised: bytes when unpacked.
      stored: bytes in the file.
      subject: what promises; begins the message.

    Raises:
      ValueError: more than `MAX_BYTES`, or more than `HARMLESS_BYTES` and `MAX_GROWTH`
        times what is stored.
    """
    if promised > MAX_BYTES:
        raise ValueError(
            f"{subject} unpacks to {promised / 2**30:.1f} GiB; at most "
            f"{MAX_BYTES / 2**30:.0f} GiB are read. Give each scan by itself."
        )
    if promised > HARMLESS_BYTES and promised > MAX_GROWTH * stored:
        raise ValueError(
            f"{subject} unpacks to {promised / 2**30:.1f} GiB from {stored} bytes; no "
            "scan does. It is damaged, or made to fill the memory; export it again."
        )


def check_deflated(stream: BinaryIO) -> None:
    """Refuses a deflated DICOM file that inflates beyond bounds.

    Other files are none of its business. The stream is then back at its beginning.

    Args:
      stream: a DICOM file, at its beginning; can be sought in.

    Raises:
      ValueError: as for `check_growth`.
    """
    pydicom.filereader.read_preamble(stream, force=False)
    meta = pydicom.filereader.read_dataset(
        stream,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, vr, length: tag.group != _META_GROUP,
    )
    if meta.get("TransferSyntaxUID") == pydicom.uid.DeflatedExplicitVRLittleEndian:
        _inflate(stream)
    stream.seek(0)


def _inflate(stream: BinaryIO) -> None:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = stored = 0
    while chunk := stream.read(_CHUNK_BYTES):
        stored += len(chunk)
        while chunk:
            inflated += len(inflater.decompress(chunk, _CHUNK_BYTES))
            check_growth(inflated, stored, "The deflated data set")
            chunk = inflater.unconsumed_tail
