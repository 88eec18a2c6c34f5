"""The volumes of an evaluation, as `evaluate.py --save_volumes` leaves them."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from deepresolve.evaluation.table_1 import saved_volumes
from deepresolve.imaging import formats

# Of the stored voxels, uint16.
_HIGHEST = 65535


@dataclasses.dataclass(frozen=True)
class Case:
    """One subject of the evaluation.

    Attributes:
      subject: its name.
      paths: NIfTI file of each image set.
      window: what is shown as black and as white, in units of the scan.
    """

    subject: str
    paths: Mapping[str, pathlib.Path]
    window: tuple[float, float]


@dataclasses.dataclass(frozen=True, eq=False)
class Images:
    """The image sets of one case, alike in all but their content.

    Attributes:
      arrays: by image set, (left, inferior, posterior) uint16: sagittal slices as a
        radiologist sees them.
      spacing_mm: along the same axes.
      orientation: where their indices grow to: "LIP".
      window: stored values that are shown as black and as white.
    """

    arrays: Mapping[str, np.ndarray]
    spacing_mm: tuple[float, float, float]
    orientation: str
    window: tuple[float, float]


def find(evaluation: pathlib.Path) -> list[Case]:
    """What an evaluation has kept.

    Args:
      evaluation: folder of the report.

    Raises:
      FileNotFoundError: it kept no volumes.
      ValueError: its list of volumes cannot be read.
    """
    folder = evaluation / saved_volumes.FOLDER
    path = folder / saved_volumes.INDEX_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no such file. Run `evaluate.py` with --save_volumes and "
            "name its --output."
        )
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        version = described["version"]
        if version != saved_volumes.VERSION:
            raise ValueError(f"version {version}, expected {saved_volumes.VERSION}")
        cases = [_case(folder, row) for row in described["subjects"]]
        if len({case.subject for case in cases}) < len(cases):
            raise ValueError("a subject stands in it twice")
        return cases
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: not a list of volumes ({error}). Run `evaluate.py` with "
            "--save_volumes again."
        ) from error


def _case(folder: pathlib.Path, row: dict) -> Case:
    subject = row["subject"]
    if pathlib.PurePath(subject).name != subject:
        raise ValueError(f"{subject!r} is no name of a folder")
    low, high = (float(bound) for bound in row["window"])
    if not low < high:
        raise ValueError(f"{subject}: window {low} to {high}")
    paths = {name: folder / subject / f"{name}.nii" for name in row["image_sets"]}
    return Case(subject, paths, (low, high))


def load(case: Case, image_sets: tuple[str, ...]) -> Images:
    """Reads the image sets of a case and makes them alike.

    One linear map from the scan's units to uint16, fixed by the lowest and highest
    voxel of all the sets together, so that neither range nor scale tells them apart.

    Raises:
      FileNotFoundError: a file is missing.
      ValueError: the sets lie on different grids.
    """
    volumes = {name: formats.read_image(case.paths[name]) for name in image_sets}
    first = volumes[image_sets[0]]
    for name, volume in volumes.items():
        if volume.shape != first.shape or not np.allclose(volume.affine, first.affine):
            raise ValueError(
                f"{case.paths[name]}: not on the grid of {case.paths[image_sets[0]]} "
                f"({volume.shape} and {first.shape} voxels). Run `evaluate.py` with "
                "--save_volumes again."
            )
    low = min(float(volume.array.min()) for volume in volumes.values())
    high = max(float(volume.array.max()) for volume in volumes.values())
    scale = _HIGHEST / (high - low)

    def stored(value: npt.ArrayLike) -> np.ndarray:
        return (np.asarray(value, np.float64) - low) * scale

    views_of = {name: v.in_plane("sagittal") for name, v in volumes.items()}
    view = views_of[image_sets[0]]
    # in_plane: (inferior, posterior, left); stored: (left, inferior, posterior).
    arrays = {
        name: np.rint(stored(v.array.transpose(2, 0, 1))).astype("<u2", order="C")
        for name, v in views_of.items()
    }
    down, across, between = view.spacing_mm
    black, white = stored(case.window)
    return Images(
        arrays,
        (between, down, across),
        view.orientation[2] + view.orientation[:2],
        (float(black), float(white)),
    )
