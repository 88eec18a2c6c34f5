"""Scans in a folder, in any format that `deepresolve.imaging.formats` reads."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import pathlib
from collections.abc import Iterator

from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume
from records.datasets import persons
from records.subject import Subject

_logger = logging.getLogger(__name__)

# Compressed scans are estimated at twice their size on disk, label maps (one byte a
# voxel) at half of the image: enough to choose a number of shards.
_COMPRESSED_SUFFIXES = (".gz", ".zip")


@dataclasses.dataclass(frozen=True)
class Folder:
    """Every scan below a folder, and label maps of the same names below another.

    A scan's id is its path below `source` without the ending, with _ for /.

    Attributes:
      source: folder of scans, or one scan.
      labels: folder of label maps whose ids are those of the scans; every scan needs
        one. None for scans without labels.
      label_names: what each label value means, by value; required with `labels`.
      slice_axis: overrides the slice axis that a scan's header implies: 0, 1 or 2.
      series: which DICOM series to read, where a folder holds several.
      echo: which DICOM echo to read, where a series holds several.
      persons: CSV file with the columns subject, person[, side][, split].
      person_pattern: regular expression with a group named `person`, searched for in
        the id. Without either, every scan is a person of its own.
    """

    source: str
    labels: str | None = None
    label_names: dict[int, str] = dataclasses.field(default_factory=dict)
    slice_axis: int | None = None
    series: str | None = None
    echo: int | None = None
    persons: str | None = None
    person_pattern: str | None = None

    def __post_init__(self):
        if self.labels and not self.label_names:
            raise ValueError(
                "--labels needs --label_names, for label maps do not say what their "
                "values mean: --label_names='1=femoral cartilage,2=patellar cartilage'."
            )
        if self.label_names and not self.labels:
            raise ValueError(
                "--label_names tells what the values of label maps mean: give their "
                "folder as --labels, or leave --label_names out."
            )

    def subjects(self, seed: int) -> Iterator[FolderSubject]:
        """The scans in the order of their ids; `seed` plays no part.

        Raises:
          ValueError: there are no scans, two have one id, a label map is missing, or
            a scan's person cannot be told.
        """
        del seed
        images = _scans(pathlib.Path(self.source), leave_out=self.labels)
        if self.labels and not images:
            raise ValueError(
                f"--labels={self.labels} holds all the scans of --source={self.source}."
                " Give label maps a folder of their own."
            )
        labels = _scans(pathlib.Path(self.labels)) if self.labels else {}
        missing = sorted(images.keys() - labels.keys()) if self.labels else []
        if missing:
            raise ValueError(
                f"{self.labels} has no label map for {len(missing)} of {len(images)} "
                f"scans, the first {missing[0]!r}. A label map is named as its scan."
            )
        if unused := sorted(labels.keys() - images.keys()):
            _logger.warning(
                "%s holds %d label maps that no scan has the name of, the first %r: "
                "they are left out.",
                self.labels,
                len(unused),
                unused[0],
            )
        who = persons.identify(
            images,
            table=pathlib.Path(self.persons) if self.persons else None,
            pattern=self.person_pattern,
        )
        for name, path in sorted(images.items()):
            yield FolderSubject(
                id=name,
                person=who[name].name,
                side=who[name].side,
                split=who[name].split,
                root=self.source,
                path=path,
                label_path=labels.get(name),
                slice_axis=self.slice_axis,
                series=self.series,
                echo=self.echo,
            )


@dataclasses.dataclass(frozen=True)
class FolderSubject(Subject):
    """One scan on disk: where it lies and how to read it."""

    root: str = ""
    path: pathlib.Path = pathlib.Path()
    label_path: pathlib.Path | None = None
    slice_axis: int | None = None
    series: str | None = None
    echo: int | None = None

    @property
    def source(self) -> str:
        """The scan's path below the dataset's folder."""
        return _below(self.path, pathlib.Path(self.root)).as_posix()

    @property
    def label_source(self) -> str:
        """The path of the label map."""
        return str(self.label_path or "")

    @property
    def num_bytes(self) -> int:
        """Bytes on disk, twice that of a compressed scan, half more with labels."""
        size = sum(file.stat().st_size for file in formats.scan_files(self.path))
        size *= 2 if self.path.suffix.lower() in _COMPRESSED_SUFFIXES else 1
        return size * 3 // 2 if self.label_path else size

    def hashes(self) -> tuple[str, str]:
        """SHA-256 of the scan's file (or its folder's DICOM files) and the label's."""
        return _sha256(self.path), _sha256(self.label_path) if self.label_path else ""

    def load(self) -> tuple[Volume, Volume | None]:
        """Reads the scan and its label map; refuses labels on another grid."""
        image = formats.read_image(
            self.path, slice_axis=self.slice_axis, series=self.series, echo=self.echo
        )
        if self.label_path is None:
            return image, None
        return image, formats.read_label_map(self.label_path, image=image)


def _scans(root: pathlib.Path, leave_out: str | None = None) -> dict[str, pathlib.Path]:
    """Scans below `root` by their ids, those below `leave_out` excepted."""
    scans = {}
    for path in formats.find_scans(root):
        if leave_out and path.resolve().is_relative_to(
            pathlib.Path(leave_out).resolve()
        ):
            continue
        relative = _below(path, root)
        name = "_".join((*relative.parts[:-1], formats.scan_stem(relative)))
        if name in scans:
            raise ValueError(
                f"Two scans would share the id {name!r}: {scans[name]} and {path}. "
                "Rename one of them."
            )
        scans[name] = path
    return scans


def _below(path: pathlib.Path, root: pathlib.Path) -> pathlib.Path:
    """`path` relative to `root`; its bare name where it is the root itself."""
    if path == root:
        return pathlib.Path(path.resolve().name)
    return path.relative_to(root)


def _sha256(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    for file in formats.scan_files(path):
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
