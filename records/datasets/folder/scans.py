"""Scans in a folder, in any format that `deepresolve.imaging.formats` reads."""

from __future__ import annotations

import dataclasses
import logging
import pathlib
from collections.abc import Iterator

from deepresolve import tables
from deepresolve.imaging import formats
from deepresolve.imaging.folders import summary, tree
from deepresolve.imaging.formats.choice import ONLY, Choice
from deepresolve.imaging.volume import Volume
from records.datasets.folder import choosing, kin, patterns, persons
from records.subject import Subject

_logger = logging.getLogger(__name__)

# Compressed scans are estimated at twice their size on disk, label maps (one byte a
# voxel) at half of the image: enough to choose a number of shards.
_COMPRESSED_SUFFIXES = (".gz", ".zip")


@dataclasses.dataclass(frozen=True)
class Folder:
    """Every scan below a folder, and label maps of the same names below another.

    A scan's id is its path below `source` without the ending, with _ for /; where
    scans or label maps are named otherwise, patterns say which part of a name it is
    (see `records.datasets.folder.patterns`).

    Attributes:
      source: folder of scans, or one scan.
      labels: folder of label maps whose ids are those of the scans; every scan needs
        one. None for scans without labels, or for label maps in `source`.
      label_names: what each label value means, by value; required with label maps.
      image_pattern: which files below `source` are scans: "imagesTr/{id}_0000.nii.gz".
      label_pattern: which files below `labels`, else below `source`, are label maps. A
        file that both patterns match belongs to the one with more text of its own.
      ignore_label_affines: whether to lay label maps on their scans voxel by voxel,
        for sets whose label maps have wrong affines.
      slice_axis: overrides the slice axis that a scan's header implies: 0, 1 or 2.
      series: which DICOM series to read, where a folder holds several; "all" for each
        as a scan of its own.
      echo: which DICOM echo to read, where a series holds several; "all" for each
        as a scan of its own.
      volume: which volume of a DICOM series to read, where it holds several.
      persons: CSV file with the columns subject, person[, side][, split][, series]
        [, echo][, volume].
      person_pattern: regular expression with a group named `person`, searched for in
        the id. Without either, scans that say that they are of one person are, and
        others are persons of their own; see `records.datasets.folder.kin`.
    """

    source: str
    labels: str | None = None
    label_names: dict[int, str] = dataclasses.field(default_factory=dict)
    image_pattern: str | None = None
    label_pattern: str | None = None
    ignore_label_affines: bool = False
    slice_axis: int | None = None
    series: str | None = None
    echo: int | str | None = None
    volume: str | None = None
    persons: str | None = None
    person_pattern: str | None = None

    def __post_init__(self):
        if self._is_labelled and not self.label_names:
            raise ValueError(
                "--labels needs --label_names, for label maps do not say what their "
                "values mean: --label_names='1=femoral cartilage,2=patellar cartilage'."
            )
        if self.label_names and not self._is_labelled:
            raise ValueError(
                "--label_names tells what the values of label maps mean: give their "
                "folder as --labels, or leave --label_names out."
            )
        if self.ignore_label_affines and not self._is_labelled:
            raise ValueError(
                "--ignore_label_affines is about label maps: give their folder as "
                "--labels."
            )

    @property
    def _is_labelled(self) -> bool:
        return bool(self.labels or self.label_pattern)

    def subjects(self, seed: int) -> Iterator[FolderSubject]:
        """The scans in the order of their ids; `seed` plays no part.

        Raises:
          ValueError: there are no scans, two have one id, a label map is missing, or
            a scan's person cannot be told.
        """
        del seed
        images, labels = self._paths()
        if self._is_labelled:
            self._check_labelled(images, labels)
        asked = Choice(self.series, self.echo, self.volume)
        table = persons.read_table(pathlib.Path(self.persons)) if self.persons else None
        own = {name: row.choice for name, row in (table or {}).items()}
        chosen = choosing.choose(images, asked, own)
        counted = kin.counted(scan.identity for scan in chosen)
        who = persons.identify(
            {s.id: kin.traits_of(s.name, s.identity, counted) for s in chosen},
            names={scan.id: scan.name for scan in chosen},
            table=table,
            pattern=self.person_pattern,
        )
        for scan in chosen:
            yield FolderSubject(
                id=scan.id,
                person=who[scan.id].name,
                side=who[scan.id].side,
                split=who[scan.id].split,
                root=self.source,
                path=scan.path,
                label_path=labels.get(scan.name),
                slice_axis=self.slice_axis,
                choice=scan.choice,
                is_own_choice=str(scan.choice) not in ("", str(asked)),
                ignore_label_affine=self.ignore_label_affines,
            )

    def _check_labelled(self, images: dict, labels: dict) -> None:
        """ValueError where a scan has no label map; tells of maps without a scan."""
        where = self.labels or self.source
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

    def describe(self) -> list[str]:
        """How many files are scans and label maps, and what else lies there."""
        source, labels = pathlib.Path(self.source), pathlib.Path(self.labels or "")
        is_apart = bool(self.labels) and not _is_within(labels, source)
        is_by_name = self.image_pattern or self.label_pattern
        if not is_by_name and (is_apart or not self.labels):
            roots = [source, labels] if is_apart else [source]
            return [n for root in roots for n in formats.search(root).describe()]
        images, maps = self._paths()
        chosen = {"scans": images.values(), "label maps": maps.values()}
        if not is_apart:
            return summary.of_chosen(source, chosen)
        return [
            line
            for root, what in ((source, "scans"), (labels, "label maps"))
            for line in summary.of_chosen(root, {what: chosen[what]})
        ]

    def _paths(self) -> tuple[dict[str, pathlib.Path], dict[str, pathlib.Path]]:
        """The scans and the label maps, by id."""
        source = pathlib.Path(self.source)
        folder = pathlib.Path(self.labels) if self.labels else source
        labels: dict[str, pathlib.Path] = {}
        if self.label_pattern:
            labels = patterns.find(folder, self.label_pattern, "label_pattern")
        elif self.labels:
            labels = _scans(folder)
        if self.image_pattern:
            images = patterns.find(source, self.image_pattern, "image_pattern")
        else:
            images = _scans(source, leave_out=self.labels)
        if self.label_pattern:
            images, labels = self._shared_out(images, labels)
        if not images and self._is_labelled:
            whose = (
                f"--labels={self.labels}"
                if self.labels
                else f"--label_pattern={self.label_pattern}"
            )
            raise ValueError(
                f"{whose} holds all the scans of --source={self.source}. Give "
                "label maps a folder of their own, or names of their own by "
                "--image_pattern and --label_pattern."
            )
        return images, labels

    def _shared_out(self, images: dict, labels: dict) -> tuple[dict, dict]:
        """Gives what is scan and label map in one to the pattern that says more."""
        length = patterns.literal_length
        is_label = length(self.label_pattern) > length(self.image_pattern or "")
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

    def load(self) -> tuple[Volume, Volume | None]:
        """Reads the scan and its label map; refuses labels on another grid."""
        image = formats.read_image(
            self.path, slice_axis=self.slice_axis, choice=self.choice
        )
        if self.label_path is None:
            return image, None
        return image, formats.read_label_map(
            self.label_path, image=image, ignore_affine=self.ignore_label_affine
        )


def _scans(root: pathlib.Path, leave_out: str | None = None) -> dict[str, pathlib.Path]:
    """Scans below `root` by their ids, those below `leave_out` excepted."""
    scans = {}
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
