"""Local files that are either whole or absent; `storage` reaches remote ones, too."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
import uuid
from collections.abc import Iterator


def make_folder(path: pathlib.Path) -> None:
    """Makes a folder, and sees that it takes files before long work is done for it.

    Raises:
      OSError: it does not.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
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
