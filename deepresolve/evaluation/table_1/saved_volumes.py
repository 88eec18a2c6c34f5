"""Keeps the image sets of an evaluation as NIfTI files, for people to look at.

    REPORT/volumes/SUBJECT/ground_truth.nii, sr.nii, tci.nii, fourier.nii
    REPORT/volumes/volumes.json

All are in the scan's own axes, over the slices that are measured, and in the scan's own
units and dtype as far as the records know them: what was reconstructed is rounded to
whole numbers where the scan has such. The ground truth is the scan, voxel for voxel.
volumes.json is written last: without it the volumes are those of a run that was cut
short.
"""

from __future__ import annotations

import json
import pathlib
import re
import shutil
from collections.abc import Mapping
from typing import Any

from deepresolve.evaluation.table_1.plan import IMAGE_SETS
from deepresolve.imaging import formats
from deepresolve.imaging.intensity import percentiles, to_dtype
from deepresolve.imaging.volume import Volume
from deepresolve.reports.drawing import GREY_PERCENTILES
from deepresolve.system import files
from deepresolve.tasks.held_out import Subject

FOLDER = "volumes"
INDEX_FILE = "volumes.json"
VERSION = 1

_OUR_FILES = {(1, INDEX_FILE), *((2, f"{name}.nii") for name in IMAGE_SETS)}
# What `files.replacing` puts around the name of a file, if it was killed.
_TEMPORARY = re.compile(r"^\.|\.[0-9a-f]{32}\.tmp$")


class SavedVolumes:
    """Writes the volumes of one subject after another, and what they are at the end.

    Args:
      report_folder: of the evaluation; an existing local folder.
      downsample_factor: thin slices per thick one; None where none were thickened.

    Raises:
      ValueError: its folder of volumes holds files that no evaluation wrote.
    """

    def __init__(self, report_folder: pathlib.Path, downsample_factor: int | None):
        self._folder = report_folder / FOLDER
        self._downsample_factor = downsample_factor
        self._subjects: list[dict[str, Any]] = []
        _check_is_ours(self._folder)

    def add(self, subject: Subject, images: Mapping[str, Volume]) -> None:
        """Writes one subject's image sets; the first replaces an earlier run's.

        Args:
          subject: whose they are.
          images: by name, in scan units, the ground truth among them.

        Raises:
          ValueError: the subject's name cannot be that of a folder.
          OSError: they cannot be written.
        """
        _check_name(subject.subject)
        if not self._subjects:
            self._begin()
        folder = self._folder / subject.subject
        folder.mkdir()
        truth = images["ground_truth"]
        for name, image in images.items():
            voxels = to_dtype(image.array, truth.array.dtype)
            formats.write(folder / f"{name}.nii", image.with_array(voxels))
        self._subjects.append(
            {
                "subject": subject.subject,
                "person": subject.person,
                "image_sets": list(images),
                "window": _window(subject, truth),
            }
        )

    def finish(self) -> pathlib.Path:
        """Writes `INDEX_FILE`, which says that all volumes are there.

        Returns:
          Its path.

        Raises:
          OSError: it cannot be written.
        """
        content = {
            "version": VERSION,
            "downsample_factor": self._downsample_factor,
            "subjects": self._subjects,
        }
        path = self._folder / INDEX_FILE
        with files.replacing(path) as temporary:
            temporary.write_text(
                json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8"
            )
        return path

    def _begin(self) -> None:
        """An empty folder: volumes of two runs are never side by side."""
        if self._folder.exists():
            _check_is_ours(self._folder)
            (self._folder / INDEX_FILE).unlink(missing_ok=True)
            shutil.rmtree(self._folder)
        self._folder.mkdir()


def _check_is_ours(folder: pathlib.Path) -> None:
    """ValueError where a folder, which will be replaced, holds what we do not write."""
    for path in folder.rglob("*"):
        name = _TEMPORARY.sub("", path.name)
        depth = len(path.relative_to(folder).parts)
        if path.is_file() and (depth, name) not in _OUR_FILES:
            raise ValueError(
                f"{folder} is to be replaced by the volumes of this run, but holds "
                f"{path}. Move that away, or choose another --output."
            )


def _check_name(subject: str) -> None:
    if pathlib.PurePath(subject).parts != (subject,) or subject in (".", ".."):
        raise ValueError(
            f"The subject {subject!r} cannot give its name to a folder of volumes. "
            "Convert the scan under another name."
        )


def _window(subject: Subject, truth: Volume) -> list[float]:
    """Black and white for all image sets of a subject, in scan units.

    The percentiles of the figures' grey; those of the measured scale, which differ,
    where a small bright object in air makes the former coincide.
    """
    low, high = (float(p) for p in percentiles(truth.array, GREY_PERCENTILES))
    return [low, high] if high > low else [subject.scale.low, subject.scale.high]
