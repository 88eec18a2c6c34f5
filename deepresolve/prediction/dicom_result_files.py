"""Predictions as DICOM that carries the patient on: kinds of `result_files`."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Sequence

import pydicom

from deepresolve.imaging.dicom_output import extra, grade_report
from deepresolve.imaging.dicom_output.anonymization import Anonymizer
from deepresolve.imaging.dicom_output.grade_report import ReportedGrade
from deepresolve.imaging.dicom_output.measurement_report import write_report
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.segmentation_object import (
    require_highdicom,
    write_segmentation,
)
from deepresolve.imaging.dicom_output.series import write_series
from deepresolve.imaging.dicom_output.source import DicomSource, read_source
from deepresolve.imaging.formats.choice import Choice
from deepresolve.prediction import placement
from deepresolve.prediction.placement import Pair
from deepresolve.prediction.report_files import measures_of
from deepresolve.prediction.result_files import (
    ResultFiles,
    Save,
    Scans,
    refuse_further,
)
from deepresolve.system import files
from deepresolve.tasks.prediction import (
    Grades,
    Image,
    Labels,
    Prediction,
    Predictor,
)
from deepresolve.tasks.trained_run import TrainedRun

# `source.read_source` with all but the path.
Read = Callable[[pathlib.Path], DicomSource]


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
        refuse_further(volume_names)
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
class _OneFile:
    """A .dcm file for each scan, which refers to its images."""

    processing: Processing
    read: Read

    def plan(
        self, source: str, output: str, scans: Scans, volume_names: Sequence[str]
    ) -> list[Pair]:
        """A .dcm file for each scan; ValueError for further volumes."""
        refuse_further(volume_names)
        return placement.plan_dicom_files(source, output, scans)


@dataclasses.dataclass(frozen=True)
class DicomSegmentation(_OneFile):
    """A DICOM segmentation for each scan, one file.

    Attributes:
      processing: what is done to the scans.
      read: `source.read_source` with all but the path.

    Raises:
      ValueError: highdicom is not installed.
    """

    def __post_init__(self) -> None:
        require_highdicom()

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


@dataclasses.dataclass(frozen=True)
class DicomGrades(_OneFile):
    """A DICOM structured report of grades for each scan, one file.

    Attributes:
      processing: what is done to the scans.
      read: `source.read_source` with all but the path.

    Raises:
      ValueError: highdicom is not installed.
    """

    def __post_init__(self) -> None:
        extra.highdicom("Grades as DICOM", "Leave out --output_format.")

    def begin(self, scan: pathlib.Path, target: pathlib.Path) -> Save:
        """Reads the scan's headers; ValueError where nothing can refer to it."""
        source = self.read(scan)

        def save(prediction: Prediction) -> None:
            target.parent.mkdir(parents=True, exist_ok=True)
            reported = [
                ReportedGrade(
                    grade.name,
                    grade.value,
                    tuple(answer.probability for answer in grade.answers),
                    tuple(grade.answers[0].of_slices.tolist()),
                )
                for grade in prediction.grades
            ]
            grade_report.write_report(target, reported, source, self.processing)

        return save


# By what is predicted.
_KINDS: dict[type, Callable[[Processing, Read], ResultFiles]] = {
    Image: DicomSeries,
    Labels: DicomSegmentation,
    Grades: DicomGrades,
}


def choose(
    run: TrainedRun, predictor: Predictor, choice: Choice, anonymize: bool
) -> ResultFiles:
    """The files of a command.

    Args:
      run: whose network takes the scans.
      predictor: the network, which gives images, label maps or grades.
      choice: series, echo and volume, where a scan's files hold several.
      anonymize: remove the patient.

    Raises:
      ValueError: highdicom is missing.
    """
    anonymizer = Anonymizer() if anonymize else None
    read = functools.partial(read_source, choice=choice, anonymizer=anonymizer)
    return _KINDS[type(predictor.kind)](_processing(run, predictor), read)


def _processing(run: TrainedRun, predictor: Predictor) -> Processing:
    model_name = run.config.model
    if run.about is not None:
        model_name += f" {run.name}"  # An archive must tell it from a clinic's own.
    return Processing(predictor.title, model_name, run.model_sha256)
