"""The files of a NIfTI scan: one (.nii), or a header beside its voxels (.hdr, .img).

Each may be packed by gzip. What a file is, its content says and not its name; only
which two files are a pair, their names say.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import math
import pathlib
import struct

import nibabel as nib
from nibabel import nifti1, nifti2, spm99analyze

from deepresolve.imaging.folders import unpacking
from deepresolve.imaging.formats import limits
from deepresolve.imaging.formats.nifti import signature

_LOGGER = logging.getLogger(__name__)
_PAIR_ENDINGS = (*signature.HEADER_ENDINGS, *signature.VOXEL_ENDINGS)

_HEADER_CLASSES = {
    b"n+1": nifti1.Nifti1Header,
    b"ni1": nifti1.Nifti1PairHeader,
    b"n+2": nifti2.Nifti2Header,
    b"ni2": nifti2.Nifti2PairHeader,
}


@dataclasses.dataclass(frozen=True)
class NiftiFiles:
    """The files of a scan; what its header begins with was read once.

    Attributes:
      path: as it was named; of a pair, either of the two.
      header: the file that holds the header.
      start: its first bytes, unpacked, as many as any header takes.
      kind: the class for this header; None of other files, and of Analyze.
    """

    path: pathlib.Path
    header: pathlib.Path
    start: bytes
    kind: type[nib.Nifti1Header] | None

    @property
    def is_analyze(self) -> bool:
        """Whether this is the header of an Analyze 7.5 pair, NIfTI's ancestor.

        It has no magic of its own: its name must end as one, too.
        """
        return (
            self.kind is None
            and len(self.start) >= nib.AnalyzeHeader.sizeof_hdr
            and signature.is_analyze(self.start)
            and _has_suffix(self.header, signature.HEADER_ENDINGS)
        )

    @property
    def is_scan(self) -> bool:
        """Whether there is a header that is read."""
        return self.kind is not None or self.is_analyze

    def every(self) -> list[pathlib.Path]:
        """The header's file and, where voxels lie in another one, that.

        Raises:
          ValueError: it is a header whose voxels are not beside it.
        """
        is_pair = self.is_analyze if self.kind is None else not self.kind.is_single
        if not is_pair:
            return [self.header]
        voxels = _beside(self.header, signature.HEADER_ENDINGS, signature.VOXEL_ENDINGS)
        if voxels is None:
            raise ValueError(
                f"{self.path}: the header of a pair, and the file with its voxels, "
                f"{_stem(self.header, signature.HEADER_ENDINGS)}.img or .img.gz, is "
                "not beside it. Copy both files."
            )
        return [self.header, voxels]


def at(path: pathlib.Path) -> NiftiFiles:
    """The files that belong to a file, whatever it is."""
    header = path
    if _has_suffix(path, signature.VOXEL_ENDINGS):
        others = (signature.VOXEL_ENDINGS, signature.HEADER_ENDINGS)
        header = _beside(path, *others) or path
    start = unpacking.start(header, nib.Nifti2Header.sizeof_hdr)
    magic = signature.magic(start)
    return NiftiFiles(
        path, header, start, None if magic is None else _HEADER_CLASSES[magic]
    )


def read_header(files: NiftiFiles) -> nib.Nifti1Header:
    """The header as it stands there, unchecked and without its extensions.

    That of an Analyze pair is made into a NIfTI header without sform and qform.

    Raises:
      EOFError: the file is shorter than a header.
    """
    kind = files.kind
    if kind is None:
        old = spm99analyze.Spm99AnalyzeHeader(
            files.start[: nib.AnalyzeHeader.sizeof_hdr], check=False
        )
        made = nifti1.Nifti1PairHeader(endianness=old.endianness)
        # Where the two agree, byte by byte (nifti1.h).
        for field in ("dim", "datatype", "bitpix", "pixdim", "vox_offset", "scl_slope"):
            made[field] = old[field]
        made["scl_inter"] = 0
        return made
    start = files.start[: kind.sizeof_hdr]
    if len(start) < kind.sizeof_hdr:
        raise EOFError(f"{len(start)} bytes, and a header takes {kind.sizeof_hdr}")
    header = kind(start, check=False)
    if 1 <= int(header["dim"][0]) <= 7:
        return header
    # nibabel takes a wrong number of axes for the other order of bytes.
    order = "<" if start[:4] == struct.pack("<i", kind.sizeof_hdr) else ">"
    return kind(start, endianness=order, check=False)


def read_content(path: pathlib.Path, num_bytes: int) -> bytearray:
    """The first bytes of a file's content.

    They grow with what the file holds, so that a header that promises too much takes no
    memory. A packed file is read to its very end, for its checksum to be compared.

    Args:
      path: the file.
      num_bytes: how many.

    Raises:
      EOFError: the file is shorter.
      ValueError: a packed file would grow beyond bounds.
      unpacking.ERRORS: a packed file is damaged.
    """
    is_packed = unpacking.is_packed(path)
    if is_packed:
        limits.check_growth(
            num_bytes,
            path.stat().st_size,
            f"{path}: the header promises {num_bytes} bytes, and the file",
        )
    content, length = bytearray(), 0
    for block in unpacking.blocks(path):
        content += block[: max(0, num_bytes - len(content))]
        length += len(block)
        if length >= num_bytes and not is_packed:
            break
    if length < num_bytes:
        raise EOFError(f"{length} bytes, and the header promises {num_bytes}")
    if not is_packed:
        length = path.stat().st_size
    if length > num_bytes:
        _LOGGER.warning(
            "%s: %d bytes follow the last voxel that the header tells of; they are "
            "left out. Slices or volumes, and a header that is wrong?",
            path,
            length - num_bytes,
        )
    return content


def num_bytes(header: nib.Nifti1Header) -> int:
    """Of the unpacked file with the voxels, up to its last one, by the header."""
    shape: tuple[int, ...] = header.get_data_shape()
    voxels = math.prod(int(n) for n in shape)
    return int(header.get_data_offset()) + voxels * header.get_data_dtype().itemsize


def stem(path: pathlib.Path) -> str:
    """The file's name without .nii, .nii.gz, .hdr, .img, ..."""
    return _stem(path, (".nii.gz", ".nii", *_PAIR_ENDINGS))


def _has_suffix(path: pathlib.Path, suffixes: tuple[str, ...]) -> bool:
    return path.name.lower().endswith(suffixes)


def _stem(path: pathlib.Path, suffixes: tuple[str, ...]) -> str:
    for suffix in sorted(suffixes, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.name


def _beside(
    path: pathlib.Path, own: tuple[str, ...], others: tuple[str, ...]
) -> pathlib.Path | None:
    """The file of the same name with one of the other suffixes, in any case."""
    name = _stem(path, own)
    for suffix in others:
        _, ending, packing = (suffix + ".").split(".")[:3]
        for cased in itertools.product(
            (ending, ending.upper()), (packing, packing.upper())
        ):
            beside = path.with_name(".".join((name, *filter(None, cased))))
            if beside.is_file():
                return beside
    return None
