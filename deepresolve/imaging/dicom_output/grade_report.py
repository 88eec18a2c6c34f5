"""Grades of a scan as a DICOM structured report (TID 1500), by highdicom.

Each grade has a group (TID 1501): its value, the probability that it is above each
value but the highest, and what the slice that decided says alone, which refers to that
image. The standard has no codes for what anybody may grade: those of the grades and of
probabilities are private, and grades are told apart by their names in the run.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import pydicom
from pydicom import uid
from pydicom.sr.coding import Code

from deepresolve.imaging.dicom_output import codes, extra, measure_codes
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.source import DicomSource
from deepresolve.imaging.dicom_output.structured_report import (
    Frame,
    check_source,
    uid_of,
)
from deepresolve.imaging.formats.dicom import slice_header

GRADE = Code("GRADE", codes.PRIVATE_SCHEME, "Grade")
ABOVE_0_BY_SLICE = Code(
    "ABOVE_0_BY_SLICE",
    codes.PRIVATE_SCHEME,
    "Probability by one slice that the grade is above 0",
)
NO_UNITS = Code("1", "UCUM", "no units")
NOTES = (
    "For research, not for diagnosis: computed by a network, and read by nobody.",
    "A probability by one slice alone refers to the slice that has the highest.",
)


@dataclasses.dataclass(frozen=True)
class ReportedGrade:
    """What a report tells of one grade.

    Attributes:
      name: of the grade.
      value: that was found, from 0 on.
      probabilities: that the grade is above 0, above 1 and so on; as many as the
        highest value.
      of_slices: that it is above 0 by each slice alone, in the order of the source's
        headers.

    Raises:
      ValueError: a value or a probability that cannot be.
    """

    name: str
    value: int
    probabilities: tuple[float, ...]
    of_slices: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.value not in range(len(self.probabilities) + 1):
            raise ValueError(
                f"{self.name}: expected a grade from 0 to {len(self.probabilities)}; "
                f"got {self.value}."
            )
        for probability in (*self.probabilities, *self.of_slices):
            if not 0 <= probability <= 1:
                raise ValueError(
                    f"{self.name}: expected probabilities from 0 to 1; got "
                    f"{probability}."
                )


def write_report(
    path: pathlib.Path,
    grades: Sequence[ReportedGrade],
    source: DicomSource,
    processing: Processing,
) -> None:
    """Writes a report into the study of the scan; see `report`.

    Raises:
      ValueError: as `report`; the message begins with the path.
      OSError: the disk is full, or the folder missing.
    """
    extra.write(path, lambda: report(grades, source, processing))


def report(
    grades: Sequence[ReportedGrade], source: DicomSource, processing: Processing
) -> pydicom.Dataset:
    """A Comprehensive 3D SR document of the grades.

    Args:
      grades: of the scan, one or more.
      source: the scan that was graded.
      processing: which network did it.

    Raises:
      ValueError: highdicom is not installed; an anonymous source, no grades, slices
        that are not those of the source; or a header that holds what no report may.
    """
    highdicom = extra.highdicom("Grades as DICOM", "Leave out --output_format.")
    check_source(source)
    _check(grades, source)
    instance_uid = uid.generate_uid(prefix=None)
    frame = Frame(highdicom, source, processing, "grades")
    with extra.made_of_header("a DICOM report", "keep to the table"):
        groups = [_group(frame, g, uid_of(instance_uid, g.name)) for g in grades]
        return frame.document(instance_uid, groups, NOTES)


def _check(grades: Sequence[ReportedGrade], source: DicomSource) -> None:
    if not grades:
        raise ValueError("there are no grades to report.")
    num_slices = len(source.headers)
    for grade in grades:
        if len(grade.of_slices) != num_slices:
            raise ValueError(
                f"a report refers to the slices as they were acquired, {num_slices}; "
                f"graded were {len(grade.of_slices)}. Leave out --slice_axis, or keep "
                "to the table."
            )


def _group(frame: Frame, grade: ReportedGrade, tracking_uid: str) -> Any:
    """The measurements and the evaluation of one grade."""
    sr = frame.highdicom.sr
    highest = len(grade.probabilities)
    value = Code(
        f"GRADE_{grade.value}",
        codes.PRIVATE_SCHEME,
        f"{grade.value} of 0 to {highest}",
    )
    side = slice_header.side(frame.source.headers[0])
    site = sr.FindingSite(
        anatomic_location=measure_codes.KNEE,
        laterality=measure_codes.SIDES.get(side),
    )
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=tracking_uid, identifier=grade.name
        ),
        finding_type=codes.private(grade.name),
        finding_sites=[site],
        algorithm_id=frame.algorithm("predict"),
        measurements=[
            *(
                sr.Measurement(name=above(n), value=probability, unit=NO_UNITS)
                for n, probability in enumerate(grade.probabilities)
            ),
            _of_one_slice(frame, grade),
        ],
        qualitative_evaluations=[sr.QualitativeEvaluation(name=GRADE, value=value)],
    )


def _of_one_slice(frame: Frame, grade: ReportedGrade) -> Any:
    """The highest probability by one slice alone, and that image."""
    sr = frame.highdicom.sr
    highest = max(grade.of_slices)
    header = frame.source.headers[grade.of_slices.index(highest)]
    number = header.get("ReferencedFrameNumber")
    image = sr.SourceImageForMeasurement(
        referenced_sop_class_uid=header.SOPClassUID,
        referenced_sop_instance_uid=header.SOPInstanceUID,
        referenced_frame_numbers=None if number is None else [int(number)],
    )
    return sr.Measurement(
        name=ABOVE_0_BY_SLICE,
        value=highest,
        unit=NO_UNITS,
        referenced_images=[image],
    )


def above(value: int) -> Code:
    """The private code of the probability that a grade is above a value, from 0 on."""
    return Code(
        f"ABOVE_{value}",
        codes.PRIVATE_SCHEME,
        f"Probability that the grade is above {value}",
    )
