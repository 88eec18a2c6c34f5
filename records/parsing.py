"""Records in TensorFlow, for `tf.data`: what is asked for by name, and no more.

A reader may ask for an array, a scalar, or one of `records.subject.FIELDS`:

| name | tensor |
|---|---|
| label | uint8, (0, 0, 0) where there is none |
| any other array | float32, in its own units; integers beyond 2**24 are rounded |
| a scalar | float64, int64 or string |
| a number that a record may lack | float64, NaN where it does |
| intensity | float32 (2,): what becomes 0 and what becomes 1, in the image's units |
| affine | float64 (4, 4), of the image |
| other_affine | float64 (4, 4), of the image's other form; NaN where there is none |
| to_source | int64 (3, 2), of the image |
| slice_thickness_mm | float32, of the image; NaN where unknown |
| any other field | string |
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping

import tensorflow as tf

from records.schema import SCHEMA_VERSION
from records.stored import DTYPES

_STRING = tf.io.FixedLenFeature([], tf.string)
_IMAGE = "arrays/image/"
# Where a field is stored, if not under its own name.
_KEYS = {name: _IMAGE + name for name in ("affine", "to_source", "slice_thickness_mm")}
_LABEL = "label"
_FLOAT64S = {
    "intensity": ([2], tf.float32),
    "affine": ([4, 4], tf.float64),
    "other_affine": ([4, 4], tf.float64),
    "slice_thickness_mm": ([], tf.float32),
}
_INT64S = {"to_source": [3, 2]}
# Stands for a whole number that a record lacks, while it is parsed.
_NO_INT64 = tf.int64.min


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is asked for of a record.

    Attributes:
      fields: names out of `records.subject.FIELDS`.
      ranks: number of axes of each array that is asked for.
      scalars: "float64", "int64" or "text" by name.
      numbers: "float64" or "int64" by name, of scalars that a record may lack.
    """

    fields: tuple[str, ...] = ()
    ranks: Mapping[str, int] = dataclasses.field(default_factory=dict)
    scalars: Mapping[str, str] = dataclasses.field(default_factory=dict)
    numbers: Mapping[str, str] = dataclasses.field(default_factory=dict)


def parse(record: tf.Tensor, wanted: Wanted) -> dict[str, tf.Tensor]:
    """What is wanted of a record that `records.schema.encode` wrote, by name.

    Args:
      record: scalar string.
      wanted: what is asked for. Nothing else is decoded.
    """
    stored = tf.io.parse_single_example(record, _features(wanted))
    tf.debugging.assert_equal(
        stored["schema_version"],
        tf.constant(SCHEMA_VERSION, tf.int64),
        "A record is of another schema version. Convert the scans again.",
    )
    return {
        **{name: _field(stored, name) for name in wanted.fields},
        **{name: _array(stored, name, rank) for name, rank in wanted.ranks.items()},
        **{name: _scalar(stored, name, kind) for name, kind in wanted.scalars.items()},
        **{name: _number(stored, name, kind) for name, kind in wanted.numbers.items()},
    }


def has_texts(record: tf.Tensor, texts: Mapping[str, str]) -> tf.Tensor:
    """Whether text scalars of a record are these, scalar bool; no voxel is decoded.

    Args:
      record: scalar string.
      texts: what each is to say, by its name; a record may lack it.
    """
    keys = {name: f"scalars/{name}/text" for name in texts}
    absent = tf.io.FixedLenFeature([], tf.string, "")
    stored = tf.io.parse_single_example(record, dict.fromkeys(keys.values(), absent))
    alike = [tf.equal(stored[keys[name]], text) for name, text in texts.items()]
    return tf.reduce_all(tf.stack(alike))


def _features(wanted: Wanted) -> dict[str, tf.io.FixedLenFeature]:
    features = {"schema_version": tf.io.FixedLenFeature([], tf.int64)}
    for name in wanted.fields:
        shape = _INT64S.get(name)
        feature = tf.io.FixedLenFeature(shape, tf.int64) if shape else _STRING
        features[_KEYS.get(name, name)] = feature
    for name, rank in wanted.ranks.items():
        # A record may lack its label, and nothing else that is asked for.
        none, no_shape = ("", [0] * rank) if name == _LABEL else (None, None)
        key = f"arrays/{name}"
        features[f"{key}/voxels"] = tf.io.FixedLenFeature([], tf.string, none)
        features[f"{key}/shape"] = tf.io.FixedLenFeature([rank], tf.int64, no_shape)
        if name != _LABEL:
            features[f"{key}/dtype"] = _STRING
    for name, kind in wanted.scalars.items():
        is_whole = kind == "int64"
        feature = tf.io.FixedLenFeature([], tf.int64) if is_whole else _STRING
        features[f"scalars/{name}/{kind}"] = feature
    for name, kind in wanted.numbers.items():
        features[f"scalars/{name}/{kind}"] = (
            tf.io.FixedLenFeature([], tf.int64, _NO_INT64)
            if kind == "int64"
            else tf.io.FixedLenFeature([], tf.string, "")
        )
    return features


def _field(stored: Mapping[str, tf.Tensor], name: str) -> tf.Tensor:
    value = stored[_KEYS.get(name, name)]
    if name not in _FLOAT64S:
        return value
    shape, dtype = _FLOAT64S[name]
    return tf.cast(tf.reshape(tf.io.decode_raw(value, tf.float64), shape), dtype)


def _scalar(stored: Mapping[str, tf.Tensor], name: str, kind: str) -> tf.Tensor:
    value = stored[f"scalars/{name}/{kind}"]
    if kind == "float64":
        return tf.reshape(tf.io.decode_raw(value, tf.float64), [])
    return value


def _number(stored: Mapping[str, tf.Tensor], name: str, kind: str) -> tf.Tensor:
    value = stored[f"scalars/{name}/{kind}"]
    nan = tf.constant(math.nan, tf.float64)
    if kind == "int64":
        return tf.where(value == _NO_INT64, nan, tf.cast(value, tf.float64))
    return tf.concat([tf.io.decode_raw(value, tf.float64), [nan]], axis=0)[0]


def _array(stored: Mapping[str, tf.Tensor], name: str, rank: int) -> tf.Tensor:
    raw, shape = stored[f"arrays/{name}/voxels"], stored[f"arrays/{name}/shape"]
    if name == _LABEL:
        voxels = tf.io.decode_raw(raw, tf.uint8)
    else:
        voxels = _decode_voxels(raw, stored[f"arrays/{name}/dtype"])
    return tf.ensure_shape(tf.reshape(voxels, shape), [None] * rank)


def _decode_voxels(raw: tf.Tensor, dtype: tf.Tensor) -> tf.Tensor:
    """Raw little-endian voxels, one of `DTYPES`, as a flat float32 tensor."""

    def decoder(name: str) -> Callable[[], tf.Tensor]:
        # decode_raw knows no uint32: the bits are read as int32.
        as_read = tf.int32 if name == "uint32" else tf.as_dtype(name)

        def decode_one() -> tf.Tensor:
            values = tf.io.decode_raw(raw, as_read)
            return tf.cast(tf.bitcast(values, tf.as_dtype(name)), tf.float32)

        return decode_one

    index = tf.argmax(tf.equal(dtype, DTYPES), output_type=tf.int32)
    return tf.switch_case(index, [decoder(name) for name in DTYPES])
