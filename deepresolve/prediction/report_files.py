"""What `measure --reports` writes of each knee: a DICOM structured report."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping

import pydicom
from pydicom import uid

from deepresolve.imaging.dicom_output import extra
from deepresolve.imaging.dicom_output.measurement_report import Measures, write_report
from deepresolve.imaging.dicom_output.processing import SOFTWARE, Processing
from deepresolve.imaging.dicom_output.segmentation_source import source_of
from deepresolve.prediction.measured_map import Measured
from deepresolve.quantification.anatomy import MENISCI
from deepresolve.quantification.knee import PLATES, KneeMeasures
from deepresolve.quantification.parts import MENISCUS, parts_of
from deepresolve.reports import writing


@dataclasses.dataclass(frozen=True)
class ReportFiles:
    """The report of each knee, by its name in the table. It pickles.

    Attributes:
      folder: NAME_measures.dcm of each knee.
    """

    folder: pathlib.Path

    def are_of(self, name: str, path: pathlib.Path, fingerprint: str) -> bool:
        """Whether the report is there, of these numbers.

        Args:
          name: of the knee.
          path: of its label map.
          fingerprint: what its numbers follow from.
        """
        report = self._path(name)
        if not report.exists():
            return False
        try:
            told = pydicom.dcmread(report, specific_tags=["SOPInstanceUID"])
        except (pydicom.errors.InvalidDicomError, EOFError):  # it is written anew
            return False
        return told.get("SOPInstanceUID") == _uid(fingerprint)

    def write(self, name: str, measured: Measured) -> None:
        """Writes the report of one knee, in the study of its segmentation.

        Args:
          name: of the knee.
          measured: it, of a DICOM segmentation.

        Raises:
          ValueError: the segmentation says too little of its images.
          OSError: the disk is full, or the folder cannot be written to.
        """
        segmentation = pydicom.dcmread(measured.path)
        is_ours = segmentation.get("Manufacturer") == SOFTWARE
        processing = Processing(
            "measures of cartilage",
            str(segmentation.get("ManufacturerModelName") or "another program"),
            str(segmentation.get("DeviceSerialNumber", "")) if is_ours else "",
        )
        target = self._path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_report(
            target,
            measures_of(measured.knee, measured.label_names),
            source_of(segmentation),
            processing,
            segmentation,
            _uid(measured.fingerprint),
        )

    def _path(self, name: str) -> pathlib.Path:
        return self.folder / f"{name}_measures.dcm"


def _uid(fingerprint: str) -> str:
    """The instance that numbers of a fingerprint make: again the same."""
    return uid.generate_uid(entropy_srcs=[SOFTWARE, "knee report", fingerprint])


def measures_of(knee: KneeMeasures, label_names: Mapping[int, str]) -> Measures:
    """What a report tells of a knee.

    Args:
      knee: as it was measured.
      label_names: what the segments were taken for, by number.
    """
    notes = knee.notes
    if knee.intervals:
        notes += (
            f"Ranges of uncertainty reach as far as {knee.intervals_from} do; they "
            "have no level of confidence.",
        )
    return Measures(
        knee.quantities,
        intervals=knee.intervals,
        side=knee.side,
        notes=notes,
        segments=_segments(label_names),
    )


def _segments(label_names: Mapping[int, str]) -> dict[str, int]:
    """The segment of each plate and meniscus that is one segment, by its name."""
    numbers: dict[str, list[int]] = {}
    for number, of in parts_of(label_names).items():
        whole = (
            of if of.bone == "tibia" or of.kind == MENISCUS else of._replace(side="")
        )
        name = PLATES.get(whole) or MENISCI.get(whole)
        if name is not None:
            numbers.setdefault(name, []).append(number)
    return {name: found[0] for name, found in numbers.items() if len(found) == 1}


def plan(folder: str, are_dicom: bool) -> ReportFiles:
    """Where reports go, before any work is done.

    Args:
      folder: what --reports named.
      are_dicom: whether the label maps are DICOM segmentations.

    Raises:
      ValueError: they are not, highdicom is not installed, or a remote folder.
      OSError: the folder takes no files.
    """
    if not are_dicom:
        raise ValueError(
            "--reports: a DICOM report carries on the patient and the study of a DICOM "
            "segmentation, and these label maps are of another format. Leave it out, "
            "or segment with predict --output_format=dicom."
        )
    extra.highdicom("Measures as DICOM", "Leave out --reports.")
    return ReportFiles(writing.make_folder(folder))
