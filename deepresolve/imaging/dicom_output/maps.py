"""A map of a quantity, such as T2, as a derived series of MR images.

One image for each acquired slice, in its place. Values are stored in hundredths and
the header says so (RescaleSlope): what shows them rescaled shows milliseconds.
"""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
from collections.abc import Sequence

import numpy as np
import pydicom

from deepresolve import __version__
from deepresolve.imaging import volume as volumes
from deepresolve.imaging.dicom_output import codes, series, slices
from deepresolve.imaging.dicom_output.decimals import decimal
from deepresolve.imaging.dicom_output.processing import (
    SOFTWARE,
    series_description,
    series_number,
)
from deepresolve.imaging.dicom_output.source import DicomSource, image_references
from deepresolve.imaging.dicom_output.stored_values import StoredValues

# What is added to the number of the acquired series, after thin slices and label maps.
MAPS_OFFSET = 3000
_STEP = 0.01
# The slice axis of what `formats.dicom` reads.
_FILES = 2
# A short text (PS3.5 6.2).
_LONGEST_TEXT = 1024
# Values of ImageType that PS3.3 C.8.3.1.1.1 has for maps; others are OTHER.
_IMAGE_TYPES = {"T1": "T1 MAP", "T2": "T2 MAP"}


@dataclasses.dataclass(frozen=True)
class MapKind:
    """What a map is of.

    Attributes:
      title: of the quantity: "T2".
      unit: of its values: "ms".
      highest: at which a viewer shows white.
      derivation: how it was made, in printable ASCII.
    """

    title: str
    unit: str
    highest: float
    derivation: str


def write_map(
    folder: pathlib.Path,
    volume: volumes.Volume,
    sources: Sequence[DicomSource],
    kind: MapKind,
) -> None:
    """Writes one file a slice, 0001.dcm and on: the whole series or none.

    Args:
      folder: empty, or does not exist.
      volume: on the grid of the first source, 0 where there is no value and at most
        655.35.
      sources: the scans that it was made of, such as echoes; patient, study and place
        are the first one's.
      kind: what the values are.

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
    series.save(folder, volume, _common(volume, sources, kind, stored), source, stored)


def _common(
    volume: volumes.Volume,
    sources: Sequence[DicomSource],
    kind: MapKind,
    stored: StoredValues,
) -> pydicom.Dataset:
    """What all images of the series share."""
    source = sources[0]
    first = source.headers[0]
    now = None if source.anonymous else datetime.datetime.now()
    image = series.begun(source, now)
    image_type = _IMAGE_TYPES.get(kind.title, "OTHER")
    image.ImageType = ["DERIVED", "SECONDARY", image_type]
    image.SeriesNumber = series_number(first, MAPS_OFFSET)
    image.SeriesDescription = series_description(
        first, f"{kind.title} map, {kind.unit}"
    )
    if len(sources) > 1:  # No longer that of one echo.
        image.EchoTime = None
        image.pop("EchoNumbers", None)
    image.DerivationDescription = _told(kind)
    every = [header for each in sources for header in each.headers]
    image.SourceImageSequence = image_references(every)
    series.add_equipment(image, _equipment(kind, now))
    series.set_grid(image, volume, first)
    image.SliceThickness = decimal(slices.thickness_mm(volume))
    stored.describe(image)
    image.RescaleType = kind.unit
    image.WindowCenter = decimal(kind.highest / 2)
    image.WindowWidth = decimal(kind.highest)
    return image


def _told(kind: MapKind) -> str:
    text = f"{kind.title} map in {kind.unit}, 0 where there is none: {kind.derivation}"
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 3]}..."


def _equipment(kind: MapKind, when: datetime.datetime | None) -> pydicom.Dataset:
    """An item of ContributingEquipmentSequence (PS3.3 C.12.1)."""
    item = pydicom.Dataset()
    item.PurposeOfReferenceCodeSequence = [codes.item(codes.PROCESSING_EQUIPMENT)]
    item.Manufacturer = SOFTWARE
    item.ManufacturerModelName = f"{kind.title} map"
    item.SoftwareVersions = __version__
    item.ContributionDescription = f"{kind.title} map by {SOFTWARE} {__version__}"
    if when is not None:
        item.ContributionDateTime = when.strftime("%Y%m%d%H%M%S")
    return item
