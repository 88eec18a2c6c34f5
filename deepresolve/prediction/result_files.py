"""What kind of files predictions become: NIfTI, or DICOM that carries the patient on.

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

import pydicom

from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output.anonymization import Anonymizer
from deepresolve.imaging.dicom_output.measurement_report import write_report
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.segmentation_object import (
    require_highdicom,
    write_segmentation,
)
from deepresolve.imaging.dicom_output.series import write_series
from deepresolve.imaging.dicom_output.source import DicomSource, read_source
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.volume import Volume
from deepresolve.prediction import placement
from deepresolve.prediction.placement import Pair
from deepresolve.prediction.report_files import measures_of
from deepresolve.system import files
from deepresolve.tasks.prediction import Image, Labels, Prediction, Predictor
from deepresolve.tasks.trained_run import TrainedRun

Save = Callable[[Prediction], None]
Scans = list[pathlib.Path]
# `source.read_source` with all but the path.
Read = Callable[[pathlib.Path], DicomSource]


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
    """Nothing: a prediction that is tables alone, which others write."""

    def plan(
        self, source: str, output: str, scans: Scans, volume_names: Sequence[str]
    ) -> list[Pair]:
        """A path without ending for each scan; ValueError for further volumes."""
        _refuse_further(volume_names)
        return placement.plan_names(source, output, scans)

    def begin(self, scan: pathlib.Path, target: pathlib.Path) -> Save:
        """A function that writes nothing but the folder, for the report."""
        return functools.partial(_make_folder, target.parent)


@dataclasses.dataclass(frozen=True)
class DicomSeries:
    """A folder for each scan: the derived series.

    Attributes:
      processing: what is done to the scans.
      read: `source.read_source` with all but the path.
    """

    processing: Processing
    read: Read

    def plan(
        self, source: str, output: str, scans: Scans, volume_names: Sequence[str]
    ) -> list[Pair]:
        """A new folder for each scan; ValueError for further volumes."""
        _refuse_further(volume_names)
        return placement.plan_folders(source, output, scans)

    def begin(self, scan: pathlib.Path, target: pathlib.Path) -> Save:
        """Reads the scan's headers.

        Raises:
          ValueError: no series can be derived.
          FileExistsError: there is something at `target`.
        """
        files.check_new_folder(target)
        source = self.read(scan)

        def save(prediction: Prediction) -> None:
            processing = dataclasses.replace(
                self.processing,
                title=prediction.title or self.processing.title,
                derivation=prediction.derivation,
            )
            write_series(target, prediction.main, source, processing)

        return save


@dataclasses.dataclass(frozen=True)
class DicomSegmentation:
    """A DICOM segmentation for each scan, one file.

    Attributes:
      processing: what is done to the scans.
      read: `source.read_source` with all but the path.

    Raises:
      ValueError: highdicom is not installed.
    """

    processing: Processing
    read: Read

    def __post_init__(self) -> None:
        require_highdicom()

    def plan(
        self, source: str, output: str, scans: Scans, volume_names: Sequence[str]
    ) -> list[Pair]:
        """A .dcm file for each scan; ValueError for further volumes."""
        _refuse_further(volume_names)
        return placement.plan_dicom_files(source, output, scans)

    def begin(self, scan: pathlib.Path, target: pathlib.Path) -> Save:
        """Reads the scan's headers; ValueError where nothing can refer to it."""
        source = self.read(scan)

        def save(prediction: Prediction) -> None:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_segmentation(
                target,
                prediction.label_map,
                prediction.labels.class_names,
                source,
                self.processing,
            )
            # Those of an earlier command are not of this segmentation.
            path = target.with_name(f"{target.stem}_measures.dcm")
            path.unlink(missing_ok=True)
            if prediction.knee is not None:
                segmentation = pydicom.dcmread(target)
                label_names = prediction.labels.label_names
                measures = measures_of(prediction.knee, label_names)
                write_report(path, measures, source, self.processing, segmentation)

        return save


# By the kind of the main volume.
_NIFTI: dict[type, Callable[[], ResultFiles]] = {
    Image: NiftiFiles,
    Labels: NiftiFiles,
    type(None): NoFiles,
}
_DICOM: dict[type, Callable[[Processing, Read], ResultFiles]] = {
    Image: DicomSeries,
    Labels: DicomSegmentation,
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
    if kind not in _DICOM:
        raise ValueError(
            "--output_format=dicom is for images and label maps; this network gives "
            "tables. Leave it out."
        )
    if anonymize and kind is Labels:
        raise ValueError(
            "--anonymize is for super-resolution: a segmentation refers to the images "
            "that it was made of, and of those nobody has anonymous copies. Segment a "
            "series that is anonymous already."
        )
    anonymizer = Anonymizer() if anonymize else None
    read = functools.partial(read_source, choice=choice, anonymizer=anonymizer)
    return _DICOM[kind](_processing(run, predictor), read)


def _processing(run: TrainedRun, predictor: Predictor) -> Processing:
    model_name = run.config.model
    if run.about is not None:
        model_name += f" {run.name}"  # An archive must tell it from a clinic's own.
    return Processing(predictor.title, model_name, run.model_sha256)


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


def _refuse_further(volume_names: Sequence[str]) -> None:
    if volume_names:
        raise ValueError(
            "--probabilities, --spread=volume and --segment are written as NIfTI "
            "alone. Leave them out, or leave out --output_format=dicom; a series of "
            "thin slices can be segmented by a command of its own."
        )
