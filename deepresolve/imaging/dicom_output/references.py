"""References of a segmentation or a map to the slices that it was made of.

highdicom takes single-frame images of one series, or one file of several frames whole.
A scan may be some frames of one file, or of several, or slices of an anonymiser's many
series. So each slice goes in as an image of its own, and what refers to it is then made
to refer to the file and frame that it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pydicom
from pydicom import uid

from deepresolve.imaging.dicom_output.decimals import decimal

_REPLACED = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SliceThickness"),
    *("NumberOfFrames", "ReferencedFrameNumber"),
)


def stand_ins(
    headers: Sequence[pydicom.Dataset], thickness_mm: float
) -> list[pydicom.Dataset]:
    """Copies of headers with what highdicom asks for.

    Args:
      headers: as `DicomSource` has them.
      thickness_mm: that all copies tell; without one highdicom takes none.
    """
    result = []
    for number, header in enumerate(headers, start=1):
        own = pydicom.Dataset()
        own.update({e.tag: e for e in header if e.keyword not in _REPLACED})
        own.SOPInstanceUID = _stand_in(headers[0], number)
        own.SOPClassUID = uid.MRImageStorage
        own.SeriesInstanceUID = headers[0].SeriesInstanceUID
        own.SliceThickness = decimal(thickness_mm)
        result.append(own)
    return result


def restore(dataset: pydicom.Dataset, headers: Sequence[pydicom.Dataset]) -> None:
    """Makes what refers to stand-ins refer to the files and frames themselves.

    Their side, which highdicom leaves out, becomes that of the series.

    Args:
      dataset: made of `stand_ins`; changed in place.
      headers: as `DicomSource` has them.
    """
    header_of = {
        _stand_in(headers[0], number): header
        for number, header in enumerate(headers, start=1)
    }
    _restore_below(dataset, header_of)
    series: dict[str, dict[str, pydicom.Dataset]] = {}
    for header in headers:
        item = pydicom.Dataset()
        item.ReferencedSOPClassUID = header.SOPClassUID
        item.ReferencedSOPInstanceUID = header.SOPInstanceUID
        found = series.setdefault(str(header.SeriesInstanceUID), {})
        found.setdefault(str(header.SOPInstanceUID), item)
    dataset.ReferencedSeriesSequence = [_series(*each) for each in series.items()]
    first = headers[0]
    dataset.Laterality = first.get("ImageLaterality") or first.get("Laterality")


def _stand_in(header: pydicom.Dataset, number: int) -> uid.UID:
    """A UID for a slice that nobody else has, the same whenever it is asked for."""
    return uid.generate_uid(
        entropy_srcs=[str(header.SOPInstanceUID), f"slice {number}"]
    )


def _restore_below(
    dataset: pydicom.Dataset, header_of: Mapping[uid.UID, pydicom.Dataset]
) -> None:
    for element in dataset:
        for item in element.value if element.VR == "SQ" else ():
            header = header_of.get(item.get("ReferencedSOPInstanceUID"))
            if header is None:
                _restore_below(item, header_of)
                continue
            item.ReferencedSOPClassUID = header.SOPClassUID
            item.ReferencedSOPInstanceUID = header.SOPInstanceUID
            if frame := header.get("ReferencedFrameNumber"):
                item.ReferencedFrameNumber = frame


def _series(
    series_uid: str, instances: Mapping[str, pydicom.Dataset]
) -> pydicom.Dataset:
    item = pydicom.Dataset()
    item.SeriesInstanceUID = series_uid
    item.ReferencedInstanceSequence = list(instances.values())
    return item
