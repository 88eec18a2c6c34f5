"""What one slice says of itself: a DICOM file, or a frame of one."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pydicom

from deepresolve.imaging.formats.dicom import elements, frames
from deepresolve.imaging.formats.dicom import traits as dicom_traits
from deepresolve.system import wording

# Elements without which there is no place or value of a voxel, and how many numbers.
_NEEDED = {
    "ImagePositionPatient": 3,
    "ImageOrientationPatient": 6,
    "PixelSpacing": 2,
    "RescaleSlope": 1,
    "RescaleIntercept": 1,
}
_DEFAULTS = {"RescaleSlope": (1.0,), "RescaleIntercept": (0.0,)}
# How many images there should be.
_COUNTS = ("ImagesInAcquisition", "NumberOfSeriesRelatedInstances")
_SIDES = {"L": "left", "R": "right"}
# What two scans of one person share.
IDENTITY = ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID")
# The elements that `parse` needs; of the rest nothing is kept.
TAGS = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", *IDENTITY),
    *("SeriesNumber", "SeriesDescription", "InstanceNumber"),
    *("SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames"),
    *("Rows", "Columns", "BitsAllocated", "SliceThickness", *_NEEDED),
    *("SpacingBetweenSlices", "ImageLaterality", "Laterality", *_COUNTS),
    "MRAcquisitionType",
    *frames.TAGS,
    *dicom_traits.TAGS,
)


@dataclasses.dataclass(frozen=True)
class SliceHeader:
    """What one slice says of itself; None, "" or () where it says nothing.

    Attributes:
      file: its name, relative to the folder or zip.
      frame: number of the frame in a file that has functional groups, from 1.
      num_frames: that the file has.
      instance_uid: SOPInstanceUID.
      study_uid: StudyInstanceUID.
      series_uid: SeriesInstanceUID.
      series_number: SeriesNumber.
      description: SeriesDescription.
      instance_number: InstanceNumber.
      shape: (Rows, Columns).
      num_bytes: of a pixel.
      num_samples: SamplesPerPixel, 1 where absent; 3 is colour.
      photometric: PhotometricInterpretation.
      position_mm: ImagePositionPatient, LPS+.
      orientation: ImageOrientationPatient: six direction cosines, LPS+.
      pixel_spacing_mm: PixelSpacing: between rows, between columns.
      slice_thickness_mm: SliceThickness.
      rescale: RescaleSlope and RescaleIntercept; (1, 0) where absent.
      traits: what tells it from others at its place; see `traits`.
      written: the needed elements by keyword, as texts.
      left_out: what stands in place of numbers that nobody needs.
      identity: pairs of a keyword out of `IDENTITY` and its value, where it has one.
      part: of a concatenation: its UID, the part's number, and how many there are.
      slice_spacing_mm: SpacingBetweenSlices.
      counts: how many images there should be, by keyword.
      side: "left" or "right" by ImageLaterality, else by Laterality; else "unknown".
      acquisition_type: MRAcquisitionType as written, "2D" or "3D" where all is well.
    """

    file: str
    frame: int | None
    num_frames: int
    instance_uid: str
    study_uid: str
    series_uid: str
    series_number: int | None
    description: str
    instance_number: int | None
    shape: tuple[int, int]
    num_bytes: int
    num_samples: int
    photometric: str
    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    pixel_spacing_mm: tuple[float, ...]
    slice_thickness_mm: float | None
    rescale: tuple[float, ...]
    traits: Mapping[str, tuple[str, ...]]
    written: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...] = ()
    identity: frozenset[tuple[str, str]] = frozenset()
    part: tuple[str, int | None, int | None] | None = None
    slice_spacing_mm: float | None = None
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    side: str = "unknown"
    acquisition_type: str = ""

    @functools.cached_property
    def along_normal_mm(self) -> float:
        """Where the slice lies along its normal, the row's cosines x the column's."""
        row, column = np.reshape(self.orientation, (2, 3))
        return float(np.cross(row, column) @ self.position_mm)

    @property
    def echo_number(self) -> int | None:
        """EchoNumbers, from 1."""
        values = self.traits.get("EchoNumbers")
        return int(float(values[0])) if values else None

    @property
    def echo_time_ms(self) -> float | None:
        """EchoTime."""
        values = self.traits.get("EchoTime")
        return float(values[0]) if values else None

    @property
    def name(self) -> str:
        """The file; of several frames, with the frame."""
        one = self.frame is None or self.num_frames == 1
        return self.file if one else f"{self.file} frame {self.frame}"


def parse(file: str, dataset: pydicom.Dataset) -> Iterator[SliceHeader]:
    """Reads the header of each frame; none of what is no image (a report, an index).

    Args:
      file: its name.
      dataset: with at least `TAGS` of it.

    Raises:
      ValueError: an image has no size, or another number of frames than it describes: a
        file that is cut short must not pass for one that is no image.
    """
    if not dataset.get("Rows") or not dataset.get("Columns"):
        if not _is_image(dataset):
            return
        raise ValueError(
            f"{file}: an image without Rows and Columns; it is cut short or damaged. "
            "Export the series again, or move the file away."
        )
    for frame, flat in frames.flattened(dataset, file):
        yield _parse(file, frame, flat)


def _is_image(dataset: pydicom.Dataset) -> bool:
    """Whether a file without a size was to be an image; so is one without a kind."""
    with elements.leniently():
        kind = pydicom.uid.UID(elements.text(dataset, "SOPClassUID"))
    if not kind or kind.name != kind:  # The standard's own.
        return not kind or "Image Storage" in kind.name
    # A vendor's, or one that was damaged.
    return not kind.is_valid or any(
        keyword in dataset for keyword in ("BitsAllocated", "PixelSpacing")
    )


def _parse(file: str, frame: int | None, dataset: pydicom.Dataset) -> SliceHeader:
    optional = elements.OptionalNumbers(dataset)
    # What is wrong with these is no matter.
    hints = elements.OptionalNumbers(dataset)
    traits, left_out = dicom_traits.of(dataset)
    written = {keyword: elements.texts(dataset, keyword) for keyword in _NEEDED}
    needed = {keyword: _needed(keyword, values) for keyword, values in written.items()}
    return SliceHeader(
        file=file,
        frame=frame,
        num_frames=optional.whole("NumberOfFrames") or 1,
        instance_uid=elements.text(dataset, "SOPInstanceUID"),
        study_uid=elements.text(dataset, "StudyInstanceUID"),
        series_uid=elements.text(dataset, "SeriesInstanceUID"),
        series_number=optional.whole("SeriesNumber"),
        description=elements.text(dataset, "SeriesDescription"),
        instance_number=optional.whole("InstanceNumber"),
        shape=(int(dataset.Rows), int(dataset.Columns)),
        num_bytes=(optional.whole("BitsAllocated") or 16) // 8,
        num_samples=optional.whole("SamplesPerPixel") or 1,
        photometric=elements.text(dataset, "PhotometricInterpretation"),
        position_mm=needed["ImagePositionPatient"],
        orientation=needed["ImageOrientationPatient"],
        pixel_spacing_mm=needed["PixelSpacing"],
        slice_thickness_mm=optional.number("SliceThickness"),
        rescale=(*needed["RescaleSlope"], *needed["RescaleIntercept"]),
        traits=traits,
        written=written,
        left_out=(*optional.left_out, *left_out),
        identity=_identity(dataset),
        part=frames.part(dataset),
        slice_spacing_mm=hints.number("SpacingBetweenSlices"),
        counts={keyword: hints.whole(keyword) or 0 for keyword in _COUNTS},
        side=side(dataset),
        acquisition_type=elements.text(dataset, "MRAcquisitionType"),
    )


def side(dataset: pydicom.Dataset) -> str:
    """Which of the body: "left", "right", or "unknown" where the header has neither."""
    text = elements.text
    found = text(dataset, "ImageLaterality") or text(dataset, "Laterality")
    return _SIDES.get(found.upper(), "unknown")


def _needed(keyword: str, values: Sequence[str]) -> tuple[float, ...]:
    """The numbers of an element; () where there are none, or other things."""
    if not values:
        return _DEFAULTS.get(keyword, ())
    return elements.numbers(values) or ()


def _identity(dataset: pydicom.Dataset) -> frozenset[tuple[str, str]]:
    values = {keyword: elements.text(dataset, keyword) for keyword in IDENTITY}
    return frozenset((keyword, value) for keyword, value in values.items() if value)


def missing(header: SliceHeader) -> str:
    """What is wrong with an element that a slice cannot do without; "" if nothing.

    Names the element, what was found, what it needs and how to mend it.
    """
    for keyword, count in _NEEDED.items():
        values = header.written[keyword]
        if not values and keyword in _DEFAULTS:
            continue
        found = elements.numbers(values)
        if found is None or len(found) != count:
            got = repr("\\".join(values)) if values else "none"
            example = "\\".join(["0.5"] * count)
            return (
                f"needs {wording.counted(count, 'number')} in "
                f"{elements.title(keyword)}, written as {example}; got {got}. "
                "Export the series again with what the scanner wrote, or write the "
                "true values into a copy, e.g. with dcmodify."
            )
    return ""
