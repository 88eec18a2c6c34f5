"""A map of a quantity, such as T2, as a derived series of MR images.

One image for each acquired slice, in its place. Values are stored in hundredths and
the header says so (RescaleSlope): what shows them rescaled shows milliseconds.
"""

from __future__ import annotations

import datetime
import pathlib
from collections.abc import Sequence

import numpy as np
import pydicom

from deepresolve.imaging import volume as volumes
from deepresolve.imaging.dicom_output import series, slices
from deepresolve.imaging.dicom_output.decimals import decimal
from deepresolve.imaging.dicom_output.map_kinds import MapKind
from deepresolve.imaging.dicom_output.processing import (
    MAP_SERIES_OFFSET,
    Processing,
    series_description,
    series_number,
)
from deepresolve.imaging.dicom_output.source import DicomSource, image_references
from deepresolve.imaging.dicom_output.stored_values import StoredValues

_STEP = 0.01
# The slice axis of what `formats.dicom` reads.
_FILES = 2
# Values of ImageType that PS3.3 C.8.3.1.1.1 has for maps; others are OTHER.
_IMAGE_TYPES = {"T1": "T1 MAP", "T2": "T2 MAP"}


def write_map_series(
    folder: pathlib.Path,
    volume: volumes.Volume,
    kind: MapKind,
    sources: Sequence[DicomSource],
    processing: Processing,
) -> None:
    """Writes one file a slice, 0001.dcm and on: the whole series or none.

    Args:
      folder: empty, or does not exist.
      volume: on the grid of the first source, 0 where there is no value and at most
        655.35.
      kind: what the values are.
      sources: the scans that it was made of, such as echoes; patient, study and place
        are the first one's.
      processing: how it was made.

    Raises:
      ValueError: the slices lie along another axis than the source's, are not as many,
        or have values that cannot be stored.
      OSError: the disk is full, or there is something at `folder`.
    """
    volume = volume.restore()
    source = sources[0]
    if volume.slice_axis != _FILES or volume.num_slices != len(source.headers):
        raise ValueError(
            f"{folder}: expected a map with the {len(source.headers)} slices of its "
            f"source; got shape {volume.shape} with slices along axis "
            f"{volume.slice_axis}. Write NIfTI."
        )
    stored = StoredValues(np.dtype(np.uint16), _STEP)
    highest = _STEP * np.iinfo(stored.dtype).max
    if not (np.isfinite(volume.array).all() and volume.array.min() >= 0):
        raise ValueError(f"{folder}: a map holds 0 or more, and 0 where it has none.")
    if volume.array.max() > highest:
        raise ValueError(
            f"{folder}: a map holds at most {highest:g} {kind.unit}; got "
            f"{volume.array.max():g}. Lower --most_ms, or write NIfTI."
        )
    common = _common(volume, kind, sources, processing, stored)
    series.save(folder, volume, common, source, stored)


def _common(
    volume: volumes.Volume,
    kind: MapKind,
    sources: Sequence[DicomSource],
    processing: Processing,
    stored: StoredValues,
) -> pydicom.Dataset:
    """What all images of the series share."""
    source = sources[0]
    first = source.headers[0]
    now = None if source.anonymous else datetime.datetime.now()
    image = series.begun(source, now)
    image_type = _IMAGE_TYPES.get(kind.title, "OTHER")
    image.ImageType = ["DERIVED", "SECONDARY", image_type]
    image.SeriesNumber = series_number(first, MAP_SERIES_OFFSET)
    image.SeriesDescription = series_description(first, kind.description)
    if len(sources) > 1:  # No longer that of one echo.
        image.EchoTime = None
        image.pop("EchoNumbers", None)
    image.DerivationDescription = processing.told(
        f"in {kind.unit}, 0 where there is none."
    )
    every = [header for each in sources for header in each.headers]
    image.SourceImageSequence = image_references(every)
    series.add_equipment(image, processing.equipment(now))
    series.set_grid(image, volume, first)
    image.SliceThickness = decimal(slices.thickness_mm(volume))
    stored.describe(image)
    image.RescaleType = kind.unit
    image.WindowCenter = decimal(kind.highest / 2)
    image.WindowWidth = decimal(kind.highest)
    return image
