"""What pydicom reads of a file, unless that inflates beyond bounds; see `limits`."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

import pydicom

from deepresolve.imaging.formats import limits
from deepresolve.imaging.formats.dicom import elements

_META_GROUP = 0x0002
_CHUNK_BYTES = 2**20


def read_dataset(open_file: Callable[[], BinaryIO], **options: Any) -> pydicom.Dataset:
    """What pydicom reads of a file that does not inflate beyond bounds.

    A data set without meta information gets the transfer syntax that it is written in.

    Args:
      open_file: opens a file that is DICOM by its bytes.
      **options: of `pydicom.dcmread`.
    """
    with open_file() as stream, elements.leniently():
        check_deflated(stream)
        dataset = pydicom.dcmread(stream, force=True, **options)
    if "TransferSyntaxUID" not in dataset.file_meta:
        is_implicit, is_little = dataset.original_encoding
        syntax = pydicom.uid.ExplicitVRLittleEndian
        if not is_little:
            syntax = pydicom.uid.ExplicitVRBigEndian
        elif is_implicit:
            syntax = pydicom.uid.ImplicitVRLittleEndian
        dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def check_deflated(stream: BinaryIO) -> None:
    """Refuses a deflated DICOM file that inflates beyond bounds.

    Other files are none of its business. The stream is then back at its beginning.

    Args:
      stream: a DICOM file, at its beginning; can be sought in.

    Raises:
      ValueError: it unpacks to more than is ever read, or to far more than a scan of so
        many bytes does (`limits`).
    """
    pydicom.filereader.read_preamble(stream, force=True)
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
            limits.check_growth(inflated, stored, "The deflated data set")
            chunk = inflater.unconsumed_tail
