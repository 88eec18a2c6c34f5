"""Files that are either whole or absent, wherever `tf.io.gfile` reaches.

What TensorFlow cannot do with a file is an OSError here, as in the rest of Python.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import uuid
from collections.abc import Iterator

import tensorflow as tf

TEMPORARY_SUFFIX = ".tmp"

_BLOCK_BYTES = 1 << 17  # larger ones are given back to the system each time


def join(folder: str, name: str) -> str:
    """The path of `name` in `folder`."""
    return tf.io.gfile.join(folder, name)


def is_file(path: str) -> bool:
    """Whether there is such a file."""
    return tf.io.gfile.exists(path) and not tf.io.gfile.isdir(path)


def is_folder(path: str) -> bool:
    """Whether there is such a folder."""
    return tf.io.gfile.isdir(path)


def make_folder(path: str) -> None:
    """Makes the folder and those above it; one that exists is left as it is."""
    with _os_errors(f"Could not make the folder {path}"):
        tf.io.gfile.makedirs(path)


def list_files(folder: str) -> list[str]:
    """Names of what lies in the folder, sorted; empty where there is no folder."""
    if not tf.io.gfile.isdir(folder):
        return []
    with _os_errors(f"Could not list {folder}"):
        return sorted(name.rstrip("/") for name in tf.io.gfile.listdir(folder))


def num_bytes(path: str) -> int:
    """Size of a file."""
    with _os_errors(f"Could not read the size of {path}"):
        return tf.io.gfile.stat(path).length


def copy(source: str, target: str) -> None:
    """Copies a file over what is at `target`."""
    with _os_errors(f"Could not copy {source} to {target} (is its disk full?)"):
        tf.io.gfile.copy(source, target, overwrite=True)


def remove(path: str) -> None:
    """Deletes a file; one that is not there is fine."""
    with (
        _os_errors(f"Could not delete {path}"),
        contextlib.suppress(tf.errors.NotFoundError),
    ):
        tf.io.gfile.remove(path)


def remove_folder(path: str) -> None:
    """Deletes a folder and what it holds; one that is not there is fine."""
    if tf.io.gfile.isdir(path):
        with _os_errors(f"Could not delete {path}"):
            tf.io.gfile.rmtree(path)


def read(path: str) -> bytes:
    """The bytes of a file."""
    with _os_errors(f"Could not read {path}"), tf.io.gfile.GFile(path, "rb") as file:
        return file.read()


def read_part(path: str, start: int, num_bytes: int) -> bytes:
    """Some bytes of a file, from number `start` on."""
    with _os_errors(f"Could not read {path}"), tf.io.gfile.GFile(path, "rb") as file:
        file.seek(start)
        return file.read(num_bytes)


def sha256(path: str) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with _os_errors(f"Could not read {path}"), tf.io.gfile.GFile(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def write(path: str, content: bytes) -> None:
    """Writes a file that takes its name when it is complete.

    Raises:
      OSError: it could not be written; what was there before is untouched.
    """
    with replacing(path) as temporary, tf.io.gfile.GFile(temporary, "wb") as file:
        file.write(content)


def writing(path: str) -> contextlib.AbstractContextManager[None]:
    """Makes TensorFlow's failures to write to a file or folder OSErrors that name it.

    For writers that see to whole files themselves.
    """
    return _os_errors(f"Could not write {path} (is the disk full?)")


@contextlib.contextmanager
def replacing(path: str) -> Iterator[str]:
    """Gives a temporary name to write to; at the end the file becomes `path`.

    On any error, Ctrl-C among them, the temporary file is deleted and what was at
    `path` stays. On a local disk the bytes are on the disk before the name changes.
    Two processes that write `path` at once do not write into one file.

    Raises:
      OSError: TensorFlow could not write the file.
    """
    temporary = f"{path}.{uuid.uuid4().hex}{TEMPORARY_SUFFIX}"
    with writing(path):
        try:
            yield temporary
            local, written = local_path(path), local_path(temporary)
            if local and written:
                _flush_to_disk(written)
            tf.io.gfile.rename(temporary, path, overwrite=True)
            if local:
                _flush_to_disk(local.parent)
        except BaseException:
            with contextlib.suppress(OSError):  # The first error is the one to tell.
                remove(temporary)
            raise


@contextlib.contextmanager
def new_folder(path: str) -> Iterator[str]:
    """Gives a temporary folder to fill; at the end it becomes `path`.

    On any error, Ctrl-C among them, the temporary folder is deleted.

    Raises:
      OSError: TensorFlow could not write it, or there is a `path` already.
    """
    temporary = f"{path}.{uuid.uuid4().hex}{TEMPORARY_SUFFIX}"
    with writing(path):
        try:
            tf.io.gfile.makedirs(temporary)
            yield temporary
            tf.io.gfile.rename(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError), _os_errors(temporary):
                tf.io.gfile.rmtree(temporary)
            raise


@contextlib.contextmanager
def _os_errors(failure: str) -> Iterator[None]:
    """TensorFlow's errors as OSErrors that begin with `failure`."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(f"{failure}: {error.message}") from error


def local_path(path: str) -> pathlib.Path | None:
    """Where a path lies on this machine; None where it lies elsewhere (gs://...).

    file:// is the way of TensorFlow to say that a path is local: nothing in it is
    decoded.
    """
    path = path.removeprefix("file://")
    return None if "://" in path else pathlib.Path(path)


def _flush_to_disk(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
