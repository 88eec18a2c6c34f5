"""Measures of a knee as a DICOM structured report (TID 1500), by highdicom.

Each place has a group of measurements, with the segment that it was measured in where a
segmentation is given: TID 1411 with one, TID 1501 without. A limit of an interval is
told by its distance from the measurement (TID 310).
"""

from __future__ import annotations

import dataclasses
import logging
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import pydicom
from pydicom import uid

from deepresolve.imaging.dicom_output import (
    codes,
    extra,
    measure_codes,
    structured_report,
)
from deepresolve.imaging.dicom_output.measure_codes import Place
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.source import DicomSource
from deepresolve.imaging.dicom_output.structured_report import Frame, uid_of
from deepresolve.imaging.formats.dicom import slice_header

_LOGGER = logging.getLogger(__name__)

Interval = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Measures:
    """What was measured of a knee.

    Attributes:
      quantities: numbers by place and quantity, both named as in the OAI's tables:
        `KneeMeasures.quantities`. NaN where there is no such number.
      units: of UCUM ("mm", "cm2", "mm3", "%", "ms") by quantity; by default those of
        the tables.
      intervals: lower and upper limit, by place and quantity, of those that have them:
        `KneeMeasures.intervals`. NaN where there is no such limit.
      side: of the knee, "left" or "right"; "" for what the scan's header says, if it
        does.
      notes: what makes the numbers worse than they look; and whatever else a reader
        must know, such as which level intervals have.
      segments: number of the segment that a plate or a meniscus was measured in, by its
        name; of those that are one segment.
    """

    quantities: Mapping[str, Mapping[str, float]]
    units: Mapping[str, str] = dataclasses.field(
        default_factory=lambda: measure_codes.UNITS
    )
    intervals: Mapping[str, Mapping[str, Interval]] = dataclasses.field(
        default_factory=dict
    )
    side: str = ""
    notes: tuple[str, ...] = ()
    segments: Mapping[str, int] = dataclasses.field(default_factory=dict)


def write_report(
    path: pathlib.Path,
    measures: Measures,
    source: DicomSource,
    processing: Processing,
    segmentation: pydicom.Dataset | None = None,
    instance_uid: str = "",
) -> None:
    """Writes a report into the study of the scan; see `report`.

    Raises:
      ValueError: as `report`; the message begins with the path.
      OSError: the disk is full, or the folder missing.
    """
    given = measures, source, processing, segmentation, instance_uid
    extra.write(path, lambda: report(*given))


def report(
    measures: Measures,
    source: DicomSource,
    processing: Processing,
    segmentation: pydicom.Dataset | None = None,
    instance_uid: str = "",
) -> pydicom.Dataset:
    """A Comprehensive 3D SR document of the measures.

    Args:
      measures: of the knee.
      source: the scan that was measured.
      processing: how that was done; the network is the one that segmented.
      segmentation: what they were measured in, ours or another program's; a place
        refers to the segment of its plate and has that one's codes, however the
        measuring called it. None: to no segment.
      instance_uid: SOPInstanceUID of the document; "": a new one.

    Raises:
      ValueError: highdicom is not installed; an anonymous source, a segmentation of
        another study, a side that is none, a quantity without a unit, an interval that
        does not hold its number, nothing measured at all; or a header that holds what
        no report may.
    """
    highdicom = extra.highdicom("Measures as DICOM")
    _check(measures, source, segmentation)
    if conflict := _side_conflict(measures.side, source.headers[0]):
        _LOGGER.warning("%s", conflict)
        measures = dataclasses.replace(measures, notes=(*measures.notes, conflict))
    frame = Frame(highdicom, source, processing, "measures")
    writer = _Writer(frame, measures, segmentation)
    with extra.made_of_header("a DICOM report", "keep to the table"):
        return writer.document(instance_uid or uid.generate_uid(prefix=None))


def _check(
    measures: Measures, source: DicomSource, segmentation: pydicom.Dataset | None
) -> None:
    first = source.headers[0]
    structured_report.check_source(source)
    if segmentation is not None and (
        segmentation.StudyInstanceUID != first.StudyInstanceUID
    ):
        raise ValueError("the segmentation is of another study than the scan.")
    if measures.side not in ("", *measure_codes.SIDES):
        raise ValueError(
            f"side: expected left, right or nothing; got {measures.side!r}."
        )
    for place, of_place in measures.quantities.items():
        _check_place(place, of_place, measures)
    numbers = (n for each in measures.quantities.values() for n in each.values())
    if all(map(math.isnan, numbers)):
        raise ValueError("there is nothing measured to report.")


def _check_place(place: str, of_place: Mapping[str, float], measures: Measures) -> None:
    if missing := sorted(set(of_place) - set(measures.units)):
        raise ValueError(f"no unit is given for {', '.join(missing)}.")
    for quantity, (lower, upper) in measures.intervals.get(place, {}).items():
        number = of_place.get(quantity, math.nan)
        # False of NaN: what is not known contradicts nothing.
        if number < lower or number > upper:
            raise ValueError(
                f"{quantity} of {place} is {number:g}, which its interval of "
                f"{lower:g} to {upper:g} does not hold."
            )


def _side_conflict(side: str, header: pydicom.Dataset) -> str:
    """Where the header says another side than what was measured; "" if not."""
    told = slice_header.side(header)
    if not side or told in ("unknown", side):
        return ""
    return (
        f"Medial lies where it does in a {side} knee, and the scan's header says "
        f"{told}: one of them is wrong, or the image is mirrored."
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _Writer:
    """What all parts of one report need."""

    frame: Frame
    measures: Measures
    segmentation: pydicom.Dataset | None

    @property
    def sr(self) -> Any:
        """The classes of structured reports, of highdicom."""
        return self.frame.highdicom.sr

    def document(self, instance_uid: str) -> pydicom.Dataset:
        groups = self._groups(instance_uid)
        return self.frame.document(
            instance_uid, groups, self.measures.notes, self.segmentation
        )

    def _groups(self, instance_uid: str) -> Sequence[Any]:
        found = []
        for place, of_place in self.measures.quantities.items():
            numbers = {q: n for q, n in of_place.items() if not math.isnan(n)}
            if numbers:
                tracking_uid = uid_of(instance_uid, place)
                found.append(self._group(place, numbers, tracking_uid))
        return found

    def _group(self, name: str, numbers: Mapping[str, float], tracking_uid: str) -> Any:
        """One place's measurements, in the segment that they were measured in."""
        sr = self.sr
        place = measure_codes.place(name)
        segment = self._segment(place)
        common = {
            "tracking_identifier": sr.TrackingIdentifier(
                uid=tracking_uid, identifier=name
            ),
            "finding_type": self._finding(place, segment),
            "finding_sites": [self._site(place, segment)],
            "algorithm_id": self.frame.algorithm("measure"),
            "measurements": [
                self._measurement(name, quantity, number)
                for quantity, number in numbers.items()
            ],
        }
        if segment is None or self.segmentation is None:
            return sr.MeasurementsAndQualitativeEvaluations(**common)
        return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            referenced_segment=self._reference(self.segmentation, segment), **common
        )

    def _finding(self, place: Place, segment: pydicom.Dataset | None) -> Any:
        """What is measured: as its segment says, or the tissue that is there."""
        own = place.tissue.type if place.tissue else None
        return self._coded(segment, "SegmentedPropertyTypeCodeSequence", own)

    def _site(self, place: Place, segment: pydicom.Dataset | None) -> Any:
        """Where, as its segment says it, and in which part of it."""
        region = self._coded(segment, "AnatomicRegionSequence", place.region)
        side = self.measures.side or slice_header.side(self.frame.source.headers[0])
        return self.sr.FindingSite(
            anatomic_location=region,
            laterality=measure_codes.SIDES.get(side),
            topographical_modifier=place.modifier,
        )

    def _coded(self, segment: pydicom.Dataset | None, keyword: str, own: Any) -> Any:
        """What a segment names; our own concept where it names none that is whole."""
        items = None if segment is None else segment.get(keyword)
        if not items:
            return own
        try:
            return self.sr.CodedConcept.from_dataset(items[0])
        except (AttributeError, ValueError):
            return own

    def _segment(self, place: Place) -> pydicom.Dataset | None:
        """The one segment of the place's plate; None where there is none."""
        if self.segmentation is None:
            return None
        wanted = self.measures.segments.get(place.plate)
        found = self.segmentation.SegmentSequence
        return next((one for one in found if one.SegmentNumber == wanted), None)

    def _reference(self, whole: pydicom.Dataset, segment: pydicom.Dataset) -> Any:
        sr = self.sr
        return sr.ReferencedSegment(
            sop_class_uid=whole.SOPClassUID,
            sop_instance_uid=whole.SOPInstanceUID,
            segment_number=segment.SegmentNumber,
            source_series=sr.SourceSeriesForSegmentation(
                referenced_series_instance_uid=self.frame.source.headers[
                    0
                ].SeriesInstanceUID
            ),
        )

    def _measurement(self, place: str, name: str, number: float) -> Any:
        coded = measure_codes.quantity(name)
        unit = measure_codes.unit(self.measures.units[name])
        properties = None
        none = (math.nan, math.nan)
        lower, upper = self.measures.intervals.get(place, {}).get(name, none)
        if not math.isnan(lower + upper):
            properties = self.sr.MeasurementProperties(
                upper_measurement_uncertainty=upper - number,
                lower_measurement_uncertainty=number - lower,
            )
            for item in properties:  # highdicom gives them no unit.
                value = item.MeasuredValueSequence[0]
                value.MeasurementUnitsCodeSequence = [codes.item(unit)]
        return self.sr.Measurement(
            name=coded.name,
            value=number,
            unit=unit,
            derivation=coded.derivation,
            method=coded.method,
            properties=properties,
        )
