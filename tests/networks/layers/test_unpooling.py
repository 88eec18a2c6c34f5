"""Oracles: NumPy loops by hand, and tensorflow-addons where it is installed."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepresolve.networks.layers import MaxPoolingWithIndices2D, MaxUnpooling2D

# By hand: maxima 4 at (0, 1), 9 at (1, 2), 7 at (3, 0), 8 at (2, 3), zeros elsewhere.
IMAGE = [[1, 4, 5, 6], [2, 3, 9, 0], [5, 6, 1, 8], [7, 2, 3, 4]]
UNPOOLED = [[0, 4, 0, 0], [0, 0, 9, 0], [0, 0, 0, 8], [7, 0, 0, 0]]


@pytest.fixture
def addons():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces its own end
        return pytest.importorskip("tensorflow_addons")


def one_channel(image):
    return np.asarray(image, np.float32)[np.newaxis, ..., np.newaxis]


def images(*shape, seed=0):
    """Values that differ, so that each window has one maximum."""
    values = np.random.default_rng(seed).permutation(np.prod(shape))
    return (values.reshape(shape) - values.size / 2).astype(np.float32)


def pooled_by_hand(x, window, strides):
    """Maxima of the windows and their places in each image, by loops."""
    batch, *size, channels = x.shape
    counts = [(n - w) // s + 1 for n, w, s in zip(size, window, strides, strict=True)]
    shape = (batch, *counts, channels)
    pooled, places = np.zeros(shape, np.float32), np.zeros(shape, np.int64)
    for b, i, j, c in np.ndindex(shape):
        top, left = i * strides[0], j * strides[1]
        part = x[b, top : top + window[0], left : left + window[1], c]
        row, column = np.unravel_index(part.argmax(), part.shape)
        pooled[b, i, j, c] = part.max()
        places[b, i, j, c] = ((top + row) * size[1] + left + column) * channels + c
    return pooled, places


def unpooled_by_hand(pooled, places, shape):
    out = np.zeros(shape, np.float32)
    for index in np.ndindex(pooled.shape):
        out[index[0]].reshape(-1)[places[index]] += pooled[index]
    return out


def test_a_small_image_by_hand():
    pooled, places = MaxPoolingWithIndices2D()(one_channel(IMAGE))
    np.testing.assert_array_equal(pooled, one_channel([[4, 9], [7, 8]]))
    np.testing.assert_array_equal(places, one_channel([[1, 6], [12, 11]]))
    unpooled = MaxUnpooling2D()([pooled, places])
    np.testing.assert_array_equal(unpooled, one_channel(UNPOOLED))


@pytest.mark.parametrize(
    ("window", "strides", "padding", "shape"),
    [
        ((2, 2), (2, 2), "SAME", (3, 6, 8, 4)),
        ((3, 2), (3, 2), "SAME", (2, 6, 8, 3)),
        ((2, 2), (3, 3), "VALID", (2, 5, 8, 2)),
        ((3, 3), (2, 1), "VALID", (2, 7, 6, 2)),
    ],
)
def test_pooling_and_unpooling_are_the_loops(window, strides, padding, shape):
    x = images(*shape)
    pooled, places = MaxPoolingWithIndices2D(window, strides, padding)(x)
    by_hand = pooled_by_hand(x, window, strides)
    np.testing.assert_array_equal(pooled, by_hand[0])
    np.testing.assert_array_equal(places, by_hand[1])
    unpooled = MaxUnpooling2D(window, strides, padding)([pooled, places])
    np.testing.assert_array_equal(unpooled, unpooled_by_hand(*by_hand, shape))


def test_values_for_the_same_place_are_added():
    updates = one_channel([[1, 2], [4, 8]])
    places = np.full((1, 2, 2, 1), 4, np.int64)  # of 3 x 3
    unpooled = np.asarray(MaxUnpooling2D((2, 2), (1, 1), "VALID")([updates, places]))
    assert unpooled[0, 1, 1, 0] == 15
    assert unpooled.sum() == 15


def test_where_windows_lie_side_by_side_a_place_outside_its_own_is_nowhere():
    updates = one_channel([[1, 2], [4, 8]])
    places = np.full((1, 2, 2, 1), 5, np.int64)  # in the first window of 4 x 4
    unpooled = np.asarray(MaxUnpooling2D()([updates, places]))
    assert unpooled[0, 1, 1, 0] == 1
    assert unpooled.sum() == 1


def test_gradient_is_picked_from_the_places():
    x = images(2, 4, 6, 3)
    pooled, places = pooled_by_hand(x, (2, 2), (2, 2))
    weights = images(2, 4, 6, 3, seed=1)
    updates = tf.constant(pooled)
    with tf.GradientTape() as tape:
        tape.watch(updates)
        total = tf.reduce_sum(MaxUnpooling2D()([updates, places]) * weights)
    expected = [weights[i[0]].ravel()[places[i]] for i in np.ndindex(pooled.shape)]
    gradient = tape.gradient(total, updates)
    np.testing.assert_array_equal(np.ravel(gradient), expected)


def test_gradient_of_pooling_goes_to_the_maxima():
    x = tf.constant(one_channel(IMAGE))
    with tf.GradientTape() as tape:
        tape.watch(x)
        pooled, _ = MaxPoolingWithIndices2D()(x)
        total = tf.reduce_sum(pooled)
    is_maximum = np.asarray(UNPOOLED) > 0
    np.testing.assert_array_equal(tape.gradient(total, x)[0, ..., 0], is_maximum)


@pytest.mark.parametrize(
    ("window", "strides", "padding", "shape"),
    [
        ((2, 2), (2, 2), "SAME", (2, 6, 8, 3)),
        ((3, 2), (3, 2), "SAME", (1, 9, 4, 2)),
        ((2, 2), (2, 2), "VALID", (2, 6, 8, 3)),
        ((2, 2), (3, 3), "VALID", (2, 5, 8, 2)),
        ((3, 3), (2, 1), "VALID", (2, 7, 6, 1)),
    ],
)
def test_equals_tensorflow_addons(addons, window, strides, padding, shape):
    x = images(*shape)
    pooled, places = MaxPoolingWithIndices2D(window, strides, padding)(x)
    weights = images(*shape, seed=1)
    ours, theirs = (
        layer(window, strides, padding)
        for layer in (MaxUnpooling2D, addons.layers.MaxUnpooling2D)
    )
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(pooled)
        unpooled, expected = ours([pooled, places]), theirs(pooled, places)
        total = tf.reduce_sum(unpooled * weights)
        expected_total = tf.reduce_sum(expected * weights)
    assert unpooled.shape == shape
    np.testing.assert_array_equal(unpooled, expected)
    np.testing.assert_array_equal(
        tape.gradient(total, pooled), tape.gradient(expected_total, pooled)
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_keeps_its_type_and_places(dtype):
    x = tf.cast(images(1, 4, 4, 2), dtype)  # below 2^7: exact in bfloat16
    pooled, places = MaxPoolingWithIndices2D(dtype=dtype)(x)
    unpooled = MaxUnpooling2D(dtype=dtype)([pooled, places])
    assert (pooled.dtype, places.dtype, unpooled.dtype) == (dtype, tf.int64, dtype)
    by_hand = pooled_by_hand(np.asarray(tf.cast(x, tf.float32)), (2, 2), (2, 2))
    np.testing.assert_array_equal(places, by_hand[1])
    expected = unpooled_by_hand(*by_hand, x.shape)
    np.testing.assert_array_equal(tf.cast(unpooled, tf.float32), expected)


def test_sizes_may_be_known_only_when_it_runs():
    image = keras.Input((None, None, 3))
    pooled, places = MaxPoolingWithIndices2D()(image)
    model = keras.Model(image, MaxUnpooling2D()([pooled, places]))
    x = images(2, 4, 8, 3)
    expected = unpooled_by_hand(*pooled_by_hand(x, (2, 2), (2, 2)), x.shape)
    np.testing.assert_array_equal(model(x), expected)


@pytest.mark.parametrize("kind", [MaxPoolingWithIndices2D, MaxUnpooling2D])
def test_layers_survive_serialisation(kind):
    config = keras.saving.serialize_keras_object(kind((3, 2), (3, 2), "VALID"))
    layer = keras.saving.deserialize_keras_object(config)
    assert (layer.pool_size, layer.strides, layer.padding) == ((3, 2), (3, 2), "VALID")


def test_unknown_padding_is_refused():
    with pytest.raises(ValueError, match="'SAME' or 'VALID'; got 'same'"):
        MaxUnpooling2D(padding="same")
