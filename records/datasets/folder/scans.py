"""Finding the scans of a folder, and reading them."""

from __future__ import annotations

import dataclasses
import logging
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepresolve.imaging import formats
from deepresolve.imaging.folders import summary, tree
from deepresolve.imaging.formats.choice import ONLY, Choice
from deepresolve.system import tables
from records.datasets.folder import choosing, grades, kin, patterns, persons
from records.subject import Scan, Subject

if TYPE_CHECKING:
    from records.datasets.folder import Folder

_logger = logging.getLogger(__name__)

# Compressed scans are estimated at twice their size on disk, label maps (one byte a
# voxel) at half of the image: enough to choose a number of shards.
_COMPRESSED_SUFFIXES = (".gz", ".zip")


def find(settings: Folder) -> Iterator[FolderSubject]:
    """The scans in the order of their ids.

    Raises:
      ValueError: there are no scans, two have one id, a label map is missing, a
        scan's person cannot be told, or the table of grades is none of them.
    """
    images, labels = _paths(settings)
    if settings.is_labelled:
        _check_labelled(settings, images, labels)
    asked = Choice(settings.series, settings.echo, settings.volume)
    table = (
        persons.read_table(pathlib.Path(settings.persons)) if settings.persons else None
    )
    own = {name: row.choice for name, row in (table or {}).items()}
    chosen = choosing.choose(images, asked, own)
    counted = kin.counted(scan.identity for scan in chosen)
    who = persons.identify(
        {s.id: kin.traits_of(s.name, s.identity, counted) for s in chosen},
        names={scan.id: scan.name for scan in chosen},
        table=table,
        pattern=settings.person_pattern,
    )
    rows = grades.match(
        settings.graded,
        {scan.id: (scan.id, scan.name) for scan in chosen},
        {scan.id: who[scan.id].name for scan in chosen},
    )
    for scan in chosen:
        yield FolderSubject(
            id=scan.id,
            person=who[scan.id].name,
            side=_side(who[scan.id].side, scan.acquired.side),
            split=who[scan.id].split,
            root=settings.source,
            path=scan.path,
            label_path=labels.get(scan.name),
            slice_axis=settings.slice_axis,
            choice=scan.choice,
            echo_time_ms=scan.acquired.echo_time_ms,
            is_own_choice=str(scan.choice) not in ("", str(asked)),
            ignore_label_affine=settings.ignore_label_affines,
            row=tuple(rows[scan.id].items()),
        )


def _side(of_table: str, of_header: str) -> str:
    return of_header if of_table == "unknown" else of_table


def _check_labelled(settings: Folder, images: dict, labels: dict) -> None:
    """ValueError where a scan has no label map; tells of maps without a scan."""
    where = settings.labels or settings.source
    if missing := sorted(images.keys() - labels.keys()):
        raise ValueError(
            f"{where} has no label map for {len(missing)} of {len(images)} "
            f"scans, the first {missing[0]!r}. A label map is named as its scan; "
            "else say how by --image_pattern and --label_pattern."
        )
    if unused := sorted(labels.keys() - images.keys()):
        _logger.warning(
            "%s holds %d label maps that no scan has the name of, the first %r: "
            "they are left out.",
            *(where, len(unused), unused[0]),
        )


def describe(settings: Folder) -> list[str]:
    """How many files are scans and label maps, and what else lies there."""
    source, labels = pathlib.Path(settings.source), pathlib.Path(settings.labels or "")
    is_apart = bool(settings.labels) and not _is_within(labels, source)
    is_by_name = settings.image_pattern or settings.label_pattern
    if not is_by_name and (is_apart or not settings.labels):
        roots = [source, labels] if is_apart else [source]
        return [n for root in roots for n in formats.search(root).describe()]
    images, maps = _paths(settings)
    chosen = {"scans": images.values(), "label maps": maps.values()}
    if not is_apart:
        return summary.of_chosen(source, chosen)
    return [
        line
        for root, what in ((source, "scans"), (labels, "label maps"))
        for line in summary.of_chosen(root, {what: chosen[what]})
    ]


def _paths(
    settings: Folder,
) -> tuple[dict[str, pathlib.Path], dict[str, pathlib.Path]]:
    """The scans and the label maps, by id."""
    source = pathlib.Path(settings.source)
    folder = pathlib.Path(settings.labels) if settings.labels else source
    labels: dict[str, pathlib.Path] = {}
    if settings.label_pattern:
        labels = patterns.find(folder, settings.label_pattern, "label_pattern")
    elif settings.labels:
        labels = _scans(folder)
    if settings.image_pattern:
        images = patterns.find(source, settings.image_pattern, "image_pattern")
    else:
        images = _scans(source, leave_out=settings.labels)
    if settings.label_pattern:
        images, labels = _shared_out(settings, images, labels)
    if not images and settings.is_labelled:
        whose = (
            f"--labels={settings.labels}"
            if settings.labels
            else f"--label_pattern={settings.label_pattern}"
        )
        raise ValueError(
            f"{whose} holds all the scans of --source={settings.source}. Give "
            "label maps a folder of their own, or names of their own by "
            "--image_pattern and --label_pattern."
        )
    return images, labels


def _shared_out(settings: Folder, images: dict, labels: dict) -> tuple[dict, dict]:
    """Gives what is scan and label map in one to the pattern that says more."""
    length = patterns.literal_length
    of_label, of_image = settings.label_pattern or "", settings.image_pattern or ""
    is_label = length(of_label) > length(of_image)
    both = {p.resolve() for p in images.values()}
    both &= {p.resolve() for p in labels.values()}

    def without_both(paths: dict) -> dict:
        return {n: p for n, p in paths.items() if p.resolve() not in both}

    if is_label:
        return without_both(images), labels
    return images, without_both(labels)


@dataclasses.dataclass(frozen=True)
class FolderSubject(Subject):
    """One scan on disk: where it lies and how to read it."""

    root: str = ""
    path: pathlib.Path = pathlib.Path()
    label_path: pathlib.Path | None = None
    slice_axis: int | None = None
    choice: Choice = ONLY
    is_own_choice: bool = False
    ignore_label_affine: bool = False
    echo_time_ms: float | None = None
    row: tuple[tuple[str, int], ...] = ()

    @property
    def grades(self) -> dict[str, int]:
        """What the table of grades says of the scan."""
        return dict(self.row)

    @property
    def source(self) -> str:
        """The scan's path below the dataset's folder, and a choice of its own."""
        path = tree.as_text(_below(self.path, pathlib.Path(self.root)))
        return f"{path} {self.choice}" if self.is_own_choice else path

    @property
    def label_source(self) -> str:
        """The path of the label map."""
        return tree.as_text(self.label_path) if self.label_path else ""

    @property
    def paths(self) -> dict[str, str]:
        """The scan's and the label map's, with their paths below their folders."""
        below = _below(self.path, pathlib.Path(self.root)).as_posix()
        path = self.label_path
        label = {str(path): f"label map {path.name}"} if path else {}
        return {str(self.path): below, **label}

    @property
    def num_bytes(self) -> int:
        """Bytes on disk, twice that of a compressed scan, half more with labels."""
        try:
            size = tree.num_bytes(formats.scan_files(self.path))
        except (ValueError, OSError):  # Who reads it will say why.
            return 0
        size *= 2 if self.path.suffix.lower() in _COMPRESSED_SUFFIXES else 1
        return size * 3 // 2 if self.label_path else size

    def hashes(self) -> tuple[str, str]:
        """SHA-256 of the scan's file (or its folder's DICOM files) and the label's."""
        label = formats.sha256(self.label_path) if self.label_path else ""
        return formats.sha256(self.path), label

    def load(self) -> Scan:
        """Reads the scan and its label map; refuses labels on another grid."""
        image = formats.read_image(
            self.path, slice_axis=self.slice_axis, choice=self.choice
        )
        time_ms = self.echo_time_ms
        of_header = {} if time_ms is None else {"echo_time_ms": time_ms}
        scalars = {**of_header, **self.grades}
        if self.label_path is None:
            return Scan(image, scalars=scalars)
        label = formats.read_label_map(
            self.label_path, image=image, ignore_affine=self.ignore_label_affine
        )
        return Scan(image, label, scalars=scalars)


def _scans(root: pathlib.Path, leave_out: str | None = None) -> dict[str, pathlib.Path]:
    """Scans below `root` by their ids, those below `leave_out` excepted."""
    scans: dict[str, pathlib.Path] = {}
    for path in formats.find_scans(root):
        if leave_out and _is_within(path, pathlib.Path(leave_out)):
            continue
        relative = _below(path, root)
        names = relative.with_name(formats.scan_stem(relative)).parts
        name = tables.normal(tree.as_text(pathlib.PurePath("_".join(names))))
        if name in scans:
            raise ValueError(
                f"Two scans would share the id {name!r}: {scans[name]} and {path}. "
                "Rename one of them."
            )
        scans[name] = path
    return scans


def _is_within(path: pathlib.Path, folder: pathlib.Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _below(path: pathlib.Path, root: pathlib.Path) -> pathlib.Path:
    """`path` relative to `root`; its bare name where it is the root itself."""
    if path == root:
        return pathlib.Path(path.resolve().name)
    return path.relative_to(root)
