"""What kind of files results become: NIfTI, or DICOM that carries the patient on.

An output format has `plan(source, output, scans, endings)`, which pairs each scan with
the file or folder that it becomes, and `begin(scan, target)`, which is called before
any work is done for a scan and gives `save(target, volume)`, which writes its result.
"""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable, Sequence

from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output.anonymization import Anonymizer
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.segmentation_object import (
    require_highdicom,
    write_segmentation,
)
from deepresolve.imaging.dicom_output.series import write_series
from deepresolve.imaging.dicom_output.source import DicomSource, read_source
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.volume import Volume
from deepresolve.prediction import outputs
from deepresolve.prediction.outputs import Pair
from deepresolve.runs import pretrained
from deepresolve.runs.workdir import Workdir
from deepresolve.system import files

Save = Callable[[pathlib.Path, Volume], None]


class Keeping:
    """A `Save` that keeps what it saved.

    Args:
      save: what does the saving.

    Attributes:
      result: the last volume that was saved; None before.
    """

    def __init__(self, save: Save):
        self._save = save
        self.result: Volume | None = None

    def __call__(self, target: pathlib.Path, volume: Volume) -> None:
        """Saves, and keeps."""
        self._save(target, volume)
        self.result = volume


class NiftiOutput:
    """One NIfTI file a volume, whatever the scan was."""

    def plan(self, source: str, output: str, scans, endings=()) -> list[Pair]:
        """As `outputs.plan_outputs`."""
        return outputs.plan_outputs(source, output, scans, endings)

    def begin(self, scan: pathlib.Path, target: pathlib.Path) -> Save:
        """The function that writes; it needs nothing of the scan."""
        return save_nifti


class DicomSeriesOutput:
    """A folder for each scan: the derived series.

    Args:
      processing: what is done to the scans.
      read: `source.read_source` with all but the path.
    """

    def __init__(
        self, processing: Processing, read: Callable[[pathlib.Path], DicomSource]
    ):
        self._processing = processing
        self._read = read

    def plan(self, source: str, output: str, scans, endings=()) -> list[Pair]:
        """As `outputs.plan_folders`; ValueError where `endings` ask for more."""
        _refuse_endings(endings)
        return outputs.plan_folders(source, output, scans)

    def begin(self, scan: pathlib.Path, target: pathlib.Path) -> Save:
        """Reads the scan's headers.

        Raises:
          ValueError: no series can be derived.
          FileExistsError: there is something at `target`.
        """
        files.check_new_folder(target)
        return functools.partial(
            write_series, source=self._read(scan), processing=self._processing
        )


class DicomSegmentationOutput:
    """A DICOM segmentation for each scan, one file.

    Args:
      processing: what is done to the scans.
      read: `source.read_source` with all but the path.
      class_names: of the label maps' values from 1 on.

    Raises:
      ValueError: highdicom is not installed.
    """

    def __init__(
        self,
        processing: Processing,
        read: Callable[[pathlib.Path], DicomSource],
        class_names: Sequence[str],
    ):
        require_highdicom()
        self._processing = processing
        self._read = read
        self._class_names = class_names

    def plan(self, source: str, output: str, scans, endings=()) -> list[Pair]:
        """As `outputs.plan_dicom_files`; ValueError where `endings` ask for more."""
        _refuse_endings(endings)
        return outputs.plan_dicom_files(source, output, scans)

    def begin(self, scan: pathlib.Path, target: pathlib.Path) -> Save:
        """Reads the scan's headers; ValueError where nothing can refer to it."""
        return functools.partial(
            _save_segmentation,
            class_names=self._class_names,
            source=self._read(scan),
            processing=self._processing,
        )


def choose(
    name: str,
    writer,
    *,
    workdir: str,
    checkpoint: str,
    choice: Choice,
    anonymize: bool,
):
    """The output format of a command.

    Args:
      name: "nifti" or "dicom".
      writer: what takes scans through the network: one of `writers`.
      workdir: folder of the run that trained it.
      checkpoint: "best" or "last".
      choice: as for `formats.read_image`.
      anonymize: remove the patient from DICOM.

    Raises:
      ValueError: there is nothing to anonymize, or highdicom is missing.
    """
    if name == "nifti":
        if anonymize:
            raise ValueError(
                "--anonymize is for --output_format=dicom: NIfTI holds no patient."
            )
        return NiftiOutput()
    if anonymize and writer.class_names:
        raise ValueError(
            "--anonymize is for super-resolution: a segmentation refers to the images "
            "that it was made of, and of those nobody has anonymous copies. Segment a "
            "series that is anonymous already."
        )
    run = Workdir(workdir)
    model_name = run.load_config().model
    if pretrained.is_pretrained(workdir):
        model_name += f" {workdir}"  # An archive must tell it from a clinic's own.
    processing = Processing(
        title=writer.title,
        model_name=model_name,
        model_sha256=run.model_sha256(checkpoint),
    )
    anonymizer = Anonymizer() if anonymize else None
    read = functools.partial(read_source, choice=choice, anonymizer=anonymizer)
    if writer.class_names:
        return DicomSegmentationOutput(processing, read, writer.class_names)
    return DicomSeriesOutput(processing, read)


def save_nifti(target: pathlib.Path, volume: Volume) -> None:
    """Writes a NIfTI file, and the folders above it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    formats.write(target, volume)


def _refuse_endings(endings: Sequence[str]) -> None:
    if endings:
        raise ValueError(
            "--probabilities are written as NIfTI alone, and so is --spread=volume. "
            "Leave them out, or leave out --output_format=dicom."
        )


def _save_segmentation(target, volume, class_names, source, processing):
    target.parent.mkdir(parents=True, exist_ok=True)
    write_segmentation(target, volume, class_names, source, processing)
