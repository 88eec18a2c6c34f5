"""What one record holds: a scan as a `tf.train.Example`, and back.

| key | content |
|---|---|
| schema_version | int64; a reader refuses any but its own |
| subject, person, side | text; side is left, right or unknown |
| source, source_sha256, label_sha256 | where the scan came from; the last may be "" |
| shape | 3 x int64: rows, columns, slices |
| image, image_dtype | raw little-endian voxels, C order, and their NumPy dtype |
| label | raw uint8 labels on the same grid; empty without labels |
| affine | (4, 4) to RAS+ mm, of the canonical grid |
| to_source | 3 x 2 int64: nibabel orientation transform back to the scan's own axes |
| spacing_mm | 3 values |
| slice_thickness_mm | 1 value, NaN where unknown |
| intensity | 2 values: what becomes 0 and what becomes 1, in scan units |
| space | what the affine's millimetres are those of: "scanner", "mni", ... |
| other_form | which other form the scan's NIfTI header has, "sform mni"; else "" |
| other_affine | (4, 4) of that form, NaN where there is none |

Affines, spacing, thickness and intensity are raw little-endian float64, for an
Example's own float list is float32. The last three keys came after
version 0.1: a record without them lies in the scanner's space and has one form, as
that version wrote every scan. Scans are stored in their canonical orientation
(`Volume.canonical`), so the slice axis is the last one.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.spaces import OtherForm
from deepresolve.imaging.volume import Volume
from records.stored import IMAGE_DTYPES, StoredSubject

SCHEMA_VERSION = 1

_NO_AFFINE = np.full((4, 4), np.nan, "<f8")

FEATURES = {
    "schema_version": tf.io.FixedLenFeature([], tf.int64),
    "subject": tf.io.FixedLenFeature([], tf.string),
    "person": tf.io.FixedLenFeature([], tf.string),
    "side": tf.io.FixedLenFeature([], tf.string),
    "source": tf.io.FixedLenFeature([], tf.string),
    "source_sha256": tf.io.FixedLenFeature([], tf.string),
    "label_sha256": tf.io.FixedLenFeature([], tf.string),
    "shape": tf.io.FixedLenFeature([3], tf.int64),
    "image": tf.io.FixedLenFeature([], tf.string),
    "image_dtype": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.string),
    "affine": tf.io.FixedLenFeature([], tf.string),
    "to_source": tf.io.FixedLenFeature([3, 2], tf.int64),
    "spacing_mm": tf.io.FixedLenFeature([], tf.string),
    "slice_thickness_mm": tf.io.FixedLenFeature([], tf.string),
    "intensity": tf.io.FixedLenFeature([], tf.string),
    "space": tf.io.FixedLenFeature([], tf.string, "scanner"),
    "other_form": tf.io.FixedLenFeature([], tf.string, ""),
    "other_affine": tf.io.FixedLenFeature([], tf.string, _NO_AFFINE.tobytes()),
}

# A protocol buffer ends at 2 GiB; the other keys take far less than the margin.
_MAX_VOXEL_BYTES = 2**31 - 2**20


def encode(stored: StoredSubject) -> bytes:
    """A record as bytes: equal records give equal bytes.

    Raises:
      ValueError: the scan is larger than a record can be.
    """
    image, label = stored.image, stored.label
    voxels = image.array.nbytes + (0 if label is None else label.array.nbytes)
    if voxels > _MAX_VOXEL_BYTES:
        raise ValueError(
            f"Subject {stored.subject!r} has {voxels} bytes of voxels; a record holds "
            f"{_MAX_VOXEL_BYTES}. Crop the scan, or store it in a smaller dtype."
        )
    thickness, other = image.slice_thickness_mm, image.other_form
    # Set in place: each message that is put into another one is copied, voxels and all.
    example = tf.train.Example()
    feature = example.features.feature
    texts = {
        "subject": stored.subject,
        "person": stored.person,
        "side": stored.side,
        "source": stored.source,
        "source_sha256": stored.source_sha256,
        "label_sha256": stored.label_sha256,
        "image_dtype": image.array.dtype.name,
        "space": image.space,
        "other_form": _form_text(other),
    }
    float64s = {
        "affine": image.affine,
        "spacing_mm": image.spacing_mm,
        "slice_thickness_mm": np.nan if thickness is None else thickness,
        "intensity": [stored.scale.low, stored.scale.high],
        "other_affine": _NO_AFFINE if other is None else other.affine,
    }
    raw = {
        "image": image.array.tobytes(),
        "label": b"" if label is None else label.array.tobytes(),
        **{key: text.encode() for key, text in texts.items()},
        **{key: np.asarray(v, "<f8").tobytes() for key, v in float64s.items()},
    }
    int64s = {
        "schema_version": SCHEMA_VERSION,
        "shape": image.shape,
        "to_source": image.to_source,
    }
    for key, value in raw.items():
        feature[key].bytes_list.value.append(value)
    for key, value in int64s.items():
        feature[key].int64_list.value.extend(np.ravel(value).astype(np.int64).tolist())
    return example.SerializeToString(deterministic=True)


def decode(record: bytes) -> StoredSubject:
    """The record that `encode` wrote, in NumPy; voxels are read-only.

    Raises:
      ValueError: the record is of another schema version.
    """
    feature = tf.train.Example.FromString(record).features.feature
    version = feature["schema_version"].int64_list.value[:]
    if version != [SCHEMA_VERSION]:
        raise ValueError(
            f"A record has schema version {version}; expected {SCHEMA_VERSION}. "
            "Convert the scans again."
        )

    def text(key: str) -> str:
        return _raw(feature, key).decode()

    def float64(key: str) -> np.ndarray:
        return np.frombuffer(_raw(feature, key), "<f8")

    def int64(key: str) -> np.ndarray:
        return np.array(feature[key].int64_list.value)

    shape = tuple(int64("shape"))
    dtype = np.dtype(text("image_dtype")).newbyteorder("<")
    thickness = float(float64("slice_thickness_mm")[0])
    image = Volume(
        np.frombuffer(_raw(feature, "image"), dtype).reshape(shape),
        float64("affine").reshape(4, 4),
        slice_axis=2,
        slice_thickness_mm=None if np.isnan(thickness) else thickness,
        to_source=int64("to_source").reshape(3, 2).astype(np.float64),
        **_spaces_of(feature),
    )
    label = np.frombuffer(_raw(feature, "label"), np.uint8)
    return StoredSubject(
        subject=text("subject"),
        person=text("person"),
        side=text("side"),
        source=text("source"),
        source_sha256=text("source_sha256"),
        label_sha256=text("label_sha256"),
        image=image,
        label=image.with_array(label.reshape(shape)) if label.size else None,
        scale=IntensityScale(*float64("intensity").tolist()),
    )


def _raw(feature, key: str) -> bytes:
    return feature[key].bytes_list.value[0]


def _form_text(form: OtherForm | None) -> str:
    if form is None:
        return ""
    return f"{'sform' if form.is_sform else 'qform'} {form.space}"


def _spaces_of(feature) -> dict:
    """What the keys that not every record has say, as fields of a Volume."""
    if not feature["space"].bytes_list.value:
        return {}

    found = {"space": _raw(feature, "space").decode()}
    if form := _raw(feature, "other_form").decode():
        which, space = form.split()
        affine = np.frombuffer(_raw(feature, "other_affine"), "<f8").reshape(4, 4)
        found["other_form"] = OtherForm(space, affine, which == "sform")
    return found


def parse(record: tf.Tensor) -> dict[str, tf.Tensor]:
    """The record that `encode` wrote, in TensorFlow; for use in `tf.data`.

    Args:
      record: scalar string.

    Returns:
      image float32 and label uint8 (rows, columns, slices), the label (0, 0, 0)
      where there is none; intensity float32 (2,); spacing_mm float32 (3,);
      slice_thickness_mm float32 scalar, NaN where unknown; affine float64 (4, 4);
      other_affine float64 (4, 4), NaN where there is none; to_source int64 (3, 2);
      shape int64 (3,); image_dtype, subject, person, side, source, source_sha256,
      label_sha256, space and other_form, scalar strings. The image is in scan units;
      integers beyond 2**24 are rounded.
    """
    stored = tf.io.parse_single_example(record, FEATURES)
    tf.debugging.assert_equal(
        stored.pop("schema_version"),
        tf.constant(SCHEMA_VERSION, tf.int64),
        "A record is of another schema version. Convert the scans again.",
    )
    shape = stored["shape"]

    def float32(key: str, shape: list[int]) -> tf.Tensor:
        values = tf.reshape(tf.io.decode_raw(stored[key], tf.float64), shape)
        return tf.cast(values, tf.float32)

    def affine(key: str) -> tf.Tensor:
        return tf.reshape(tf.io.decode_raw(stored[key], tf.float64), [4, 4])

    image = _decode_voxels(stored["image"], stored["image_dtype"])
    label = tf.io.decode_raw(stored["label"], tf.uint8)
    label_shape = tf.where(tf.size(label) > 0, shape, tf.zeros_like(shape))
    return {
        **stored,
        "image": tf.ensure_shape(tf.reshape(image, shape), [None, None, None]),
        "label": tf.ensure_shape(tf.reshape(label, label_shape), [None, None, None]),
        "affine": affine("affine"),
        "other_affine": affine("other_affine"),
        "spacing_mm": float32("spacing_mm", [3]),
        "slice_thickness_mm": float32("slice_thickness_mm", []),
        "intensity": float32("intensity", [2]),
    }


def _decode_voxels(raw: tf.Tensor, dtype: tf.Tensor) -> tf.Tensor:
    """Raw little-endian voxels, one of `IMAGE_DTYPES`, as a flat float32 tensor."""

    def decoder(name: str):
        # decode_raw knows no uint32: the bits are read as int32.
        as_read = tf.int32 if name == "uint32" else tf.as_dtype(name)

        def decode_one() -> tf.Tensor:
            values = tf.io.decode_raw(raw, as_read)
            return tf.cast(tf.bitcast(values, tf.as_dtype(name)), tf.float32)

        return decode_one

    index = tf.argmax(tf.equal(dtype, IMAGE_DTYPES), output_type=tf.int32)
    return tf.switch_case(index, [decoder(name) for name in IMAGE_DTYPES])
