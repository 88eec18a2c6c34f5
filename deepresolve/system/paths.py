"""Paths of a command line, looked at before anything heavy is loaded.

A wrong path is answered in a fraction of a second, not after TensorFlow has started.
What reads or writes looks again: files come and go. URLs (gs://...) are left to it.
"""

from __future__ import annotations

import os
import pathlib

from deepresolve.system import files


def no_records(path: str) -> str:
    """What is wrong with a folder that is no set of shards."""
    return (
        f"{path}/manifest.json does not exist: {path} is not a complete set of shards. "
        "Make one with `python -m records convert`, or run the same command again "
        "where it was interrupted."
    )


def check_input(flag: str, path: str | os.PathLike) -> None:
    """Sees that there is something to read.

    Args:
      flag: that names it, such as "--input".
      path: a file or folder; a URL is not looked at.

    Raises:
      OSError: there is nothing, or it cannot be reached.
    """
    if _is_remote(path):
        return
    place = pathlib.Path(path)
    try:
        if place.exists():
            return
        target = f"a link to {place.readlink()}, and " if place.is_symlink() else ""
    except OSError as error:
        raise OSError(
            f"{flag}={path}: {error.strerror}. See that you may read it."
        ) from error
    raise FileNotFoundError(f"{flag}={path}: {target}there is no such file or folder.")


def check_records(path: str) -> None:
    """FileNotFoundError unless a complete set of shards is there.

    ValueError where TensorFlow cannot read a folder of that name.
    """
    check_encoding(path)
    if not holds(path, "manifest.json"):
        raise FileNotFoundError(no_records(path))


def check_output(path: str | os.PathLike) -> None:
    """Sees that a file, or what may be a folder, can be written; makes none.

    Args:
      path: may be there already; a URL is not looked at.

    Raises:
      OSError: it cannot.
    """
    place = pathlib.Path(path)
    if not _is_remote(path):
        files.check_folder(place if place.is_dir() else place.parent)


def check_output_folder(path: str) -> None:
    """As `check_output`, where nothing but a folder will do.

    ValueError where TensorFlow cannot write into a folder of that name.
    """
    check_encoding(path)
    if not _is_remote(path):
        files.check_folder(pathlib.Path(path))


def check_servable(path: str) -> None:
    """Sees that TensorFlow can load a model from a folder.

    It reads the path of a model's variables as a pattern (the operation RestoreV2,
    tensorflow/core/kernels/save_restore_v2_ops.cc), in which a "[" or a backslash does
    not stand for itself.

    Args:
      path: of the folder; a local one counts from the root.

    Raises:
      ValueError: it cannot.
    """
    whole = path if _is_remote(path) else str(pathlib.Path(path).absolute())
    if "[" in whole or "\\" in whole:
        raise ValueError(
            f"--output={path}: TensorFlow, and so a server, cannot load a model from "
            f"{whole}: it reads a [ or a \\ as part of a pattern. Export into another "
            "folder."
        )


def check_apart(output: str, source: str) -> None:
    """ValueError where --output is --input itself or lies within it.

    The next command for the same folder would take the results for scans.
    """
    of_output, of_source = (pathlib.Path(p).resolve() for p in (output, source))
    if of_output == of_source and of_source.is_file():
        raise ValueError(
            f"--output would overwrite the scan {source} itself. Name another."
        )
    if of_output.is_relative_to(of_source):
        raise ValueError(
            f"--output={output} lies within --input={source}, where results would pass "
            "for scans. Name a folder beside it."
        )


def holds(folder: str, name: str) -> bool:
    """Whether a file is in a folder, as far as that can be told without TensorFlow."""
    return _is_remote(folder) or (pathlib.Path(folder) / name).is_file()


def check_encoding(path: str) -> None:
    """ValueError for a name that TensorFlow cannot be given."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{str(path)!a}: the name is no UTF-8, and TensorFlow takes no other. "
            "Rename what it names."
        ) from None


def _is_remote(path: str | os.PathLike) -> bool:
    return "://" in str(path)
