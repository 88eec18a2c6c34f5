"""The table of file formats, and what an entry of it declares.

A new format is one module that exports a `FORMAT`, and its line in `FORMATS`. It is
then read, found in folders, told in messages, and written if it can be. At the least::

    TOY = Kind(Role.SCAN, "toy")

    def judge(start: bytes, name: str) -> Kind | None:
        return TOY if start.startswith(b"TOY1") else None

    def read(path: pathlib.Path) -> Volume: ...

    FORMAT = Format(("toy",), Signature(judge, {".toy": TOY}), read)
"""

from __future__ import annotations

import dataclasses
import importlib
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from deepresolve.imaging.file_kind import Kind
    from deepresolve.imaging.formats.choice import Acquired, Contents
    from deepresolve.imaging.volume import Volume

# Module by name, imported when it is asked for; tried in this order.
FORMATS = {
    "nifti": "deepresolve.imaging.formats.nifti",
    "dicom": "deepresolve.imaging.formats.dicom",
    "itk": "deepresolve.imaging.formats.itk",
}

# Of a file, what `Signature.judge` gets to see unless it asks for more.
NUM_BYTES = 4096


@dataclasses.dataclass(frozen=True)
class Signature:
    """How files of a format are told from all others.

    Attributes:
      judge: what a file is that begins with these bytes and has this name, without
        folders; None where it is not of the format. `NUM_BYTES` are given, or all.
      endings: of names, in small letters: what such a file should be, for messages
        where its bytes do not say.
      judge_packed: as `judge`, of files that gzip packed: bytes unpacked, the name
        without .gz. None where such are not of the format.
      num_bytes: how many bytes `judge` needs of a file that begins so; None where
        `NUM_BYTES` are enough.
      header_endings: of headers whose voxels lie in another file of the same name, ...
      voxel_endings: ... and of these.
      data_files: names of files with voxels that a header, its first `num_bytes`, has.
    """

    judge: Callable[[bytes, str], Kind | None]
    endings: Mapping[str, Kind]
    judge_packed: Callable[[bytes, str], Kind | None] | None = None
    num_bytes: Callable[[bytes], int] | None = None
    header_endings: tuple[str, ...] = ()
    voxel_endings: tuple[str, ...] = ()
    data_files: Callable[[bytes], list[str]] | None = None


@dataclasses.dataclass(frozen=True)
class Format:
    """What a format can do.

    Attributes:
      titles: what users call it, and its like: "MetaImage", "NRRD".
      signature: how its files are told from others.
      read: the `Volume` at a path; a second argument are the `options`. Raises
        ValueError where it is damaged or no 3D scan.
      expected: what a message offers to somebody whose file is of no format; "" is
        `a_file` with its endings.
      shown_endings: endings that messages name; () is all of the signature.
      find: what of the format lies at a path that exists, None where nothing does. It
        is what `read`, `contents`, `identity`, `acquired` and `files_of` are then given
        in place of the path, so that nothing is looked for twice. None: the path
        itself, of a file that the signature tells.
      options: a frozen dataclass of what a user may ask of a scan, of defaults alone;
        None where a file holds one volume.
      contents: which volumes are asked for, given the options; goes with `options`.
      identity: whose scan it is, see `Contents`; for formats without `options`.
      acquired: how it was acquired, see `Contents`; for formats without `options`.
      files_of: the files of a scan that consists of several; raises ValueError where
        one is missing.
      is_folder: whether such a scan is a folder, rather than files side by side.
      write: writes a volume to a path: the whole file or none.
      suffixes: of names that `write` takes.
    """

    titles: tuple[str, ...]
    signature: Signature
    read: Callable[..., Volume]
    expected: str = ""
    shown_endings: tuple[str, ...] = ()
    find: Callable[[pathlib.Path], Any] | None = None
    options: type | None = None
    contents: Callable[[Any, Any], Contents] | None = None
    identity: Callable[[Any], frozenset[tuple[str, str]]] | None = None
    acquired: Callable[[Any], Acquired] | None = None
    files_of: Callable[[Any], list[pathlib.Path]] | None = None
    is_folder: bool = False
    write: Callable[[pathlib.Path, Volume], None] | None = None
    suffixes: tuple[str, ...] = ()

    @property
    def offer(self) -> str:
        """What messages offer; see `expected`."""
        return self.expected or f"{self.a_file} ({', '.join(self.endings_shown)})"

    @property
    def a_file(self) -> str:
        """As messages begin: "a MetaImage or NRRD file"."""
        return f"a {' or '.join(self.titles)} file"

    @property
    def endings_shown(self) -> tuple[str, ...]:
        """What messages name; see `shown_endings`."""
        return self.shown_endings or tuple(sorted(self.signature.endings))


def entries() -> list[Format]:
    """All formats, in the order in which they are tried."""
    return [named(name) for name in FORMATS]


def named(name: str) -> Format:
    """One of `FORMATS`."""
    return importlib.import_module(FORMATS[name]).FORMAT


def signatures() -> list[Signature]:
    """How the files of each format are told."""
    return [entry.signature for entry in entries()]


def read_start(stream: BinaryIO, asking: Sequence[Signature]) -> bytes:
    """As many of a file's first bytes as signatures need to judge it, or all."""
    start = stream.read(NUM_BYTES)
    needed = (s.num_bytes(start) for s in asking if s.num_bytes)
    return start + stream.read(max(0, max(needed, default=0) - len(start)))


def endings() -> dict[str, Kind]:
    """What files should be by their names, of all formats; longer endings first."""
    found: dict[str, Kind] = {}
    for signature in signatures():
        found |= signature.endings
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def voxel_endings() -> tuple[str, ...]:
    """Of files that hold the voxels of a header beside them."""
    return tuple(e for signature in signatures() for e in signature.voxel_endings)


def every_ending() -> tuple[str, ...]:
    """Of names of scans, and of headers and voxels that are one together."""
    headers = (e for signature in signatures() for e in signature.header_endings)
    return (*endings(), *headers, *voxel_endings())
