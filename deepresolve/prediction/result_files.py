"""What kind of files predictions become: NIfTI here, DICOM in `dicom_result_files`.

Such a kind has `plan(source, output, scans, volume_names)`, which pairs each scan with
the file or folder that it becomes, and `begin(scan, target)`, which is called before
any work is done for a scan and gives what writes its prediction.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Protocol

from deepresolve.imaging import formats
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.volume import Volume
from deepresolve.prediction import placement
from deepresolve.prediction.placement import Pair
from deepresolve.tasks.prediction import (
    Grades,
    Image,
    Labels,
    Prediction,
    Predictor,
)
from deepresolve.tasks.trained_run import TrainedRun

Save = Callable[[Prediction], None]
Scans = list[pathlib.Path]


class ResultFiles(Protocol):
    """A kind of files; it pickles."""

    def plan(
        self, source: str, output: str, scans: Scans, volume_names: Sequence[str]
    ) -> list[Pair]:
        """Pairs each scan with what it becomes.

        Args:
          source: what --input named.
          output: what --output named.
          scans: the scans found at `source`.
          volume_names: of the further volumes of each scan.

        Raises:
          ValueError: paths that cannot be, or volumes that cannot be written so.
        """

    def begin(self, scan: pathlib.Path, target: pathlib.Path) -> Save:
        """Called before any work is done for a scan; gives what writes its result.

        Raises:
          ValueError, OSError: nothing can be written for this scan.
        """


@dataclasses.dataclass(frozen=True)
class NiftiFiles:
    """One NIfTI file a volume, whatever the scan was."""

    def plan(
        self, source: str, output: str, scans: Scans, volume_names: Sequence[str]
    ) -> list[Pair]:
        """A .nii.gz file for each scan, in a folder or by name."""
        return placement.plan_nifti_files(source, output, scans, volume_names)

    def begin(self, scan: pathlib.Path, target: pathlib.Path) -> Save:
        """The function that writes; it needs nothing of the scan."""
        return functools.partial(_save_all, target)


@dataclasses.dataclass(frozen=True)
class NoFiles:
    """Nothing: a prediction without a volume, whose tables others write."""

    def plan(
        self, source: str, output: str, scans: Scans, volume_names: Sequence[str]
    ) -> list[Pair]:
        """A path without ending for each scan; ValueError for further volumes."""
        refuse_further(volume_names)
        return placement.plan_names(source, output, scans)

    def begin(self, scan: pathlib.Path, target: pathlib.Path) -> Save:
        """A function that writes nothing but the folder, for the report."""
        return functools.partial(_make_folder, target.parent)


# By what is predicted.
_NIFTI: dict[type, Callable[[], ResultFiles]] = {
    Image: NiftiFiles,
    Labels: NiftiFiles,
    Grades: NoFiles,
    type(None): NoFiles,
}


def choose(
    name: str, run: TrainedRun, predictor: Predictor, choice: Choice, anonymize: bool
) -> ResultFiles:
    """The files of a command.

    Args:
      name: "nifti" or "dicom".
      run: whose network takes the scans.
      predictor: the network.
      choice: series, echo and volume, where a scan's files hold several.
      anonymize: remove the patient from DICOM.

    Raises:
      ValueError: there is nothing to anonymize, nothing that DICOM could hold, or
        highdicom is missing.
    """
    kind = type(predictor.kind)
    if name == "nifti":
        if anonymize:
            raise ValueError(
                "--anonymize is for --output_format=dicom: NIfTI holds no patient."
            )
        return _NIFTI[kind]()
    if predictor.kind is None:
        raise ValueError(
            "--output_format=dicom is for images, label maps and grades; this network "
            "gives tables. Leave it out."
        )
    if anonymize and kind is not Image:
        raise ValueError(
            "--anonymize is for super-resolution: a segmentation or a report refers to "
            "the images that it was made of, and of those nobody has anonymous copies. "
            "Take a series that is anonymous already."
        )
    # Brings the dictionaries of DICOM's codes along.
    from deepresolve.prediction import dicom_result_files

    return dicom_result_files.choose(run, predictor, choice, anonymize)


def _save_all(target: pathlib.Path, prediction: Prediction) -> None:
    _save_nifti(target, prediction.main)
    for name, volume in prediction.further.items():
        _save_nifti(placement.further_path(target, name), volume)


def _make_folder(folder: pathlib.Path, prediction: Prediction) -> None:
    """For what is written beside a prediction that has no file of its own."""
    folder.mkdir(parents=True, exist_ok=True)


def _save_nifti(target: pathlib.Path, volume: Volume) -> None:
    """Writes a NIfTI file, and the folders above it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    formats.write(target, volume)


def refuse_further(volume_names: Sequence[str]) -> None:
    """ValueError where there are further volumes, which are written as NIfTI alone."""
    if volume_names:
        raise ValueError(
            "--probabilities, --spread=volume and --segment are written as NIfTI "
            "alone. Leave them out, or leave out --output_format=dicom; a series of "
            "thin slices can be segmented by a command of its own."
        )
