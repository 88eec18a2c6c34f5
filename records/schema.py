"""What one record holds: a scan as a `tf.train.Example`, and back.

| key | content |
|---|---|
| schema_version | int64; a reader refuses any but its own |
| subject, person, side | text; side is left, right or unknown |
| source, source_sha256, label_sha256 | where the scan came from; the last may be "" |
| intensity | 2 values: what becomes 0 and what becomes 1, in the image's units |
| space | what the affines' millimetres are those of: "scanner", "mni", ... |
| other_form | which other form the scan's NIfTI header has, "sform mni"; else "" |
| other_affine | (4, 4) of that form, NaN where there is none |
| arrays/NAME/voxels, arrays/NAME/dtype | raw, little-endian, C order; NumPy dtype |
| arrays/NAME/shape | int64s, one an axis |
| arrays/NAME/grid | text: "image", "own" or "none" |
| arrays/NAME/affine | (4, 4) to RAS+ mm, of the canonical grid |
| arrays/NAME/to_source | 3 x 2 int64: nibabel orientation transform back to own axes |
| arrays/NAME/slice_thickness_mm | 1 value, NaN where unknown |
| scalars/NAME/float64, scalars/NAME/int64, scalars/NAME/text | one of the three |

A record has the array `image`, whose grid is its own, and any number of others: `label`
(uint8, on the image's grid), and what its dataset brings. Only an array on a grid of
its own has the last three of an array's keys; one whose grid is "none" has no place in
the patient, and any rank. Volumes are stored in their canonical orientation
(`Volume.canonical`), so the slice axis is the last one.

Affines, thickness, intensity and float64 scalars are raw little-endian float64, for an
Example's own float list is float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.spaces import OtherForm
from deepresolve.imaging.volume import Volume
from records import wire
from records.stored import Array, Scalar, StoredSubject, voxels

SCHEMA_VERSION = 2
# The last part of a scalar's key, by its type.
SCALAR_KEYS = {float: "float64", int: "int64", str: "text"}

_NO_AFFINE = np.full((4, 4), np.nan)
# A protocol buffer ends at 2 GiB; the other keys take far less than the margin.
_MAX_VOXEL_BYTES = 2**31 - 2**20


def encode(stored: StoredSubject) -> bytes:
    """A record as bytes: equal records give equal bytes.

    Raises:
      ValueError: the arrays are larger than a record can be.
    """
    num_bytes = sum(voxels(array).nbytes for array in stored.arrays.values())
    if num_bytes > _MAX_VOXEL_BYTES:
        raise ValueError(
            f"Subject {stored.subject!r} has {num_bytes} bytes of voxels; a record "
            f"holds {_MAX_VOXEL_BYTES}. Crop the scan, or store it in a smaller dtype."
        )
    writer = _Writer()
    writer.int64s("schema_version", SCHEMA_VERSION)
    for key in _TEXTS:
        writer.text(key, getattr(stored, key))
    writer.float64s("intensity", [stored.scale.low, stored.scale.high])
    _write_space(writer, stored.image)
    for name, array in stored.arrays.items():
        _write_array(writer, f"arrays/{name}", array, stored.grid(name))
    for name, value in stored.scalars.items():
        _write_scalar(writer, f"scalars/{name}", value)
    return writer.example()


_TEXTS = ("subject", "person", "side", "source", "source_sha256", "label_sha256")


class _Writer:
    """Gathers the keys of an Example."""

    def __init__(self) -> None:
        self._features: dict[str, list[wire.Part]] = {}

    def elements(self, key: str, array: np.ndarray) -> None:
        """An array in C order, copied once: when the record is put together."""
        self._features[key] = wire.bytes_feature(array)

    def raw(self, key: str, value: bytes) -> None:
        self._features[key] = wire.bytes_feature(value)

    def text(self, key: str, value: str) -> None:
        self.raw(key, value.encode())

    def float64s(self, key: str, values: npt.ArrayLike) -> None:
        self.raw(key, np.asarray(values, "<f8").tobytes())

    def int64s(self, key: str, values: npt.ArrayLike) -> None:
        numbers = np.ravel(values).astype(np.int64).tolist()
        feature = tf.train.Feature(int64_list=tf.train.Int64List(value=numbers))
        self._features[key] = [feature.SerializeToString()]

    def example(self) -> bytes:
        """The Example."""
        return wire.example(self._features)


def _write_space(writer: _Writer, image: Volume) -> None:
    other = image.other_form
    which = "" if other is None else "sform " if other.is_sform else "qform "
    writer.text("space", image.space)
    writer.text("other_form", which + other.space if other else "")
    writer.float64s("other_affine", other.affine if other else _NO_AFFINE)


def _write_array(writer: _Writer, key: str, array: Array, grid: str) -> None:
    elements = voxels(array)
    writer.elements(f"{key}/voxels", elements)
    writer.text(f"{key}/dtype", elements.dtype.name)
    writer.int64s(f"{key}/shape", elements.shape)
    writer.text(f"{key}/grid", grid)
    if grid == "own" and isinstance(array, Volume):
        thickness = array.slice_thickness_mm
        writer.float64s(f"{key}/affine", array.affine)
        writer.int64s(f"{key}/to_source", np.array(array.to_source))
        writer.float64s(
            f"{key}/slice_thickness_mm", np.nan if thickness is None else thickness
        )


def _write_scalar(writer: _Writer, key: str, value: Scalar) -> None:
    if isinstance(value, str):
        writer.text(f"{key}/text", value)
    elif isinstance(value, float):
        writer.float64s(f"{key}/float64", value)
    else:
        writer.int64s(f"{key}/int64", value)


def decode(record: bytes) -> StoredSubject:
    """The record that `encode` wrote, in NumPy; arrays are read-only.

    Raises:
      ValueError: the record is of another schema version.
    """
    reader = _Reader(tf.train.Example.FromString(record))
    version = reader.int64s("schema_version").tolist()
    if version != [SCHEMA_VERSION]:
        raise ValueError(
            f"A record has schema version {version}; expected {SCHEMA_VERSION}. "
            "Convert the scans again."
        )
    image = _read_image(reader)
    arrays: dict[str, Array] = {"image": image}
    # As `encode` was given them: labels before what else there is.
    for name in sorted(
        reader.names("arrays"), key=lambda name: (name != "label", name)
    ):
        if name != "image":
            arrays[name] = _read_array(reader, f"arrays/{name}", image)
    return StoredSubject(
        **{key: reader.text(key) for key in _TEXTS},
        arrays=arrays,
        scalars=_read_scalars(reader),
        scale=IntensityScale(*reader.float64s("intensity").tolist()),
    )


class _Reader:
    """Reads keys of an Example; of one that is not there, an empty value."""

    def __init__(self, example: tf.train.Example):
        self._feature = example.features.feature

    def names(self, kind: str) -> set[str]:
        """What stands in the middle of keys that begin with `kind`."""
        parts = [key.split("/") for key in self._feature]
        return {part[1] for part in parts if part[0] == kind}

    def has(self, key: str) -> bool:
        return key in self._feature

    def raw(self, key: str) -> bytes:
        return self._feature[key].bytes_list.value[0]

    def text(self, key: str) -> str:
        return self.raw(key).decode()

    def float64s(self, key: str) -> np.ndarray:
        return np.frombuffer(self.raw(key), "<f8")

    def int64s(self, key: str) -> np.ndarray:
        return np.array(self._feature[key].int64_list.value)


def _read_image(reader: _Reader) -> Volume:
    other = None
    if form := reader.text("other_form"):
        which, space = form.split()
        affine = reader.float64s("other_affine").reshape(4, 4)
        other = OtherForm(space, affine, which == "sform")
    return _read_volume(
        reader, "arrays/image", space=reader.text("space"), other_form=other
    )


def _read_array(reader: _Reader, key: str, image: Volume) -> Array:
    grid = reader.text(f"{key}/grid")
    if grid == "own":
        return _read_volume(reader, key, space=image.space)
    array = _read_voxels(reader, key)
    return image.with_array(array) if grid == "image" else array


def _read_volume(
    reader: _Reader, key: str, *, space: str, other_form: OtherForm | None = None
) -> Volume:
    thickness = float(reader.float64s(f"{key}/slice_thickness_mm")[0])
    return Volume(
        _read_voxels(reader, key),
        reader.float64s(f"{key}/affine").reshape(4, 4),
        slice_axis=2,
        slice_thickness_mm=None if np.isnan(thickness) else thickness,
        to_source=reader.int64s(f"{key}/to_source").reshape(3, 2).astype(np.float64),
        space=space,
        other_form=other_form,
    )


def _read_voxels(reader: _Reader, key: str) -> np.ndarray:
    dtype = np.dtype(reader.text(f"{key}/dtype")).newbyteorder("<")
    shape = reader.int64s(f"{key}/shape").tolist()
    return np.frombuffer(reader.raw(f"{key}/voxels"), dtype).reshape(shape)


def _read_scalars(reader: _Reader) -> Mapping[str, Scalar]:
    read: dict[str, Callable[[str], Scalar]] = {
        "float64": lambda key: float(reader.float64s(key)[0]),
        "int64": lambda key: int(reader.int64s(key)[0]),
        "text": reader.text,
    }
    return {
        name: read[kind](f"scalars/{name}/{kind}")
        for name in sorted(reader.names("scalars"))
        for kind in read
        if reader.has(f"scalars/{name}/{kind}")
    }
