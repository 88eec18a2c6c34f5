"""Naming patterns: which files are scans, and which part of a name is the scan's id.

A pattern is a path below a folder, with / between its parts. `{id}` stands for the id,
within one part; where it occurs again, as in `{id}/{id}_image.nii.gz`, it is the same
text. `*` is any text within one part. Everything else stands for itself.
"""

from __future__ import annotations

import pathlib
import re

from deepresolve.imaging.folders import tree
from deepresolve.system.tables import normal

_ID = "{id}"
_TOKENS = re.compile(r"(\{id\}|\*)")


def find(root: pathlib.Path, pattern: str, flag: str) -> dict[str, pathlib.Path]:
    """The files and folders that a pattern matches, by id.

    Args:
      root: the folder that the pattern starts in.
      pattern: as above.
      flag: name of the setting, for messages.

    Raises:
      FileNotFoundError: there is no such folder.
      ValueError: the pattern has no {id} or leads out of the folder, matches nothing,
        or gives two paths one id.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: there is no such folder.")
    pattern = normal(pattern)
    expression = _expression(pattern, flag)
    parts = [_part(text) for text in pattern.split("/")]
    found: dict[str, pathlib.Path] = {}
    for path in tree.matching(root, parts):
        match = expression.fullmatch(normal(tree.as_text(path.relative_to(root))))
        if match is None:  # The second {id} differs from the first.
            continue
        if match["id"] in found:
            raise ValueError(
                f"--{flag}={pattern} gives {found[match['id']]} and {path} one id, "
                f"{match['id']!r}."
            )
        found[match["id"]] = path
    if not found:
        raise ValueError(f"--{flag}={pattern} matches nothing in {root}.")
    return found


def literal_length(pattern: str) -> int:
    """How many characters of a pattern stand for themselves."""
    return len(_TOKENS.sub("", pattern))


def _part(text: str) -> re.Pattern:
    """What a name matches by its own part of the pattern alone."""
    pieces = _TOKENS.split(text)
    return re.compile(
        "".join(".*" if p in (_ID, "*") else re.escape(p) for p in pieces), re.DOTALL
    )


def _expression(pattern: str, flag: str) -> re.Pattern:
    parts = pattern.split("/")
    if _ID not in pattern or pattern.startswith("/") or ".." in parts or "" in parts:
        raise ValueError(
            f"--{flag}={pattern}: expected a path below the folder with {{id}} in it, "
            "such as '{id}_image.nii.gz' or 'imagesTr/{id}_0000.nii.gz'."
        )
    pieces, seen = [], False
    for piece in _TOKENS.split(pattern):
        if piece == _ID:
            pieces.append("(?P=id)" if seen else "(?P<id>[^/]+)")
            seen = True
        else:
            pieces.append("[^/]*" if piece == "*" else re.escape(piece))
    return re.compile("".join(pieces))
