"""Fused normalisation does what Keras's layer does, forward and backward."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepresolve.networks.layers import FusedBatchNormalization
from deepresolve.system.keras_stack import KERAS_3

SHAPES = [(3, 7, 5, 4), (2, 6, 5, 4, 3)]


def pair(shape, **arguments):
    """Ours and Keras's, of the same weights."""
    layers = [
        cls(momentum=0.8, **arguments)
        for cls in (FusedBatchNormalization, keras.layers.BatchNormalization)
    ]
    random = np.random.default_rng(1)
    weights = [random.uniform(0.5, 2, shape[-1]).astype(np.float32) for _ in range(4)]
    for layer in layers:
        layer.build(shape)
        layer.set_weights(weights)
    return layers


def step(layer, x, back, training=True):
    """The result and the gradients, by a graph as training has one."""

    @tf.function
    def both_ways(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
        weights = [w.value if KERAS_3 else w for w in layer.trainable_weights]
        return y, tape.gradient(y, [x, *weights], output_gradients=back)

    result, gradients = both_ways(x)
    return [tf.cast(t, "float32").numpy() for t in (result, *gradients)]


def drawn(shape, dtype="float32"):
    random = np.random.default_rng(2)
    values = (random.normal(3, 2, shape), random.normal(size=shape))
    return [tf.cast(tf.constant(v, tf.float32), dtype) for v in values]


@pytest.mark.parametrize("shape", SHAPES)
def test_it_learns_as_the_layer_of_keras_does(shape):
    ours, theirs = pair(shape)
    for _ in range(2):
        of_ours, of_theirs = (step(layer, *drawn(shape)) for layer in (ours, theirs))
        for found, expected in zip(of_ours, of_theirs, strict=True):
            np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)
    # Keras 2.15 keeps the variance of what the voxels stand for.
    count = np.prod(shape[:-1])
    tolerance = 1e-5 if KERAS_3 else 1 / count
    for found, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=tolerance)


def test_moving_statistics_are_those_of_the_batch():
    shape = SHAPES[1]
    ours, _ = pair(shape)
    _, _, mean, variance = ours.get_weights()
    x, back = drawn(shape)
    step(ours, x, back)
    voxels = x.numpy().astype(np.float64).reshape(-1, shape[-1])
    *_, new_mean, new_variance = ours.get_weights()
    np.testing.assert_allclose(
        new_mean, 0.8 * mean + 0.2 * voxels.mean(axis=0), rtol=1e-5
    )
    of_batch = voxels.var(axis=0, ddof=0 if KERAS_3 else 1)
    np.testing.assert_allclose(new_variance, 0.8 * variance + 0.2 * of_batch, rtol=1e-5)


@pytest.mark.parametrize("channels", [4, 16])
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_is_kept_and_its_statistics_are_float32(precision, channels):
    shape = (2, 8, 8, 8, channels)
    dtype = precision.removeprefix("mixed_")
    layers = pair(shape, dtype=precision)
    x, back = drawn(shape, dtype)
    for layer in layers:
        assert layer(x, training=True).dtype == dtype
        assert all("float32" in str(weight.dtype) for weight in layer.weights)
    of_ours, of_theirs = (step(layer, x, back) for layer in layers)
    for found, expected in zip(of_ours, of_theirs, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.03)


@pytest.mark.parametrize("frozen", [False, True])
def test_where_it_does_not_learn_the_moving_statistics_are_used(frozen):
    shape = SHAPES[1]
    ours, theirs = pair(shape)
    ours.trainable = not frozen
    before = ours.get_weights()
    x, _ = drawn(shape)
    found = ours(x, training=frozen).numpy()
    np.testing.assert_array_equal(found, theirs(x, training=False).numpy())
    np.testing.assert_array_equal(before, ours.get_weights())


@pytest.mark.skipif(not KERAS_3, reason="Keras 2.15 fuses by itself")
def test_one_operation_normalises_while_it_learns():
    shape = SHAPES[1]
    ours, _ = pair(shape)
    traced = tf.function(lambda x: ours(x, training=True)).get_concrete_function(
        tf.TensorSpec(shape, tf.float32)
    )
    kinds = [operation.type for operation in traced.graph.get_operations()]
    assert kinds.count("FusedBatchNormV3") == 1
    assert "Rsqrt" not in kinds  # what Keras's own takes


@pytest.mark.parametrize(
    "arguments", [{"synchronized": True}, {"scale": False}, {"axis": 1}]
)
def test_what_it_cannot_fuse_is_done_as_keras_does_it(arguments):
    shape = (2, 3, 5, 4, 3)
    x, _ = drawn(shape)
    results = []
    for cls in (FusedBatchNormalization, keras.layers.BatchNormalization):
        layer = cls(**arguments)
        results.append([layer(x, training=True).numpy(), *layer.get_weights()])
    for found, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_saved_network_has_it_back(tmp_path):
    model = keras.Sequential(
        [keras.Input((4, 4, 4, 2)), FusedBatchNormalization(momentum=0.9)]
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.layers[-1], FusedBatchNormalization)
    assert loaded.layers[-1].momentum == 0.9
