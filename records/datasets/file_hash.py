"""SHA-256 of the files that a scan consists of."""

from __future__ import annotations

import hashlib
import pathlib

from deepresolve.imaging import formats


def sha256(path: pathlib.Path) -> str:
    """Of a scan's file or files; those of several go in with their names."""
    digest = hashlib.sha256()
    files = formats.scan_files(path)
    for file in files:
        if path.is_dir() or len(files) > 1:
            name = file.relative_to(path if path.is_dir() else path.parent)
            digest.update(name.as_posix().encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
