"""The viewer's JavaScript: as files for a server, or put into a page that needs none.

A page's modules import each other by `import { a, b } from "./c.js";` alone. For a page
that is one file they are put one after the other, what is imported first, as a script
in which all their names are known.
"""

from __future__ import annotations

import pathlib
import re

FOLDER = pathlib.Path(__file__).parent / "viewer"

_IMPORT = re.compile(r'^import \{[^}]*\} from "(.+)";\n', re.MULTILINE)
_OTHER_IMPORT = re.compile(r"^import\b.*", re.MULTILINE)
_NAME = re.compile(
    r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE
)
_EXPORT = re.compile(r"^export (?=(async )?(function|class|const)\b)", re.MULTILINE)


def modules(entry: pathlib.Path) -> list[pathlib.Path]:
    """All modules that a module needs, each after those that it imports; itself last.

    Raises:
      ValueError: an import of another form, or modules that import each other.
    """
    found: list[pathlib.Path] = []
    _collect(entry.resolve(), found, ())
    return found


def script(entry: pathlib.Path) -> str:
    """A module and all that it needs as one classic script.

    Raises:
      ValueError: an import of another form, modules that import each other, or two that
        have a name of the same spelling.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in modules(entry)}
    _check_names(texts)
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", t)) for t in texts.values())


def _check_names(texts: dict[pathlib.Path, str]) -> None:
    first: dict[str, pathlib.Path] = {}
    for path, text in texts.items():
        for name in _NAME.findall(text):
            if name in first:
                raise ValueError(
                    f"{path}: {name!r} is a name in {first[name].name}, too; in a page "
                    "of one file all names are known to all modules. Rename one."
                )
            first[name] = path


def _collect(
    path: pathlib.Path, found: list[pathlib.Path], above: tuple[pathlib.Path, ...]
) -> None:
    if path in above:
        raise ValueError(f"{path}: it imports itself by way of {above[-1].name}.")
    text = path.read_text(encoding="utf-8")
    other = _OTHER_IMPORT.search(_IMPORT.sub("", text))
    if other:
        raise ValueError(
            f'{path}: expected import {{ names }} from "./file.js"; got '
            f"{other[0]!r}, which cannot be put into a page of one file."
        )
    for name in _IMPORT.findall(text):
        needed = (path.parent / name).resolve()
        if needed not in found:
            _collect(needed, found, (*above, path))
    found.append(path)
