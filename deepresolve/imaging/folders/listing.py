"""A folder as one list of names, each with the function that opens it."""

from __future__ import annotations

import dataclasses
import pathlib

from deepresolve.imaging.folders import tree
from deepresolve.imaging.folders.kinds import Opener, opener

# Hidden folders of programs, whose files are not the user's.
_STORES = {".git", ".datalad", ".dvc", ".svn", ".hg", ".snapshot", ".snapshots"}


@dataclasses.dataclass
class Listing:
    """What lies in one place, to any depth; names are relative to it, with /.

    Attributes:
      files: openers by name, sorted.
      unreadable: what cannot be read, by name.
      repeated: names that lead to a file which has another name here.
      hidden: names that begin with a dot, or lie in a folder of such a name; of a file
        its opener.
      noise: openers of files of names that systems leave everywhere.
      empty_folders: names of folders that hold nothing.
    """

    files: dict[str, Opener] = dataclasses.field(default_factory=dict)
    unreadable: dict[str, tree.Unreadable] = dataclasses.field(default_factory=dict)
    repeated: list[str] = dataclasses.field(default_factory=list)
    hidden: dict[str, Opener | None] = dataclasses.field(default_factory=dict)
    noise: dict[str, Opener] = dataclasses.field(default_factory=dict)
    empty_folders: list[str] = dataclasses.field(default_factory=list)


def of_folder(found: tree.Folder) -> Listing:
    """All that lies in a folder of the walk; each real file once."""
    made, files = Listing(), []
    for folder in found.every():
        files += folder.files
        for problem in folder.unreadable:
            made.unreadable[_below(problem.path, found.path)] = problem
        made.repeated += (_below(path, found.path) for path in folder.repeated)
        for path in folder.hidden:
            is_file = path.is_file()
            made.hidden[_below(path, found.path)] = opener(path) if is_file else None
            for file in _directly_in(path):
                made.hidden[_below(file, found.path)] = opener(file)
        for path in folder.noise:
            made.noise[_below(path, found.path)] = opener(path)
        if folder is not found and folder.is_empty:
            made.empty_folders.append(_below(folder.path, found.path))
    opener_of, seen = {}, set()
    # Links last: of two names for one file the real one stays.
    for file in sorted(files, key=lambda f: (f.is_symlink(), f)):
        name, real = _below(file, found.path), file.resolve()
        if real in seen:
            made.repeated.append(name)
        else:
            seen.add(real)
            opener_of[name] = opener(file)
    made.files = dict(sorted(opener_of.items()))
    return made


def _directly_in(folder: pathlib.Path) -> list[pathlib.Path]:
    """The files of a hidden folder, unless a program keeps its own there."""
    if folder.name in _STORES or not folder.is_dir():
        return []
    try:
        return sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return []


def _below(path: pathlib.PurePath, root: pathlib.Path) -> str:
    return path.relative_to(root).as_posix() if path != root else path.name
