"""A scan in the form in which it is stored."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping

import numpy as np

from deepresolve.imaging import labels
from deepresolve.imaging.intensity import IntensityScale, estimate_scale
from deepresolve.imaging.volume import Volume
from records.subject import Subject

IMAGE_DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32")


@dataclasses.dataclass(frozen=True, eq=False)
class StoredSubject:
    """One record: a scan, its labels and where it came from.

    Attributes:
      subject: the scan's id.
      person: whose scan it is.
      side: "left", "right" or "unknown".
      source: where the scan came from, for people to read.
      source_sha256: SHA-256 of the source.
      label_sha256: SHA-256 of the label map's source, "" without labels.
      image: the scan, canonical; `image.restore()` gives its own axes back.
      label: uint8 labels on the image's grid, None where there are none.
      scale: the intensity scale of the image.
    """

    subject: str
    person: str
    side: str
    source: str
    source_sha256: str
    label_sha256: str
    image: Volume
    label: Volume | None
    scale: IntensityScale


def load(subject: Subject, label_names: Mapping[int, str]) -> StoredSubject:
    """Reads a subject and puts it into the form that is stored.

    Args:
      subject: the scan.
      label_names: name by label value, of every label that may occur.

    Raises:
      ValueError: the scan or its label map cannot be used; the message names it.
    """
    try:
        source_sha256, label_sha256 = subject.hashes()
        scan, label = subject.load()
        if label is not None:
            _check_labels(label.array, label_names, subject.label_source)
        image = scan.canonical()
        image = image.with_array(storable(image.array))
        return StoredSubject(
            subject=subject.id,
            person=subject.person,
            side=subject.side,
            source=subject.source,
            source_sha256=source_sha256,
            label_sha256=label_sha256,
            image=image,
            # On the image's own grid: the affines may differ by rounding.
            label=None if label is None else scan.with_array(label.array).canonical(),
            scale=estimate_scale(image.array),
        )
    except ValueError as error:
        raise ValueError(f"Subject {subject.id!r} ({subject.source}): {error}") from (
            error
        )


def voxels_sha256(array: np.ndarray) -> str:
    """SHA-256 of voxels as float32: of equal values, whatever dtype holds them.

    Of canonical scans it is the same for a DICOM series and for its conversion.
    """
    digest = hashlib.sha256(repr(array.shape).encode())
    for part in array:  # So that only a part is copied at a time.
        # + 0 makes -0 of a float 0.
        digest.update(np.ascontiguousarray(part, dtype="<f4") + np.float32(0))
    return digest.hexdigest()


def _check_labels(
    array: np.ndarray, label_names: Mapping[int, str], source: str
) -> None:
    if array.dtype != np.uint8:
        raise ValueError(f"{source}: labels are uint8; got {array.dtype}.")
    try:
        labels.check_values(array, label_names)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error


def storable(array: np.ndarray) -> np.ndarray:
    """The voxels in one of `IMAGE_DTYPES`, little-endian and in C order.

    bool becomes uint8, float16 float32 and 64-bit integers int32, all exactly; float64
    is rounded to float32.

    Raises:
      ValueError: a dtype that is none of these, or values too large to store.
    """
    dtype = array.dtype
    name = dtype.newbyteorder("=").name
    stored = {
        "bool": "uint8",
        "float16": "float32",
        "float64": "float32",
        "int64": "int32",
        "uint64": "int32",
    }.get(name, name)
    if stored not in IMAGE_DTYPES:
        raise ValueError(
            f"Voxels of dtype {dtype} cannot be stored; expected one of "
            f"{', '.join(IMAGE_DTYPES)}."
        )
    limits = np.finfo(stored) if stored == "float32" else np.iinfo(stored)
    if np.max(array) > limits.max or np.min(array) < limits.min:
        raise ValueError(
            f"{dtype} voxels from {np.min(array)} to {np.max(array)} do not fit into "
            f"{stored}, in which they are stored. Rescale the scan."
        )
    return np.ascontiguousarray(array, dtype=np.dtype(stored).newbyteorder("<"))
