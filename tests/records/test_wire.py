"""protobuf itself, by way of TensorFlow, is the oracle."""

import numpy as np
import pytest
import tensorflow as tf

from records import wire

SHAPE = tf.train.Feature(int64_list=tf.train.Int64List(value=[3, -1, 2**40]))


def example(features):
    return tf.train.Example(features=tf.train.Features(feature=features))


# Lengths of one, two and three bytes of seven bits, and those next to them.
@pytest.mark.parametrize("size", [0, 1, 127, 128, 16383, 16384, 2**21])
@pytest.mark.parametrize("dtype", ["u1", "<i2", "<f4"])
def test_protobuf_reads_what_was_written(size, dtype):
    array = np.random.default_rng(size).integers(0, 99, size).astype(dtype)
    found = wire.example(
        {
            "voxels": wire.bytes_feature(array),
            "shape": [SHAPE.SerializeToString()],
            "é" * 70: wire.bytes_feature(b""),
        }
    )
    texts = tf.train.BytesList(value=[array.tobytes()])
    expected = {
        "voxels": tf.train.Feature(bytes_list=texts),
        "shape": SHAPE,
        "é" * 70: tf.train.Feature(bytes_list=tf.train.BytesList(value=[b""])),
    }
    assert tf.train.Example.FromString(found) == example(expected)
    # No field is told twice, or longer than it must be.
    assert len(found) == example(expected).ByteSize()


def test_the_order_of_keys_is_that_of_their_bytes():
    features = {key: wire.bytes_feature(b"1") for key in ("source", "side", "source_2")}
    backwards = dict(reversed(features.items()))
    found = wire.example(features)
    assert found == wire.example(backwards)
    assert found.index(b"side") < found.index(b"source") < found.index(b"source_2")


def test_arrays_of_several_axes_are_written_row_by_row():
    array = np.arange(24, dtype="<i2").reshape(2, 3, 4)
    found = tf.train.Example.FromString(wire.example({"a": wire.bytes_feature(array)}))
    (content,) = found.features.feature["a"].bytes_list.value
    assert content == array.tobytes()
