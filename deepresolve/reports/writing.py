"""The files of a report: all of them together, whole or not at all."""

from __future__ import annotations

import contextlib
import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

from deepresolve.system import files


def make_folder(directory: str) -> pathlib.Path:
    """Makes the folder of a report, so that a long run need not fail at its end.

    Raises:
      ValueError: `directory` is a remote address.
      OSError: it cannot be made or written into.
    """
    if "://" in directory:
        raise ValueError(
            f"The report goes to a local folder; got {directory}. Name one."
        )
    path = pathlib.Path(directory)
    files.check_folder(path)
    path.mkdir(parents=True, exist_ok=True)
    return path


def write(
    directory: pathlib.Path, contents_by_name: Mapping[str, str | bytes]
) -> list[pathlib.Path]:
    """Writes several files together.

    All are written whole under temporary names and only then renamed: a full disk or
    an interrupt leaves the earlier files as they were.

    Args:
      directory: an existing local folder.
      contents_by_name: text or bytes; files of these names are replaced.

    Returns:
      The paths, in the order of the names.

    Raises:
      OSError: a file cannot be written.
    """
    paths = [directory / name for name in contents_by_name]
    with contextlib.ExitStack() as stack:
        for path, content in zip(paths, contents_by_name.values(), strict=True):
            data = content.encode() if isinstance(content, str) else content
            stack.enter_context(files.replacing(path)).write_bytes(data)
    return paths


def strict_json(content: Mapping[str, Any]) -> str:
    """JSON without NaN and Infinity, which become null."""
    return json.dumps(_without_nan(content), indent=2, allow_nan=False) + "\n"


def _without_nan(value: Any) -> Any:
    """JSON has no NaN and no infinity: both become None, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return value
