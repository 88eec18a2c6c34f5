"""Finding the series of MRNet, and reading them."""

from __future__ import annotations

import dataclasses
import logging
import pathlib
from collections.abc import Iterator, Mapping
from tokenize import TokenError
from typing import TYPE_CHECKING

import numpy as np

from deepresolve.imaging import formats
from deepresolve.imaging import volume as volumes
from deepresolve.imaging.folders import summary, tree
from deepresolve.imaging.formats import refusals
from deepresolve.imaging.volume import Volume
from records.datasets.mrnet import labels
from records.subject import Scan, Subject

if TYPE_CHECKING:
    from records.datasets.mrnet import Mrnet

_logger = logging.getLogger(__name__)

# The split that a folder's exams bring; None of those that are dealt.
FOLDERS = {"train": None, "valid": "test"}
_POOL = ("train", "validation")
# Where slices, rows and columns grow to, as nibabel's axis codes, in the display that
# radiologists use: the patient's right is on the left, and the front at the top or on
# the left. No file says so; which way slices go, and the knee's side, nobody knows.
ORIENTATIONS = {"axial": "IPL", "coronal": "PIL", "sagittal": "RIP"}
_PIXELS = (256, 256)


def affine(plane: str, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """(4, 4), from indices of slice, row and column to nominal RAS+ mm.

    Args:
      plane: one of `ORIENTATIONS`.
      spacing_mm: between rows, columns and slices.
    """
    rows_mm, columns_mm, slices_mm = spacing_mm
    spacing_of_axes = (slices_mm, rows_mm, columns_mm)
    return volumes.affine_along_axes(ORIENTATIONS[plane], spacing_of_axes)


def describe(settings: Mrnet) -> list[str]:
    """How many files are series and tables, and what else lies there."""
    root = _root(settings)
    chosen = {
        "series (.npy)": [
            path
            for folder in FOLDERS
            for plane in ORIENTATIONS
            for path in tree.named(root / folder / plane, ".npy")
        ],
        "tables of labels (.csv)": [
            path
            for folder in FOLDERS
            for label in labels.LABELS
            if (path := root / f"{folder}-{label}.csv").is_file()
        ],
    }
    rows, columns, slices = settings.spacing_mm
    nominal = f"{rows:g} x {columns:g} mm, slices every {slices:g} mm"
    return [
        *summary.of_chosen(root, chosen),
        f"MRNet does not say what a pixel measures: {nominal} is nominal",
    ]


def find(settings: Mrnet) -> Iterator[MrnetSubject]:
    """The series in the order of folders, exams and planes.

    Raises:
      FileNotFoundError: a folder or table is not there.
      ValueError: there is no series, a name is no exam's number, a table cannot be
        understood, or an exam has no label.
    """
    root = _root(settings)
    present = [folder for folder in FOLDERS if (root / folder).is_dir()]
    for folder in sorted(FOLDERS.keys() - present):
        _logger.warning("%s has no folder %s: its exams are not here.", root, folder)
    series = {folder: _series(root / folder) for folder in present}
    if not any(paths for of in series.values() for paths in of.values()):
        raise ValueError(
            f"{root}: no series here. Expected train/axial/0000.npy, ..., and valid/, "
            f"with the planes {', '.join(ORIENTATIONS)}."
        )
    for folder in present:
        labels_of = labels.read(root, folder)
        _check_listed(root / folder, series[folder], labels_of)
        for exam, values in labels_of.items():
            for plane, paths in series[folder].items():
                if exam in paths:
                    yield MrnetSubject(
                        id=f"{exam}_{plane}",
                        person=exam,
                        split=FOLDERS[folder],
                        plane=plane,
                        labels=tuple(values.items()),
                        root=root,
                        path=paths[exam],
                        spacing_mm=settings.spacing_mm,
                    )


@dataclasses.dataclass(frozen=True)
class MrnetSubject(Subject):
    """One series of one exam."""

    plane: str = "sagittal"
    labels: tuple[tuple[str, int], ...] = ()
    root: pathlib.Path = pathlib.Path()
    path: pathlib.Path = pathlib.Path()
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def pool(self) -> tuple[str, ...]:
        """Exams of train train and validate, for those of valid are the test."""
        return _POOL

    @property
    def grades(self) -> dict[str, int]:
        """The labels of the exam."""
        return dict(self.labels)

    @property
    def source(self) -> str:
        """The file's path below the dataset's folder."""
        return self.path.relative_to(self.root).as_posix()

    @property
    def paths(self) -> dict[str, str]:
        """The file's, with its path below the dataset's folder."""
        return {str(self.path): self.source}

    @property
    def num_bytes(self) -> int:
        """Bytes on disk."""
        return tree.num_bytes([self.path])

    def hashes(self) -> tuple[str, str]:
        """SHA-256 of the file; there is no label map."""
        return formats.sha256(self.path), ""

    def load(self) -> Scan:
        """Reads the series.

        Raises:
          FileNotFoundError: the file is gone.
          ValueError: it is damaged, or no array of MRNet.
        """
        grid = affine(self.plane, self.spacing_mm)
        image = Volume(_read(self.path), grid, slice_axis=0, space="unknown")
        return Scan(image, scalars={**self.grades, "series": self.plane})


def _root(settings: Mrnet) -> pathlib.Path:
    root = pathlib.Path(settings.source)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: there is no such folder.")
    return root


def _series(folder: pathlib.Path) -> dict[str, dict[str, pathlib.Path]]:
    """By plane the file of each exam."""
    return {plane: _by_exam(folder / plane) for plane in ORIENTATIONS}


def _by_exam(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    found: dict[str, pathlib.Path] = {}
    for path in tree.named(folder, ".npy"):
        exam = labels.exam(path.stem)
        if exam is None:
            raise ValueError(
                f"{path}: expected the number of an exam for a name, such as 0123.npy."
            )
        if exam in found:
            raise ValueError(f"{found[exam]} and {path} are both of exam {exam}.")
        found[exam] = path
    return found


def _check_listed(
    folder: pathlib.Path,
    series: Mapping[str, Mapping[str, pathlib.Path]],
    labels_of: Mapping[str, object],
) -> None:
    """ValueError of a series without labels; tells of exams that lack a series."""
    tables = f"{folder}-{{{','.join(labels.LABELS)}}}.csv"
    for plane, paths in series.items():
        if unlisted := sorted(paths.keys() - labels_of.keys()):
            raise ValueError(
                f"{paths[unlisted[0]]}: no row in {tables} has a label for it, nor for "
                f"{len(unlisted) - 1} others of {plane}. Copy the tables again, or "
                "leave those files out."
            )
        if missing := sorted(labels_of.keys() - paths.keys()):
            _logger.warning(
                "%s has no .npy for %d of the %d exams in %s, the first %s: these "
                "series are left out.",
                *(folder / plane, len(missing), len(labels_of), tables, missing[0]),
            )


def _read(path: pathlib.Path) -> np.ndarray:
    """(slices, rows, columns) uint8; objects, which run code, are never unpacked."""
    refusals.check_exists(path)
    try:
        # A map holds no object, and no more than the file does, whatever it promises.
        mapped = np.lib.format.open_memmap(path, mode="r")
        if mapped.dtype != np.uint8 or mapped.shape[1:] != _PIXELS or not mapped.size:
            raise ValueError(f"an array of {mapped.dtype} {mapped.shape}")
        if path.stat().st_size != mapped.offset + mapped.nbytes:
            raise ValueError("bytes follow the array")
    except (ValueError, TypeError, OverflowError, SyntaxError, TokenError) as error:
        raise ValueError(
            f"{path}: cannot be read as a series of MRNet ({error}). Expected uint8 "
            f"(slices, {', '.join(map(str, _PIXELS))}); copy it again."
        ) from error
    array = np.array(mapped)
    if array.min() == array.max():
        raise ValueError(f"{path}: every voxel is {array.flat[0]}. Copy it again.")
    return array
