"""A map of thickness, T2 or the like as a DICOM parametric map, by highdicom."""

from __future__ import annotations

import datetime
import pathlib
from collections.abc import Sequence
from types import ModuleType

import numpy as np
import pydicom
from pydicom import uid

from deepresolve import __version__
from deepresolve.imaging.dicom_output import extra, measure_codes, references, slices
from deepresolve.imaging.dicom_output.map_kinds import MapKind
from deepresolve.imaging.dicom_output.processing import (
    PARAMETRIC_MAP_OFFSET,
    SOFTWARE,
    Processing,
    series_description,
    series_number,
)
from deepresolve.imaging.dicom_output.series import add_equipment
from deepresolve.imaging.dicom_output.source import DicomSource, image_references
from deepresolve.imaging.volume import Volume


def write_parametric_map(
    path: pathlib.Path,
    volume: Volume,
    kind: MapKind,
    sources: Sequence[DicomSource],
    processing: Processing,
) -> None:
    """Writes a map into the study of the scan; see `parametric_map`.

    Raises:
      ValueError: as `parametric_map`; the message begins with the path.
      OSError: the disk is full, or the folder missing.
    """
    extra.write(path, lambda: parametric_map(volume, kind, sources, processing))


def parametric_map(
    volume: Volume,
    kind: MapKind,
    sources: Sequence[DicomSource],
    processing: Processing,
) -> pydicom.Dataset:
    """A parametric map of float32, whose real-world values are the numbers themselves.

    Args:
      volume: on the first source's own grid; NaN where there is nothing, which viewers
        are told by FloatPixelPaddingValue, a number below all others.
      kind: what the numbers are.
      sources: the scans that it was made of, such as echoes, all of one grid; patient,
        study and place are the first one's.
      processing: how that was done.

    Raises:
      ValueError: highdicom is not installed; an anonymous source, another grid, no
        number at all or an infinite one; or a header that holds what no map may.
    """
    highdicom = extra.highdicom("Maps as DICOM")
    volume = volume.restore()
    headers = sources[0].headers
    grid = (headers[0].Columns, headers[0].Rows, len(headers))
    if volume.shape != grid:
        raise ValueError(f"the map has shape {volume.shape}, its scan {grid}.")
    if any(source.anonymous for source in sources):
        raise ValueError(
            "a map refers to the images that it was made of, and of those nobody has "
            "anonymous copies. Take a series that is anonymous already."
        )
    if np.isinf(volume.array).any() or np.isnan(volume.array).all():
        raise ValueError("expected numbers, or NaN where there is nothing; got none.")
    with extra.made_of_header("a DICOM map", "write NIfTI"):
        return _dataset(highdicom, volume, kind, sources, processing)


def _dataset(
    highdicom: ModuleType,
    volume: Volume,
    kind: MapKind,
    sources: Sequence[DicomSource],
    processing: Processing,
) -> pydicom.Dataset:
    headers = sources[0].headers
    first = headers[0]
    thickness = slices.thickness_mm(volume)
    numbers = volume.array[~np.isnan(volume.array)].astype(np.float32)
    padding = float(np.floor(numbers.min()) - 1)
    filled = np.where(np.isnan(volume.array), padding, volume.array)
    mapping = highdicom.pm.RealWorldValueMapping(
        lut_label=kind.label,
        lut_explanation=kind.description,
        unit=measure_codes.unit(kind.unit),
        value_range=(float(numbers.min()), float(numbers.max())),
        quantity_definition=kind.code,
    )
    dataset = highdicom.pm.ParametricMap(
        source_images=references.stand_ins(headers, thickness),
        # (column, row, slice) -> (slice, row, column).
        pixel_array=np.ascontiguousarray(filled.transpose(2, 1, 0), np.float32),
        series_instance_uid=uid.generate_uid(prefix=None),
        series_number=series_number(first, PARAMETRIC_MAP_OFFSET),
        sop_instance_uid=uid.generate_uid(prefix=None),
        instance_number=1,
        manufacturer=SOFTWARE,
        manufacturer_model_name=processing.model_name,
        software_versions=processing.versions,
        # Which is not to be empty: of software, its version.
        device_serial_number=processing.model_sha256 or __version__,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[_window(highdicom, kind)],
        content_label=kind.label,
        content_description=kind.description,
        series_description=series_description(first, kind.description),
        pixel_measures=highdicom.PixelMeasuresSequence(
            pixel_spacing=list(first.PixelSpacing),
            slice_thickness=thickness,
            spacing_between_slices=slices.spacing_mm(volume),
        ),
    )
    # One value is a range of one: a standard's checker misses the limit.
    dataset.FloatPixelPaddingValue = dataset.FloatPixelPaddingRangeLimit = padding
    references.restore(dataset, [header for each in sources for header in each.headers])
    _tell_sources(dataset, sources, processing.told(f"in {kind.unit}."))
    add_equipment(dataset, processing.equipment(datetime.datetime.now()))
    return dataset


def _tell_sources(
    dataset: pydicom.Dataset, sources: Sequence[DicomSource], derivation_text: str
) -> None:
    """Tells of each frame how it was made, and of which slice of further sources."""
    first, *others = sources
    slice_of = {
        (str(header.SOPInstanceUID), header.get("ReferencedFrameNumber")): number
        for number, header in enumerate(first.headers)
    }
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        (derivation,) = frame.DerivationImageSequence
        derivation.DerivationDescription = derivation_text
        (image,) = derivation.SourceImageSequence
        number = slice_of[
            str(image.ReferencedSOPInstanceUID), image.get("ReferencedFrameNumber")
        ]
        derivation.SourceImageSequence.extend(
            image_references([other.headers[number] for other in others])
        )


def _window(highdicom: ModuleType, kind: MapKind) -> pydicom.Dataset:
    return highdicom.VOILUTTransformation(
        window_center=kind.highest / 2,
        window_width=kind.highest,
        voi_lut_function=highdicom.VOILUTFunctionValues.LINEAR_EXACT,
    )
