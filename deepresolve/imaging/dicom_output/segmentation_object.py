"""A label map as a DICOM segmentation, by highdicom (extra `dicom-seg`)."""

from __future__ import annotations

import datetime
import pathlib
from collections.abc import Sequence
from types import ModuleType

import numpy as np
import pydicom
from pydicom import uid

from deepresolve import __version__
from deepresolve.imaging.dicom_output import codes, extra, references, slices
from deepresolve.imaging.dicom_output.processing import (
    SEGMENTATION_OFFSET,
    SOFTWARE,
    Processing,
    series_description,
    series_number,
)
from deepresolve.imaging.dicom_output.source import DicomSource
from deepresolve.imaging.volume import Volume

_NEEDED = ("Label maps as DICOM", "Or write NIfTI: leave out --output_format.")


def require_highdicom() -> None:
    """ValueError where highdicom is not installed."""
    extra.highdicom(*_NEEDED)


def write_segmentation(
    path: pathlib.Path,
    label_map: Volume,
    class_names: Sequence[str],
    source: DicomSource,
    processing: Processing,
) -> None:
    """Writes one binary segmentation with a segment for each class, whole or not.

    Segments are named as the classes, coded by `codes.tissue`, and refer to the slices
    that they were found in.

    Args:
      path: of the file.
      label_map: uint8 on the source's own grid; 0 is background, n the n-th class.
      class_names: of the classes, from 1 on.
      source: the scan that was segmented.
      processing: how that was done.

    Raises:
      ValueError: highdicom is not installed, the label map is not on the source's
        grid, or the source's header holds what no segmentation may.
      OSError: the disk is full, or the folder missing.
    """
    extra.write(
        path,
        lambda: _checked(label_map.restore(), class_names, source, processing),
    )


def _checked(
    label_map: Volume,
    class_names: Sequence[str],
    source: DicomSource,
    processing: Processing,
) -> pydicom.Dataset:
    """The segmentation; ValueError of another grid, or of a header that does not do."""
    first = source.headers[0]
    grid = (first.Columns, first.Rows, len(source.headers))
    if label_map.shape != grid:
        raise ValueError(f"the label map has shape {label_map.shape}, its scan {grid}.")
    with extra.made_of_header("a DICOM segmentation", "write NIfTI"):
        return _segmentation(label_map, class_names, source, processing)


def _segmentation(
    label_map: Volume,
    class_names: Sequence[str],
    source: DicomSource,
    processing: Processing,
) -> pydicom.Dataset:
    highdicom = extra.highdicom(*_NEEDED)
    first = source.headers[0]
    thickness = slices.thickness_mm(label_map)
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name=f"{SOFTWARE} {processing.model_name}",
        family=codes.ARTIFICIAL_INTELLIGENCE,
        version=f"{__version__} network {processing.model_sha256[:16]}",
        parameters={"network SHA-256": processing.model_sha256},
    )
    segments = [
        _segment(highdicom, number, name, algorithm)
        for number, name in enumerate(class_names, start=1)
    ]
    dataset = highdicom.seg.Segmentation(
        source_images=references.stand_ins(source.headers, thickness),
        # (column, row, slice) -> (slice, row, column).
        pixel_array=np.ascontiguousarray(label_map.array.transpose(2, 1, 0)),
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=segments,
        series_instance_uid=uid.generate_uid(prefix=None),
        series_number=series_number(first, SEGMENTATION_OFFSET),
        sop_instance_uid=uid.generate_uid(prefix=None),
        instance_number=1,
        manufacturer=SOFTWARE,
        manufacturer_model_name=processing.model_name,
        software_versions=processing.versions,
        device_serial_number=processing.model_sha256,
        content_label="SEGMENTATION",
        content_description=processing.title,
        series_description=series_description(first, processing.title),
        pixel_measures=highdicom.PixelMeasuresSequence(
            pixel_spacing=list(first.PixelSpacing),
            slice_thickness=thickness,
            spacing_between_slices=slices.spacing_mm(label_map),
        ),
    )
    dataset.SpecificCharacterSet = "ISO_IR 192"  # UTF-8: names of classes are free.
    references.restore(dataset, source.headers)
    dataset.ContributingEquipmentSequence = [
        *dataset.get("ContributingEquipmentSequence", []),
        processing.equipment(datetime.datetime.now()),
    ]
    return dataset


def _segment(
    highdicom: ModuleType, number: int, name: str, algorithm: pydicom.Dataset
) -> pydicom.Dataset:
    tissue = codes.tissue(name)
    segment = highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=name[:64],
        segmented_property_category=tissue.category,
        segmented_property_type=tissue.type,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        anatomic_regions=None if tissue.region is None else [tissue.region],
    )
    if tissue.modifier is not None:
        kind = segment.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [codes.item(tissue.modifier)]
    return segment
