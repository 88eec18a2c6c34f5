"""Local files that are either whole or absent; `storage` reaches remote ones, too."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
import uuid
from collections.abc import Iterator


def check_folder(path: pathlib.Path) -> None:
    """Sees that a folder takes files before long work is done for it; makes none.

    Args:
      path: the folder; where it does not exist, what it would be made in is tried.

    Raises:
      OSError: it does not.
    """
    existing = next(p for p in (path, *path.absolute().parents) if p.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise OSError(
            f"Cannot write files into the folder {path} ({error.strerror}). Name "
            "another one, or change what stands in the way."
        ) from error


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a temporary name to write to; at the end the file becomes `path`.

    On any error, Ctrl-C among them, the temporary file is deleted and what was at
    `path` stays. The bytes are on the disk before the name changes. The temporary file
    is hidden, so that a search for scans passes over what a killed process leaves.

    Raises:
      OSError: the disk is full, or the folder missing.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
