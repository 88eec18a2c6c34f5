"""How many files became how many scans or slices, and what else was there."""

from __future__ import annotations

import dataclasses
import pathlib
from collections import Counter
from collections.abc import Iterable, Mapping

from deepresolve.imaging.folders import dicom_bytes, kinds, tree
from deepresolve.system.wording import counted, listed

INDEX = dicom_bytes.DIRECTORY_NAME


@dataclasses.dataclass
class Beside:
    """What lies beside scans; names are below the folder that was searched.

    Attributes:
      others: files that are no scan.
      objects: DICOM that is no image: what each is, by name.
      num_hidden: names that begin with a dot.
      repeated: links to what is there already.
      notes: what may be missed and is no scan of its own: a text each, path first.
    """

    others: list[str] = dataclasses.field(default_factory=list)
    objects: dict[str, str] = dataclasses.field(default_factory=dict)
    num_hidden: int = 0
    repeated: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def counted(self) -> str:
        """By kind: "3 .json, 1 .txt, 2 hidden"; "" where there is nothing."""
        endings = Counter(kinds.ending(name) for name in self.others)
        items = [f"{n} {end or 'without ending'}" for end, n in sorted_counts(endings)]
        objects = sorted_counts(Counter(self.objects.values()))
        items += [f"{n} {_object(what)}" for what, n in objects]
        return ", ".join([*items, *self._rest()])

    def named(self) -> str:
        """Each by its name: "2 others: DICOMDIR, notes.txt"; "" where there is none."""
        objects = (
            name if what == INDEX else f"{name} ({what})"
            for name, what in self.objects.items()
        )
        names = sorted([*self.others, *objects])
        items = [f"{counted(len(names), 'other')}: {listed(names)}"] if names else []
        return "; ".join([*items, *self._rest()])

    def _rest(self) -> list[str]:
        items = [f"{self.num_hidden} hidden"] if self.num_hidden else []
        if self.repeated:
            links = counted(len(self.repeated), "link")
            items.append(
                f"{links} to what is there already: {listed(sorted(self.repeated))}"
            )
        return items


def of_slices(
    where: str, num_files: int, num_slices: int, num_missing: int, beside: Beside
) -> str:
    """The line on one DICOM scan."""
    found = counted(num_slices, "slice")
    line = f"{where}: {counted(num_files, 'file')} became {found}"
    if num_missing:
        line += f"; {num_missing} cannot be read"
    return "; ".join(filter(None, [line, beside.named()]))


def of_scans(
    where: str, num_files: int, kinds_found: Mapping[str, int], beside: Beside
) -> str:
    """The line on many scans.

    Args:
      where: the folder.
      num_files: in it, to any depth.
      kinds_found: how many scans of each kind, described.
      beside: what else is there.
    """
    num_scans = sum(kinds_found.values())
    listing = ", ".join(f"{n} {kind}" for kind, n in kinds_found.items())
    line = f"{where}: {counted(num_files, 'file')}: {counted(num_scans, 'scan')}"
    also = beside.counted()
    return f"{line} ({listing})" + (f"; also {also}" if also else "")


def of_chosen(
    root: pathlib.Path, chosen: Mapping[str, Iterable[pathlib.Path]]
) -> list[str]:
    """The line on files that are chosen by name; then what cannot be read, a line each.

    Args:
      root: the folder.
      chosen: files, and folders with all that is in them, by what they are.
    """
    taken = {path for paths in chosen.values() for path in paths}
    beside, num_files, lines = Beside(), 0, []
    for folder in tree.walk(root).every():
        beside.num_hidden += len(folder.hidden)
        problem_of = {problem.path: problem.why for problem in folder.unreadable}
        num_files += len(folder.files) + len(problem_of)
        for file in (*folder.files, *problem_of):
            if taken.isdisjoint((file, *file.parents)):
                beside.others.append(file.name)
                if file in problem_of and not kinds.is_side(file.name):
                    lines.append(f"note: {file} {problem_of[file]}")
    found = ", ".join(f"{len(list(paths))} {what}" for what, paths in chosen.items())
    also = beside.counted()
    line = f"{root}/: {counted(num_files, 'file')}: {found}"
    return [line + (f"; also {also}" if also else ""), *lines]


def sorted_counts(counts: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _object(what: str) -> str:
    return what if what == INDEX else f"DICOM {what}"
