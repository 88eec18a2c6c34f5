"""The header of a MetaImage or NRRD file, read by itself before SimpleITK reads it.

It tells which file holds the voxels, what that file must have for it, and what is not
said, for which ITK makes something up in silence.
"""

from __future__ import annotations

import logging
import pathlib
import re

from deepresolve.imaging.folders import unpacking
from deepresolve.imaging.formats.itk import meta_header, signature

_LOGGER = logging.getLogger(__name__)
_NRRD_END = re.compile(rb"\r?\n\r?\n")
# Neither compressed nor written as text, so that voxels take what their type does.
_NRRD_RAW = re.compile(rb"^encoding:[ \t]*raw", re.M | re.I)
_META_NOT_RAW = re.compile(
    rb"^\s*(CompressedData[ \t]*=[ \t]*True|BinaryData[ \t]*=[ \t]*False)", re.M | re.I
)
_PACKED = re.compile(
    rb"^encoding:[ \t]*gz|^\s*CompressedData[ \t]*=[ \t]*True", re.M | re.I
)
_NRRD_BZIP2 = re.compile(rb"^encoding:[ \t]*(bzip2|bz2)", re.M | re.I)
_NRRD_SPACE = re.compile(rb"^space:[ \t]*(.*?)\s*$", re.M | re.I)
_NRRD_UNITS = re.compile(rb"^space units:[ \t]*(.*?)\s*$", re.M | re.I)
_NRRD_AXES = re.compile(rb"^space directions:[ \t]*(.*?)\s*$", re.M | re.I)
_SIZES = re.compile(
    rb"^(space directions|spacings):|^\s*Element(Spacing|Size)[ \t]*=", re.M | re.I
)
# Voxels need not begin where their file, or the header, does.
_SKIPS = re.compile(rb"^(byte|line) ?skip:|^\s*HeaderSize[ \t]*=", re.M | re.I)
# Spaces with the patient's axes (teem.sourceforge.net/nrrd/format.html, "space").
_PATIENT_SPACES = re.compile(
    rb"(right|left)-(anterior|posterior)-superior|RAS|LAS|LPS", re.I
)
_MM = {b"mm", b"millimeter", b"millimeters", b"millimetre", b"millimetres", b""}
_LOCAL = b"LOCAL"


def is_nrrd(path: pathlib.Path) -> bool:
    """Whether it is the header of an NRRD file."""
    return signature.is_nrrd(_start(path))


def is_raw(path: pathlib.Path) -> bool:
    """Whether the voxels take as many bytes as they do in memory."""
    header = _text(path)
    if is_nrrd(path):
        return bool(_NRRD_RAW.search(header))
    return not _META_NOT_RAW.search(header)


def files_of(path: pathlib.Path) -> list[pathlib.Path]:
    """The file, and the one beside it that a .mhd or .nhdr keeps its voxels in.

    Raises:
      ValueError: the voxels lie elsewhere than in these.
    """
    if is_nrrd(path):
        found, whole = signature.NRRD_DATA_FILE.search(_text(path)), "one .nrrd file"
        if found is None and not _NRRD_END.search(_start(path)):
            raise ValueError(
                f"{path}: an NRRD header without an end: voxels do not follow it "
                f"within {signature.TEXT_HEADER_BYTES} bytes. Save the scan as one "
                ".nrrd file."
            )
    else:
        found, whole = signature.META_DATA_FILE.search(_start(path)), "one .mha file"
    name = found[1] if found else _LOCAL
    if name.upper() == _LOCAL:
        return [path]
    text = name.decode("utf-8", "replace")
    beside = path.parent / text
    # LIST and % are ITK's ways to name many files.
    is_list = text.upper().startswith("LIST") or re.search(r"[/\\%]", text)
    if is_list or not beside.is_file():
        raise ValueError(
            f"{path}: keeps its voxels in {text!r}; expected one file beside it, or "
            f"LOCAL. Copy both files, or save the scan as {whole}."
        )
    return [path, beside]


def check(path: pathlib.Path) -> None:
    """Refuses what SimpleITK does not read, or does not survive.

    Raises:
      ValueError: it is no header of one 3D volume, or of a kind that is not read.
    """
    header = _text(path)
    if not is_nrrd(path):
        try:
            meta_header.check(header)
        except ValueError as error:
            raise ValueError(
                f"{path}: {error}. Expected the header of a MetaImage of one 3D "
                "volume; save it again, or convert it to NIfTI."
            ) from error
    elif encoding := _NRRD_BZIP2.search(header):
        raise ValueError(
            f"{path}: the encoding is {encoding[1].decode()}; read are raw, gzip, "
            "ascii and hex. Save the scan with one of these."
        )


def check_length(path: pathlib.Path, file: pathlib.Path, promised: int) -> None:
    """Compares what the header promises with what the file of the voxels holds.

    ITK reads a file that is cut short, or whose checksum is wrong, without a word.

    Args:
      path: the header.
      file: what holds the voxels; may be the same.
      promised: bytes of all voxels.

    Raises:
      ValueError: the file is too short, or packed and damaged.
    """
    header = _text(path)
    first = len(header) if file == path else 0
    try:
        if is_raw(path):
            stored = file.stat().st_size - first
        elif _PACKED.search(header) and not _SKIPS.search(header):
            stored = sum(map(len, unpacking.unpacked(file, first)))
        else:
            return
        if stored < promised:
            raise EOFError(
                f"{stored} bytes of voxels, and the header promises {promised}"
            )
    except unpacking.ERRORS as error:
        raise ValueError(
            f"{file}: damaged or cut short ({error}). Copy or export the file again."
        ) from error
    # A last end of line is none of the voxels'.
    if stored > promised + 2 and not _SKIPS.search(header):
        _LOGGER.warning(
            "%s: %d bytes follow the last voxel that the header tells of; they are "
            "left out. Slices or volumes, and a header that is wrong?",
            path,
            stored - promised,
        )


def check_places(path: pathlib.Path) -> None:
    """Tells what a header of three axes leaves open about where voxels lie.

    Raises:
      ValueError: an axis has no direction, which is no matter of a note.
    """
    header = _text(path)
    if (axes := _NRRD_AXES.search(header)) and b"none" in axes[1].lower():
        raise ValueError(
            f"{path}: space directions are {axes[1].decode('latin-1')!r}; expected a "
            "vector in mm for each of three axes. Save a 3D volume by itself."
        )
    if not _SIZES.search(header):
        _LOGGER.warning(
            "%s: the header gives no voxel sizes; taking 1 mm. Lengths and volumes "
            "mean nothing.",
            path,
        )
    if not is_nrrd(path):
        return
    space = _NRRD_SPACE.search(header)
    if space is None or not _PATIENT_SPACES.fullmatch(space[1]):
        _LOGGER.warning(
            "%s: the header names %s, so the patient's orientation and side are "
            "unknown; taking it as left-posterior-superior.",
            path,
            "no space" if space is None else f"the space {space[1].decode('latin-1')}",
        )
    units = _NRRD_UNITS.search(header)
    if units and not {u.strip() for u in units[1].lower().split(b'"')} <= _MM:
        _LOGGER.warning(
            "%s: space units are %s; taken as mm, whatever they say.",
            path,
            units[1].decode("latin-1"),
        )


def _start(path: pathlib.Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(signature.TEXT_HEADER_BYTES)


def _text(path: pathlib.Path) -> bytes:
    """The lines before the voxels: up to an empty line or the name of the data file."""
    header = _start(path)
    end = _NRRD_END if signature.is_nrrd(header) else signature.META_DATA_FILE
    found = end.search(header)
    return header[: found.end()] if found else header
