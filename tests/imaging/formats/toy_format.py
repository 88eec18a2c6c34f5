"""A format as somebody adds one: a text header, then raw voxels."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np

from deepresolve.imaging.file_kind import Kind, Role
from deepresolve.imaging.format_table import Format, Signature
from deepresolve.imaging.formats.choice import Contents
from deepresolve.imaging.volume import Volume

TOY = Kind(Role.SCAN, "toy")
MAGIC = b"TOY1 "


@dataclasses.dataclass(frozen=True)
class ToyOptions:
    """A toy holds copies of its scan, each ten brighter than the last."""

    copy: int = 0


def judge(start: bytes, name: str) -> Kind | None:
    """By its magic."""
    return TOY if start.startswith(MAGIC) else None


def read(path: pathlib.Path, options: ToyOptions) -> Volume:
    """Reads a file of int16 voxels of 1 x 1 x 2 mm."""
    header, voxels = path.read_bytes().split(b"\n", 1)
    shape = [int(text) for text in header.split()[1:]]
    if len(voxels) != 2 * np.prod(shape):
        raise ValueError(f"{path}: cut short; copy it again.")
    array = np.frombuffer(voxels, "<i2").reshape(shape) + 10 * options.copy
    return Volume(array.astype(np.int16), np.diag([1.0, 1.0, 2.0, 1.0]))


def contents(path: pathlib.Path, asked: object) -> Contents:
    """What is asked for, one."""
    return Contents((asked,) if isinstance(asked, ToyOptions) else (ToyOptions(),))


def write(path: pathlib.Path, volume: Volume) -> None:
    """Writes a file of int16 voxels."""
    shape = " ".join(map(str, volume.shape))
    voxels = volume.restore().array.astype("<i2").tobytes()
    path.write_bytes(MAGIC + shape.encode() + b"\n" + voxels)


FORMAT = Format(
    titles=("toy",),
    signature=Signature(judge, {".toy": TOY}),
    read=read,
    options=ToyOptions,
    contents=contents,
    write=write,
    suffixes=(".toy",),
)
