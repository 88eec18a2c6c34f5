"""One walk of folders for every search.

Links are followed: each real folder is read once, however many links lead to it, and a
link back up is not followed. What cannot be read is kept, with the reason; pipes and
sockets are never opened.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import stat
from collections.abc import Iterable, Iterator, Sequence

from deepresolve.imaging.folders import placeholders
from deepresolve.system.tables import normal

# Of Macs, Windows and network disks.
_NOISE = {
    *(".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"),
    *("@eadir", ".appledouble", "$recycle.bin", "system volume information"),
}
_SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


@dataclasses.dataclass(frozen=True)
class Unreadable:
    """What is there by name and cannot be read.

    Attributes:
      path: the file, link or folder.
      why: what it is, and how to get its content: follows the name and a colon.
      may_be_scan: whether it may hold voxels; a pipe does not.
      is_absent: whether there is not even a name.
    """

    path: pathlib.PurePath
    why: str
    may_be_scan: bool = True
    is_absent: bool = False


@dataclasses.dataclass
class Folder:
    """A folder and what is in it, sorted by name.

    Attributes:
      path: as it was reached, links included.
      files: that can be opened, as far as their modes say.
      folders: in it, real or linked, each real one once in the whole tree.
      unreadable: links to nothing, what the system does not let see, pipes.
      repeated: links to what the tree holds already.
      hidden: names that begin with a dot, but for what systems leave everywhere.
      noise: files of names that systems leave everywhere.
    """

    path: pathlib.Path
    files: list[pathlib.Path] = dataclasses.field(default_factory=list)
    folders: list[Folder] = dataclasses.field(default_factory=list)
    unreadable: list[Unreadable] = dataclasses.field(default_factory=list)
    repeated: list[pathlib.Path] = dataclasses.field(default_factory=list)
    hidden: list[pathlib.Path] = dataclasses.field(default_factory=list)
    noise: list[pathlib.Path] = dataclasses.field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        found = (self.files, self.folders, self.unreadable, self.repeated, self.hidden)
        return not any(found)

    def every(self) -> Iterator[Folder]:
        """This folder and all below it."""
        yield self
        for folder in self.folders:
            yield from folder.every()


def walk(root: pathlib.Path) -> Folder:
    """Reads a folder to any depth.

    Args:
      root: the folder, or a link to one.

    Returns:
      What is there. A root that cannot be read is in its own `unreadable`.
    """
    return _Walk(root).tree


def named(root: pathlib.Path, endings: str | tuple[str, ...]) -> list[pathlib.Path]:
    """Files below a folder whose names end so, in any case of letters; sorted.

    What cannot be read is among them: whoever opens it tells.
    """
    found = [
        path
        for folder in walk(root).every()
        for path in (*folder.files, *(pathlib.Path(u.path) for u in folder.unreadable))
    ]
    return sorted(path for path in found if path.name.lower().endswith(endings))


def matching(
    root: pathlib.Path, parts: Sequence[re.Pattern[str]]
) -> list[pathlib.Path]:
    """Files and folders below a folder whose names match, level by level; sorted.

    Links are followed, whatever they lead to. Names that begin with a dot only match
    where a pattern begins with one.

    Args:
      root: the folder.
      parts: what each name on the way, in normal form, matches as a whole.

    Raises:
      OSError: a folder on the way cannot be read.
    """
    found = [root]
    for part in parts:
        found = [
            path
            for folder in found
            if folder.is_dir()
            for path in _entries(folder)
            if part.fullmatch(normal(path.name))
            and (not path.name.startswith(".") or part.pattern.startswith(r"\."))
        ]
    return sorted(found)


def as_text(path: pathlib.PurePath) -> str:
    r"""A path with /, where a name that is no UTF-8 has \xe9 for such a byte."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def num_bytes(paths: Iterable[pathlib.Path]) -> int:
    """Bytes on disk of all that can be seen."""
    return sum(path.stat().st_size for path in paths if unreadable(path) is None)


def is_noise(name: str) -> bool:
    """Whether a system leaves files of this name everywhere."""
    return name.lower() in _NOISE or name.startswith("._")


def unreadable(path: pathlib.Path) -> Unreadable | None:
    """Why one path cannot be opened as a file or folder; None where it seems to."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        is_absent = isinstance(error, (FileNotFoundError, NotADirectoryError))
        return Unreadable(path, _why_not(path, error), is_absent=is_absent)
    special = _SPECIAL.get(stat.S_IFMT(mode))
    if special is None:
        return None
    return Unreadable(path, f"is {special}, which is not opened", may_be_scan=False)


class _Walk:
    """Real folders come before links, which then tell of what is there already."""

    def __init__(self, root: pathlib.Path):
        self._seen: set[pathlib.Path] = set()  # Real paths of folders and of files.
        self._links: list[tuple[Folder, pathlib.Path]] = []
        self.tree = Folder(root)
        real = root.resolve()
        # A link up to one of these would lead back to the root, and past it.
        self._seen.update(real.parents)
        self._read(self.tree, real)
        while self._links:
            self._follow(*self._links.pop(0))
        for folder in self.tree.every():
            folder.files.sort()
            folder.folders.sort(key=lambda below: below.path)

    def _read(self, folder: Folder, real: pathlib.Path) -> None:
        """Fills a real folder; links are left for later."""
        stack = [(folder, real)]
        while stack:
            here, real = stack.pop()
            self._seen.add(real)
            try:
                with os.scandir(here.path) as listed:
                    entries = sorted(listed, key=lambda entry: entry.name)
            except OSError as error:
                why = f"is a folder that cannot be read ({_reason(error)})"
                here.unreadable.append(Unreadable(here.path, why))
                continue
            stand_ins = placeholders.stand_ins({entry.name for entry in entries})
            for name, why in stand_ins.items():
                here.unreadable.append(Unreadable(here.path / name, why))
            for entry in entries:
                if not is_noise(entry.name):
                    stack += self._sort_in(here, entry, real / entry.name)
                elif entry.is_file(follow_symlinks=False):
                    here.noise.append(here.path / entry.name)

    def _sort_in(
        self, here: Folder, entry: os.DirEntry[str], real: pathlib.Path
    ) -> list[tuple[Folder, pathlib.Path]]:
        """Puts an entry in its place; gives the folder that is now to be read."""
        path = here.path / entry.name
        if entry.name.startswith("."):
            here.hidden.append(path)
        elif entry.is_symlink():
            self._links.append((here, path))
        elif entry.is_dir(follow_symlinks=False):
            if real in self._seen:  # By a link to it.
                here.repeated.append(path)
            else:
                here.folders.append(Folder(path))
                return [(here.folders[-1], real)]
        elif entry.is_file(follow_symlinks=False):
            self._seen.add(real)
            here.files.append(path)
        elif (problem := unreadable(path)) is not None:
            here.unreadable.append(problem)
        return []

    def _follow(self, here: Folder, link: pathlib.Path) -> None:
        if (problem := unreadable(link)) is not None:
            here.unreadable.append(problem)
        elif (real := link.resolve()) in self._seen:
            here.repeated.append(link)
        elif link.is_dir():
            here.folders.append(Folder(link))
            self._read(here.folders[-1], real)
        else:
            here.files.append(link)


def _entries(folder: pathlib.Path) -> list[pathlib.Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        text = f"{folder} is a folder that cannot be read ({_reason(error)})."
        raise OSError(text) from error


def _why_not(path: pathlib.Path, error: OSError) -> str:
    if not path.is_symlink():
        if path.name and path.parent.is_dir():
            names = [entry.name for entry in path.parent.iterdir()]
            if (why := placeholders.stand_ins(names).get(path.name)) is not None:
                return why
        return f"cannot be read ({_reason(error)})"
    target = str(path.readlink())
    if "annex/objects" in target.replace("\\", "/"):
        return (
            "is a link of git-annex whose content is not here; get it with `git annex "
            "get` or `datalad get`"
        )
    if not isinstance(error, FileNotFoundError):
        return f"is a link to {target}, which cannot be read ({_reason(error)})"
    return f"is a link to {target}, which is not there; copy the files themselves"


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
