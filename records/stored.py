"""A scan in the form in which it is stored."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from typing import cast

import numpy as np

from deepresolve.imaging import labels
from deepresolve.imaging.intensity import IntensityScale, estimate_scale
from deepresolve.imaging.memory_order import in_c_order
from deepresolve.imaging.volume import Volume
from records.subject import SCALAR_TYPES, Scan, Subject

Array = Volume | np.ndarray
Scalar = float | int | str

# Of affines: far less than a voxel.
_SAME_MM = 1e-4
# Of voxels and all other elements of arrays.
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32")


@dataclasses.dataclass(frozen=True, eq=False)
class StoredSubject:
    """One record: a scan, what belongs to it, and where it came from.

    Attributes:
      subject: the scan's id.
      person: whose scan it is.
      side: "left", "right" or "unknown".
      source: where the scan came from, for people to read.
      source_sha256: SHA-256 of the source.
      label_sha256: SHA-256 of the label map's source, "" without labels.
      arrays: by name, "image" the first: canonical Volumes, on the image's grid or one
        of their own, and arrays that have no place in the patient; one of `DTYPES`.
      scalars: by name.
      scale: the intensity scale of the image.
    """

    subject: str
    person: str
    side: str
    source: str
    source_sha256: str
    label_sha256: str
    arrays: Mapping[str, Array]
    scalars: Mapping[str, Scalar]
    scale: IntensityScale

    @property
    def image(self) -> Volume:
        """The scan, canonical; `image.restore()` gives its own axes back."""
        return cast(Volume, self.arrays["image"])

    @property
    def label(self) -> Volume | None:
        """uint8 labels on the image's grid, None where there are none."""
        return cast("Volume | None", self.arrays.get("label"))

    def grid(self, name: str) -> str:
        """Where an array lies: "image", on its grid; "own", as the image; "none"."""
        return _grid(self.arrays[name], self.image)


def load(subject: Subject, label_names: Mapping[int, str]) -> StoredSubject:
    """Reads a subject and puts it into the form that is stored.

    Args:
      subject: the scan.
      label_names: name by label value, of every label that may occur.

    Raises:
      ValueError: the scan or what belongs to it cannot be used; the message names it.
    """
    try:
        source_sha256, label_sha256 = subject.hashes()
        scan = subject.load()
        if scan.label is not None:
            _check_labels(scan.label.array, label_names, subject.label_source)
        _check_scalars(scan.scalars)
        arrays = _arrays(scan)
        return StoredSubject(
            subject=subject.id,
            person=subject.person,
            side=subject.side,
            source=subject.source,
            source_sha256=source_sha256,
            label_sha256=label_sha256,
            arrays=arrays,
            scalars=dict(sorted(scan.scalars.items())),
            scale=estimate_scale(voxels(arrays["image"])),
        )
    except ValueError as error:
        raise ValueError(f"Subject {subject.id!r} ({subject.source}): {error}") from (
            error
        )


def _arrays(scan: Scan) -> dict[str, Array]:
    """All arrays as they are stored, by name."""
    given: dict[str, Array] = {"image": scan.image}
    if scan.label is not None:
        # On the image's own grid: the affines may differ by rounding.
        given["label"] = scan.image.with_array(scan.label.array)
    given |= {
        name: _on_grid(name, scan.arrays[name], scan.image)
        for name in sorted(scan.arrays)
    }
    return {name: _stored(name, array) for name, array in given.items()}


def _on_grid(name: str, array: Array, image: Volume) -> Array:
    """A volume whose affine is the image's but for rounding, on the image's grid."""
    if not isinstance(array, Volume):
        return array
    if array.space != image.space:
        raise ValueError(
            f"{name}: its millimetres are those of {array.space!r}, and the image's "
            f"of {image.space!r}. Bring both into one space."
        )
    if array.shape == image.shape and np.allclose(
        array.affine, image.affine, rtol=0, atol=_SAME_MM
    ):
        return image.with_array(array.array)
    return dataclasses.replace(array, other_form=None)


def _stored(name: str, array: Array) -> Array:
    if isinstance(array, Volume):
        canonical = array.canonical()
        return canonical.with_array(storable(canonical.array))
    if not array.size:
        raise ValueError(f"{name}: an array of shape {array.shape} holds nothing.")
    return storable(array)


def _grid(array: Array, image: Volume) -> str:
    if not isinstance(array, Volume):
        return "none"
    same = (
        array is not image
        and array.shape == image.shape
        and np.array_equal(array.affine, image.affine)
        and np.array_equal(np.array(array.to_source), np.array(image.to_source))
    )
    return "image" if same else "own"


def _check_scalars(scalars: Mapping[str, Scalar]) -> None:
    for name, value in scalars.items():
        is_known = type(value) in SCALAR_TYPES
        if not is_known or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError(
                f"{name} is {value!r}; expected a finite float, an int or a str. Leave "
                "out what is unknown."
            )


def voxels(array: Array) -> np.ndarray:
    """The elements of a Volume or of an array without a place."""
    return array.array if isinstance(array, Volume) else array


def voxels_sha256(array: np.ndarray) -> str:
    """SHA-256 of voxels as float32: of equal values, whatever dtype holds them.

    Of canonical scans it is the same for a DICOM series and for its conversion.
    """
    digest = hashlib.sha256(repr(array.shape).encode())
    values = np.empty(array.shape[1:], "<f4")  # of a part at a time
    for part in array:
        # + 0 makes -0 of a float 0.
        np.add(part, np.float32(0), out=values, dtype="<f4", casting="unsafe")
        digest.update(values.data)
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
    """The voxels in one of `DTYPES`, little-endian and in C order.

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
    if stored not in DTYPES:
        raise ValueError(
            f"Voxels of dtype {dtype} cannot be stored; expected one of "
            f"{', '.join(DTYPES)}."
        )
    limits = np.finfo(stored) if stored == "float32" else np.iinfo(stored)
    # Integers that keep their dtype fit: two looks at each voxel less.
    fits = stored == name and dtype.kind in "iu"
    if not fits and (np.max(array) > limits.max or np.min(array) < limits.min):
        raise ValueError(
            f"{dtype} voxels from {np.min(array)} to {np.max(array)} do not fit into "
            f"{stored}, in which they are stored. Rescale the scan."
        )
    return in_c_order(array, np.dtype(stored).newbyteorder("<"))
