"""Finding the scans of the challenge, and reading them."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import pathlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import h5py
import numpy as np

from deepresolve.imaging import formats
from deepresolve.imaging import volume as volumes
from deepresolve.imaging.folders import summary, tree
from deepresolve.imaging.formats import limits, refusals
from deepresolve.imaging.volume import Volume
from records.datasets.oai.tissues import LABEL_NAMES
from records.subject import Scan, Subject

if TYPE_CHECKING:
    from records.datasets.iwoai import Iwoai

_logger = logging.getLogger(__name__)

_NAME = re.compile(r"((train|valid|validation|test)_\d+)_(V\d+)", re.IGNORECASE)
_SPLITS = {
    "train": "train",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
_KEY = "data"
_ROWS_AT_ONCE = 32
_NUM_TISSUES = len(LABEL_NAMES)


def affine(settings: Iwoai) -> np.ndarray:
    """(4, 4), from voxel indices to RAS+ mm, of every scan.

    Raises:
      ValueError: the orientation is none.
    """
    return volumes.affine_along_axes(settings.orientation, settings.spacing_mm)


def describe(settings: Iwoai) -> list[str]:
    """How many files are scans and masks, and what else lies there."""
    root = pathlib.Path(settings.source)
    images, labels = _by_stem(root, ".im"), _by_stem(root, ".seg")
    chosen = {"scans (.im)": images.values(), "masks (.seg)": labels.values()}
    return summary.of_chosen(root, chosen)


def find(settings: Iwoai) -> Iterator[IwoaiSubject]:
    """The scans in the order of their names.

    Raises:
      FileNotFoundError: there is no such folder.
      ValueError: it has no scan, a name is not one of the challenge's, or two
        files have one name.
    """
    root = pathlib.Path(settings.source)
    images, labels = _by_stem(root, ".im"), _by_stem(root, ".seg")
    if not images:
        raise ValueError(f"{root}: no .im file here. Expected train_001_V00.im, ...")
    if without := sorted(images.keys() - labels.keys()):
        _logger.warning(
            "%s has no .seg for %d of %d scans, the first %s: they have no labels.",
            *(root, len(without), len(images), without[0]),
        )
    if unused := sorted(labels.keys() - images.keys()):
        _logger.warning(
            "%s has no .im for %d masks, the first %s: they are left out.",
            *(root, len(unused), unused[0]),
        )
    for name, path in sorted(images.items()):
        match = _NAME.fullmatch(name)
        if match is None:
            raise ValueError(
                f"{path}: expected a name such as train_001_V00.im: train, valid "
                "or test, the person's number and the visit."
            )
        yield IwoaiSubject(
            id=name,
            person=match[1],
            split=_SPLITS[match[2].lower()],
            visit=match[3].upper(),
            root=root,
            path=path,
            label_path=labels.get(name),
            spacing_mm=settings.spacing_mm,
            orientation=settings.orientation,
        )


@dataclasses.dataclass(frozen=True)
class IwoaiSubject(Subject):
    """One scan of the challenge."""

    visit: str = ""
    root: pathlib.Path = pathlib.Path()
    path: pathlib.Path = pathlib.Path()
    label_path: pathlib.Path | None = None
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    orientation: str = "IPR"

    @property
    def source(self) -> str:
        """The scan's path below the dataset's folder."""
        return self.path.relative_to(self.root).as_posix()

    @property
    def label_source(self) -> str:
        """The path of the masks."""
        return str(self.label_path or "")

    @property
    def paths(self) -> dict[str, str]:
        """The files', with their paths below the dataset's folder."""
        files = [self.path, *([self.label_path] if self.label_path else [])]
        return {str(file): file.relative_to(self.root).as_posix() for file in files}

    @property
    def num_bytes(self) -> int:
        """Bytes on disk, half more with labels."""
        size = tree.num_bytes([self.path])
        return size * 3 // 2 if self.label_path else size

    def hashes(self) -> tuple[str, str]:
        """SHA-256 of the two files."""
        label = formats.sha256(self.label_path) if self.label_path else ""
        return formats.sha256(self.path), label

    def load(self) -> Scan:
        """Reads the scan and, where there are any, its masks."""
        grid = volumes.affine_along_axes(self.orientation, self.spacing_mm)
        image = Volume(_read_image(self.path), grid, slice_axis=2)
        scalars = {"visit": self.visit}
        if self.label_path is None:
            return Scan(image, scalars=scalars)
        label = _read_label_map(self.label_path, image.shape)
        return Scan(image, image.with_array(label), scalars=scalars)


def _by_stem(root: pathlib.Path, suffix: str) -> dict[str, pathlib.Path]:
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: there is no such folder.")
    found: dict[str, pathlib.Path] = {}
    for path in tree.named(root, suffix):
        if path.stem in found:
            raise ValueError(f"{found[path.stem]} and {path} have one name.")
        found[path.stem] = path
    return found


@contextlib.contextmanager
def _opened(path: pathlib.Path, num_axes: int) -> Iterator[h5py.Dataset]:
    """The array of a file; nothing that lies in other files is followed."""
    refusals.check_exists(path)
    try:
        with h5py.File(path, "r") as file:
            if not isinstance(file.get(_KEY, getlink=True), h5py.HardLink):
                raise ValueError(f"no array {_KEY!r} of its own, but {sorted(file)}")
            data = file[_KEY]
            if not isinstance(data, h5py.Dataset) or data.ndim != num_axes:
                raise ValueError(f"{_KEY!r} is {data}, expected {num_axes} axes")
            if data.external or data.is_virtual:
                raise ValueError(f"{_KEY!r} lies in other files")
            if data.dtype.kind not in "iufb" or 0 in data.shape:
                raise ValueError(f"{_KEY!r} is {data}, expected numbers")
            yield data
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: cannot be read as a file of the challenge ({error}). Copy it "
            "again."
        ) from error


def _read_image(path: pathlib.Path) -> np.ndarray:
    """(rows, columns, slices), numbers."""
    with _opened(path, num_axes=3) as data:
        limits.check_growth(data.nbytes, path.stat().st_size, "the scan")
        array = data[()]
        if array.dtype.kind == "f":
            array = array.astype(np.float32)
        if not np.all(np.isfinite(array)):
            raise ValueError("some voxels are NaN or infinite")
        if array.min() == array.max():
            raise ValueError(f"every voxel is {array.flat[0]}")
        return array


def _read_label_map(path: pathlib.Path, shape: tuple[int, int, int]) -> np.ndarray:
    """(rows, columns, slices) uint8 out of one-hot masks of that shape."""
    label = np.zeros(shape, np.uint8)
    with _opened(path, num_axes=4) as data:
        if data.shape != (*shape, _NUM_TISSUES):
            raise ValueError(
                f"masks of shape {data.shape}, expected {(*shape, _NUM_TISSUES)}"
            )
        # Some rows at a time: masks may be stored as 64-bit numbers.
        for start in range(0, shape[0], _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            masks = data[rows]
            if not np.all((masks == 0) | (masks == 1)):
                raise ValueError("a mask holds other values than 0 and 1")
            # argmax finds the first of several.
            first = np.argmax(masks == 1, axis=-1) + 1
            label[rows] = np.where(np.any(masks == 1, axis=-1), first, 0)
    return label
