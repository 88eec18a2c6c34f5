"""A map of thickness, T2 or the like as a DICOM parametric map, by highdicom."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import warnings
from types import ModuleType

import numpy as np
import pydicom
from pydicom import uid
from pydicom.sr.coding import Code

from deepresolve import __version__
from deepresolve.imaging.dicom_output import extra, measure_codes, references, slices
from deepresolve.imaging.dicom_output.processing import (
    MAP_OFFSET,
    SOFTWARE,
    Processing,
    series_description,
    series_number,
)
from deepresolve.imaging.dicom_output.source import DicomSource
from deepresolve.imaging.volume import Volume
from deepresolve.system import files

# What is shown from black to white.
_WINDOW_PERCENTILES = (1, 99)


@dataclasses.dataclass(frozen=True)
class MapKind:
    """What the numbers of a map are.

    Attributes:
      label: at most 16 characters.
      title: in words, at most 64 characters.
      unit: of UCUM: "mm", "ms".
      quantity: the coded term.
    """

    label: str
    title: str
    unit: str
    quantity: Code


THICKNESS = MapKind(
    "THICKNESS", "Thickness of cartilage", "mm", measure_codes.THICKNESS
)
T2 = MapKind("T2", "T2 relaxation time", "ms", measure_codes.T2)


def write_map(
    path: pathlib.Path,
    volume: Volume,
    kind: MapKind,
    source: DicomSource,
    processing: Processing,
) -> None:
    """Writes a map into the study of the scan; see `parametric_map`.

    Raises:
      ValueError: as `parametric_map`; the message begins with the path.
      OSError: the disk is full, or the folder missing.
    """
    try:
        dataset = parametric_map(volume, kind, source, processing)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    with files.replacing(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)


def parametric_map(
    volume: Volume, kind: MapKind, source: DicomSource, processing: Processing
) -> pydicom.Dataset:
    """A parametric map of float32, whose real-world values are the numbers themselves.

    Args:
      volume: on the source's own grid; NaN where there is nothing, which viewers are
        told by FloatPixelPaddingValue, a number below all others.
      kind: what the numbers are.
      source: the scan that the map was made of.
      processing: how that was done.

    Raises:
      ValueError: highdicom is not installed; an anonymous source, another grid, no
        number at all or an infinite one; or a header that holds what no map may.
    """
    highdicom = extra.highdicom("Maps as DICOM")
    volume = volume.restore()
    first = source.headers[0]
    grid = (first.Columns, first.Rows, len(source.headers))
    if volume.shape != grid:
        raise ValueError(f"the map has shape {volume.shape}, its scan {grid}.")
    if source.anonymous:
        raise ValueError(
            "a map refers to the images that it was made of, and of those nobody has "
            "anonymous copies. Take a series that is anonymous already."
        )
    if np.isinf(volume.array).any() or np.isnan(volume.array).all():
        raise ValueError("expected numbers, or NaN where there is nothing; got none.")
    try:
        with warnings.catch_warnings():
            # That the acquired header is not quite to the standard.
            warnings.simplefilter("ignore", UserWarning)
            return _dataset(highdicom, volume, kind, source, processing)
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"the scan's header does not do for a DICOM map ({error}). Export the scan "
            "again, or write NIfTI."
        ) from error


def _dataset(
    highdicom: ModuleType,
    volume: Volume,
    kind: MapKind,
    source: DicomSource,
    processing: Processing,
) -> pydicom.Dataset:
    first = source.headers[0]
    thickness = slices.thickness_mm(volume)
    numbers = volume.array[~np.isnan(volume.array)].astype(np.float32)
    padding = float(np.floor(numbers.min()) - 1)
    filled = np.where(np.isnan(volume.array), padding, volume.array)
    mapping = highdicom.pm.RealWorldValueMapping(
        lut_label=kind.label,
        lut_explanation=kind.title,
        unit=measure_codes.unit(kind.unit),
        value_range=(float(numbers.min()), float(numbers.max())),
        quantity_definition=kind.quantity,
    )
    dataset = highdicom.pm.ParametricMap(
        source_images=references.stand_ins(source.headers, thickness),
        # (column, row, slice) -> (slice, row, column).
        pixel_array=np.ascontiguousarray(filled.transpose(2, 1, 0), np.float32),
        series_instance_uid=uid.generate_uid(prefix=None),
        series_number=series_number(first, MAP_OFFSET),
        sop_instance_uid=uid.generate_uid(prefix=None),
        instance_number=1,
        manufacturer=SOFTWARE,
        manufacturer_model_name=processing.model_name,
        software_versions=[__version__, f"network {processing.model_sha256[:16]}"],
        device_serial_number=processing.model_sha256,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[_window(highdicom, numbers)],
        content_label=kind.label,
        content_description=kind.title,
        series_description=series_description(first, kind.title),
        pixel_measures=highdicom.PixelMeasuresSequence(
            pixel_spacing=list(first.PixelSpacing),
            slice_thickness=thickness,
            spacing_between_slices=slices.spacing_mm(volume),
        ),
    )
    # One value is a range of one: a standard's checker misses the limit.
    dataset.FloatPixelPaddingValue = dataset.FloatPixelPaddingRangeLimit = padding
    dataset.Laterality = first.get("ImageLaterality") or first.get("Laterality")
    references.restore(dataset, source.headers)
    dataset.ContributingEquipmentSequence = [
        *dataset.get("ContributingEquipmentSequence", []),
        processing.equipment(datetime.datetime.now()),
    ]
    return dataset


def _window(highdicom: ModuleType, numbers: np.ndarray) -> pydicom.Dataset:
    low, high = np.percentile(numbers, _WINDOW_PERCENTILES)
    return highdicom.VOILUTTransformation(
        window_center=float(low + high) / 2,
        window_width=float(high - low) or 1.0,  # Of one number alone any will do.
        # LINEAR, which is for whole numbers, takes none narrower than 1.
        voi_lut_function=highdicom.VOILUTFunctionValues.LINEAR_EXACT,
    )
