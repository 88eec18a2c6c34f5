"""A thin-slice scan as a derived series of MR images."""

from __future__ import annotations

import copy
import datetime
import pathlib
from collections.abc import Iterator

import numpy as np
import pydicom
from pydicom import uid

from deepresolve.imaging import volume as volumes
from deepresolve.imaging.dicom_output import attributes, codes, slices
from deepresolve.imaging.dicom_output.decimals import decimal
from deepresolve.imaging.dicom_output.processing import (
    THIN_SLICES_OFFSET,
    Processing,
    series_description,
    series_number,
)
from deepresolve.imaging.dicom_output.source import DicomSource, image_references
from deepresolve.imaging.dicom_output.stored_values import StoredValues, set_window
from deepresolve.system import files

# The slice axis of what `formats.dicom` reads: files are stacked along it.
_FILES = 2


def write_series(
    folder: pathlib.Path,
    volume: volumes.Volume,
    source: DicomSource,
    processing: Processing,
) -> None:
    """Writes one file a slice, 0001.dcm and on: the whole series or none.

    Patient, study and frame of reference are the source's, and whatever else its slices
    agree on; the series and its images have UIDs of their own. Integers are stored as
    they are where 16 bits hold them, else with RescaleSlope and RescaleIntercept.

    Args:
      folder: empty, or does not exist.
      volume: in scanner units, with slices along the source's; a canonical one is
        restored first.
      source: the scan that it was made of.
      processing: how it was made.

    Raises:
      ValueError: the slices lie along another axis than the source's.
      OSError: the disk is full, or there is something at `folder`.
    """
    volume = volume.restore()
    if volume.slice_axis != _FILES:
        raise ValueError(
            f"{folder}: DICOM slices are stacked along axis {_FILES}, and these lie "
            f"along axis {volume.slice_axis}. Leave out --slice_axis, or write NIfTI."
        )
    stored = StoredValues.fitting(volume.array)
    save(folder, volume, _common(volume, source, processing, stored), source, stored)


def save(
    folder: pathlib.Path,
    volume: volumes.Volume,
    common: pydicom.Dataset,
    source: DicomSource,
    stored: StoredValues,
) -> None:
    """Writes one file a slice, 0001.dcm and on: the whole series or none.

    Args:
      folder: empty, or does not exist.
      volume: with slices along the source's.
      common: what all images of the series share.
      source: the scan that it was made of.
      stored: how its values are stored.

    Raises:
      OSError: the disk is full, or there is something at `folder`.
    """
    with files.replacing_folder(folder) as partial:
        images = _datasets(volume, common, source, stored)
        for number, dataset in enumerate(images, 1):
            dataset.save_as(partial / f"{number:04d}.dcm", enforce_file_format=True)


def _datasets(
    volume: volumes.Volume,
    common: pydicom.Dataset,
    source: DicomSource,
    stored: StoredValues,
) -> Iterator[pydicom.Dataset]:
    """The images, in the order of their instance numbers."""
    position, step, orientation, _ = volumes.affine_to_dicom(volume.affine)
    normal = np.cross(orientation[:3], orientation[3:])
    for number, index in enumerate(_numbering(volume.num_slices, source), start=1):
        image = copy.deepcopy(common)
        image.file_meta = _file_meta()
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID
        image.InstanceNumber = number
        place = position + index * step
        image.ImagePositionPatient = [decimal(x) for x in place]
        image.SliceLocation = decimal(normal @ place)
        # (column, row) -> (row, column).
        image.PixelData = stored.store(volume.array[:, :, index].T).tobytes()
        image["PixelData"].VR = "OW"
        yield image


def _common(
    volume: volumes.Volume,
    source: DicomSource,
    processing: Processing,
    stored: StoredValues,
) -> pydicom.Dataset:
    """What all images of the series share."""
    first = source.headers[0]
    now = None if source.anonymous else datetime.datetime.now()
    image = begun(source, now)
    image.ImageType = ["DERIVED", "SECONDARY", _kind(first)]
    image.SeriesNumber = series_number(first, THIN_SLICES_OFFSET)
    image.SeriesDescription = series_description(first, processing.title)
    image.DerivationDescription = processing.told(
        f"{len(source.headers)} slices{_thickness(first)} became {volume.num_slices}. "
        "An estimate: what was not acquired can be wrong."
    )
    image.DerivationCodeSequence = [codes.item(codes.SPATIAL_RESAMPLING)]
    # All slices: the scale of intensities is the whole scan's.
    image.SourceImageSequence = image_references(source.headers)
    add_equipment(image, processing.equipment(now))
    set_grid(image, volume, first)
    stored.describe(image)
    set_window(image, list(source.headers), volume.array)
    return image


def begun(source: DicomSource, now: datetime.datetime | None) -> pydicom.Dataset:
    """A derived image of a new series: what it carries on, and when it was made.

    Args:
      source: the scan that it is made of.
      now: None where results are to tell nothing of the day.
    """
    image = attributes.carried(source.headers)
    image.SOPClassUID = uid.MRImageStorage
    image.Modality = "MR"
    image.SeriesInstanceUID = uid.generate_uid(prefix=None)
    if now is not None:
        for keyword in ("SeriesDate", "ContentDate", "InstanceCreationDate"):
            setattr(image, keyword, now.strftime("%Y%m%d"))
        for keyword in ("SeriesTime", "ContentTime", "InstanceCreationTime"):
            setattr(image, keyword, now.strftime("%H%M%S"))
    return image


def add_equipment(image: pydicom.Dataset, item: pydicom.Dataset) -> None:
    """Adds what processed an image to what did so before."""
    image.ContributingEquipmentSequence = [
        *image.get("ContributingEquipmentSequence", []),
        item,
    ]


def _thickness(header: pydicom.Dataset) -> str:
    """How thick the acquired slices were, where that is known."""
    known = header.get("SliceThickness")
    return f" of {known} mm" if known else ""


def _kind(header: pydicom.Dataset) -> str:
    """The third value of ImageType, which MR needs: the acquired slices' own."""
    values = header.get("ImageType")
    is_list = isinstance(values, pydicom.multival.MultiValue)
    return (is_list and len(values) > 2 and values[2]) or "OTHER"


def set_grid(
    image: pydicom.Dataset, volume: volumes.Volume, first: pydicom.Dataset
) -> None:
    """Sets what the geometry of all slices has in common.

    In the plane it is that of the acquired slices, to the last digit.

    Args:
      image: changed in place.
      volume: with slices along the source's.
      first: header of an acquired slice.
    """
    _, _, orientation, spacing = volumes.affine_to_dicom(volume.affine)
    image.Columns, image.Rows = volume.shape[:2]
    for keyword, values in (
        ("PixelSpacing", spacing),
        ("ImageOrientationPatient", orientation),
    ):
        own = first.get(keyword)
        same = own is not None and np.allclose(own, values, rtol=0, atol=1e-5)
        setattr(image, keyword, own if same else [decimal(x) for x in values])
    spacing_mm = decimal(slices.spacing_mm(volume))
    image.SpacingBetweenSlices = spacing_mm
    # Of whatever thickness the acquired ones were: the network's slices touch.
    image.SliceThickness = spacing_mm


def _numbering(num_slices: int, source: DicomSource) -> range:
    """Indices of slices in the order of instance numbers: the source's direction."""
    first, last = (source.headers[n].get("InstanceNumber") or 0 for n in (0, -1))
    indices = range(num_slices)
    return indices[::-1] if first > last else indices


def _file_meta() -> pydicom.dataset.FileMetaDataset:
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = uid.MRImageStorage
    meta.MediaStorageSOPInstanceUID = uid.generate_uid(prefix=None)
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    return meta
