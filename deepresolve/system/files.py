"""Local files that are either whole or absent; `storage` reaches remote ones, too."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator

# Hidden by `replacing`, as it is by `storage.replacing`.
_TEMPORARY = re.compile(r"\.?(?P<name>.+)\.(?P<process>[0-9a-f]{8})[0-9a-f]{24}\.tmp")


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


def remove_leftovers(paths: Iterable[pathlib.Path]) -> None:
    """Deletes what killed processes left half-written of these files and folders.

    Of `replacing`, `replacing_folder` and `storage.replacing`. What another process of
    this machine is writing by the first two stays.
    """
    paths = set(paths)
    for folder in {path.parent for path in paths}:
        for file in folder.glob("*.tmp"):
            match = _TEMPORARY.fullmatch(file.name)
            if not match or _is_another(int(match["process"], 16)):
                continue
            if folder / match["name"] in paths:
                if file.is_dir():
                    shutil.rmtree(file, ignore_errors=True)
                else:
                    file.unlink(missing_ok=True)


def _temporary_of(path: pathlib.Path) -> pathlib.Path:
    """A hidden name beside it that tells which process writes it."""
    token = f"{os.getpid():08x}{uuid.uuid4().hex[8:]}"
    return path.with_name(f".{path.name}.{token}.tmp")


def _is_another(process: int) -> bool:
    """Whether a process of this number runs, and is not this one."""
    if process in (0, os.getpid()) or os.name != "posix":
        return False  # Elsewhere `kill` ends a process.
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a temporary name to write to; at the end the file becomes `path`.

    On any error, Ctrl-C among them, the temporary file is deleted and what was at
    `path` stays. The bytes are on the disk before the name changes. The temporary file
    is hidden, so that a search for scans passes over what a killed process leaves.

    Raises:
      OSError: the disk is full, or the folder missing.
    """
    temporary = _temporary_of(path)
    try:
        with _named(path):
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a hidden folder to write files into; at the end it becomes `path`.

    On any error, Ctrl-C among them, the hidden folder is deleted with what is in it.
    The bytes are on the disk before the name changes.

    Args:
      path: a folder that is empty or does not exist; those above it are made.

    Raises:
      OSError: the disk is full, or there is something at `path`.
    """
    path = path.absolute()
    check_new_folder(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary_of(path)
    temporary.mkdir()
    try:
        with _named(path):
            yield temporary
            for name in temporary.rglob("*"):
                if name.is_file():
                    with name.open("rb+") as file:
                        os.fsync(file.fileno())
        check_new_folder(path)
        if path.exists():
            path.rmdir()  # Windows renames onto nothing, not even an empty folder.
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def _named(path: pathlib.Path) -> Iterator[None]:
    """A full disk's error says what could not be written; Python's own does not."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(
            f"Could not write {path} ({error.strerror}). Is the disk full?"
        ) from error


def check_new_folder(path: pathlib.Path) -> None:
    """FileExistsError where there is something at `path` but an empty folder."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(
            f"{path} exists already, and is no empty folder. Name a new one, or move "
            "the old one away."
        )
