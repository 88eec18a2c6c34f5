"""Finding the knees of the OAI, and reading them."""

from __future__ import annotations

import collections
import dataclasses
import logging
import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from deepresolve.imaging import formats
from deepresolve.imaging.folders import summary, tree
from deepresolve.imaging.formats import refusals
from deepresolve.imaging.formats.choice import ONLY, Choice
from records.datasets.oai import contents_table, contour_files, imorphics
from records.subject import Scan, Subject

if TYPE_CHECKING:
    from records.datasets.oai import Oai

_logger = logging.getLogger(__name__)

# 160 slices of 384 x 384 int16, before the files are looked at.
_KNEE_BYTES = 160 * 384 * 384 * 2


def describe(settings: Oai) -> list[str]:
    """How many series of the tables are there, and how many contours."""
    chosen = _chosen(settings)
    found = _present(settings, chosen)
    lines = [f"{settings.source}/: {len(found)} of {len(chosen)} series are there"]
    if settings.labels:
        root = pathlib.Path(settings.labels)
        files = tree.named(root, ".mat")
        lines += summary.of_chosen(root, {"files of contours (.mat)": files})
    return lines


def find(settings: Oai) -> Iterator[OaiSubject]:
    """The scans in the order of the table.

    Raises:
      FileNotFoundError: a folder or table is not there.
      ValueError: there is no such series, a table or the name of a label file
        cannot be understood, or two scans or labels claim one place.
    """
    series = _present(settings, _chosen(settings))
    _check_unique(list(series))
    label_of: dict[contents_table.Series, pathlib.Path] = {}
    if settings.labels:
        label_of = contour_files.match(pathlib.Path(settings.labels), list(series))
        if without := len(series) - len(label_of):
            _logger.warning(
                "%s has no contours for %d of %d knees: they are left out.",
                *(settings.labels, without, len(series)),
            )
    for entry, folder in series.items():
        if not settings.labels or entry in label_of:
            yield OaiSubject(
                id=_name(entry),
                person=entry.person,
                side=entry.side,
                visit=entry.visit,
                folder=folder,
                table_folder=entry.folder,
                label_path=label_of.get(entry),
                slice_order=settings.slice_order,
                choice=Choice(echo=settings.echo, volume=settings.volume),
            )


def _chosen(settings: Oai) -> list[contents_table.Series]:
    """The series of the tables that have the descriptions asked for."""
    tables = (
        [pathlib.Path(settings.contents)]
        if settings.contents
        else contents_table.find_tables(pathlib.Path(settings.source))
    )
    listed = [entry for table in tables for entry in contents_table.read_table(table)]
    wanted = {text.strip().upper() for text in settings.series_descriptions}
    chosen = [entry for entry in listed if entry.description.upper() in wanted]
    if not chosen:
        known = sorted({entry.description for entry in listed})
        raise ValueError(
            f"{', '.join(map(str, tables))}: no series "
            f"{' or '.join(settings.series_descriptions)} among {len(listed)}. The "
            f"descriptions are: {', '.join(known[:20]) or 'none'}. Choose by "
            "--series_descriptions."
        )
    for entry in chosen:
        if entry.side == "unknown":
            raise ValueError(
                f"{entry.folder}: the series description {entry.description!r} "
                "does not say LEFT or RIGHT. Choose others by "
                "--series_descriptions."
            )
    return chosen


def _present(
    settings: Oai, chosen: Sequence[contents_table.Series]
) -> dict[contents_table.Series, pathlib.Path]:
    """The folder of each series that is there; each folder once."""
    entry_of: dict[pathlib.Path, tuple[contents_table.Series, pathlib.Path]] = {}
    missing = 0
    for entry in chosen:
        bases = (entry.base, pathlib.Path(settings.source))
        # A link to nothing is no folder that is not there: its scan is a bad one.
        folders = [b / entry.folder for b in bases if _is_there(b / entry.folder)]
        if folders:
            entry_of.setdefault(folders[0].resolve(), (entry, folders[0]))
        else:
            missing += 1
    found = dict(entry_of.values())
    if not found:
        raise FileNotFoundError(
            f"{settings.source}: none of {len(chosen)} series has its folder, the "
            f"first {chosen[0].folder!r}. Give the folder that these paths start "
            "in as --source, and unpack archives (.tar.gz) first."
        )
    if missing:
        _logger.warning(
            "%s: %d of %d series have no folder and are left out.",
            *(settings.source, missing, len(chosen)),
        )
    return found


@dataclasses.dataclass(frozen=True)
class OaiSubject(Subject):
    """One knee at one visit."""

    visit: str = ""
    folder: pathlib.Path = pathlib.Path()
    table_folder: str = ""
    label_path: pathlib.Path | None = None
    slice_order: str = "left_to_right"
    choice: Choice = ONLY

    @property
    def source(self) -> str:
        """The series' folder as the contents table has it."""
        return self.table_folder

    @property
    def label_source(self) -> str:
        """The path of the contours."""
        return str(self.label_path or "")

    @property
    def paths(self) -> dict[str, str]:
        """The series' folder as the table has it, and the name of the contours."""
        path = self.label_path
        label = {str(path): f"label map {path.name}"} if path else {}
        return {str(self.folder): self.table_folder, **label}

    @property
    def num_bytes(self) -> int:
        """Of an OAI knee, and half more with labels: no file is looked at."""
        return _KNEE_BYTES * 3 // 2 if self.label_path else _KNEE_BYTES

    def hashes(self) -> tuple[str, str]:
        """SHA-256 of the folder's DICOM files and of the contours' file."""
        label = formats.sha256(self.label_path) if self.label_path else ""
        return formats.sha256(self.folder), label

    def load(self) -> Scan:
        """Reads the series, and fills its contours."""
        image = formats.read_image(self.folder, choice=self.choice)
        scalars = {"visit": self.visit}
        if self.label_path is None:
            return Scan(image, scalars=scalars)
        refusals.check_exists(self.label_path)
        label = imorphics.read_label_map(
            self.label_path, image=image, slice_order=self.slice_order
        )
        return Scan(image, label, scalars=scalars)


def _is_there(folder: pathlib.Path) -> bool:
    return folder.is_dir() or folder.is_symlink()


def _name(entry: contents_table.Series) -> str:
    return f"{entry.person}_{entry.visit}_{entry.side}"


def _check_unique(series: Sequence[contents_table.Series]) -> None:
    folders = collections.defaultdict(list)
    for entry in series:
        folders[_name(entry)].append(entry.folder)
    repeated = {name: found for name, found in folders.items() if len(found) > 1}
    if repeated:
        listed = "".join(
            f"\n  {name}: {' and '.join(found)}" for name, found in repeated.items()
        )
        raise ValueError(
            f"{len(repeated)} knees were scanned more than once in a visit. Give a "
            f"copy of the table without the rows to leave out as --contents:{listed}"
        )
