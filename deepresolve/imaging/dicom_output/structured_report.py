"""What structured reports have in common (TID 1500), by highdicom.

A report lies in the study of the scan, names the network as the device that observed,
and refers to all slices as its evidence.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pydicom
from pydicom import uid

from deepresolve import __version__
from deepresolve.imaging.dicom_output import measure_codes
from deepresolve.imaging.dicom_output.processing import (
    REPORT_OFFSET,
    SOFTWARE,
    Processing,
    series_description,
    series_number,
)
from deepresolve.imaging.dicom_output.source import DicomSource


def check_source(source: DicomSource) -> None:
    """ValueError for an anonymous source, to which no report can refer."""
    if source.anonymous:
        raise ValueError(
            "a report refers to the images that were measured, and of those nobody has "
            "anonymous copies. Measure a series that is anonymous already."
        )


def uid_of(instance_uid: str, part: str) -> str:
    """Of what belongs to a document: of the same document the same."""
    return uid.generate_uid(entropy_srcs=[instance_uid, part])


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """All of a report but what was found.

    Attributes:
      highdicom: the package.
      source: the scan.
      processing: how it was processed, by which network.
      title: what the report is of, for the list of series: "measures".
    """

    highdicom: ModuleType
    source: DicomSource
    processing: Processing
    title: str

    def document(
        self,
        instance_uid: str,
        groups: Sequence[Any],
        notes: Sequence[str],
        segmentation: pydicom.Dataset | None = None,
    ) -> pydicom.Dataset:
        """A Comprehensive 3D SR document.

        Args:
          instance_uid: SOPInstanceUID of the document.
          groups: of measurements and evaluations, as highdicom has them.
          notes: what is told in words.
          segmentation: that groups refer to; None: to none.
        """
        first = self.source.headers[0]
        evidence = {str(h.SOPInstanceUID): h for h in self.source.headers}
        dataset = self.highdicom.sr.Comprehensive3DSR(
            evidence=[*evidence.values(), *filter(None, [segmentation])],
            content=self._content(groups, notes),
            series_instance_uid=uid_of(instance_uid, "series"),
            series_number=series_number(first, REPORT_OFFSET),
            sop_instance_uid=instance_uid,
            instance_number=1,
            manufacturer=SOFTWARE,
            manufacturer_model_name=self.processing.model_name,
            software_versions=self.processing.versions,
            device_serial_number=self.processing.model_sha256 or None,
            series_description=series_description(first, self.title),
            specific_character_set="ISO_IR 192",  # Names and notes are of any letters.
            is_complete=True,
        )
        dataset.ContributingEquipmentSequence = [
            self.processing.equipment(datetime.datetime.now())
        ]
        return dataset

    def algorithm(self, command: str) -> Any:
        """Which command of ours found something, and the network behind it."""
        network = self.processing.model_sha256
        return self.highdicom.sr.AlgorithmIdentification(
            name=f"{SOFTWARE} {command}",
            version=__version__,
            parameters=[f"network SHA-256 {network}"] if network else None,
        )

    def _content(self, groups: Sequence[Any], notes: Sequence[str]) -> Any:
        sr = self.highdicom.sr
        observer = sr.ObserverContext(
            observer_type=measure_codes.DEVICE,
            observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
                uid=uid.generate_uid(prefix=None, entropy_srcs=[SOFTWARE, __version__]),
                name=SOFTWARE,
                manufacturer_name=SOFTWARE,
                model_name=self.processing.model_name,
                serial_number=self.processing.model_sha256 or None,
            ),
        )
        content = sr.MeasurementReport(
            observation_context=sr.ObservationContext(observer_device_context=observer),
            procedure_reported=measure_codes.MR_IMAGING,
            imaging_measurements=list(groups),
        )
        if notes:
            content[0].ContentSequence.append(self._notes(notes))
        return content

    def _notes(self, notes: Sequence[str]) -> Any:
        """A container of TID 1500 for what is told in words."""
        sr = self.highdicom.sr
        contains = sr.RelationshipTypeValues.CONTAINS
        container = sr.ContainerContentItem(
            name=measure_codes.QUALITATIVE, relationship_type=contains
        )
        container.ContentSequence = sr.ContentSequence(
            [
                sr.TextContentItem(
                    name=measure_codes.COMMENT, value=note, relationship_type=contains
                )
                for note in notes
            ]
        )
        return container
