"""Oracles: SciPy's pseudo-Huber function, closed forms."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from deepresolve.networks.losses import images

SHAPE = (2, 5, 4, 3, 1)


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return tuple(rng.random(SHAPE).astype(np.float32) for _ in range(2))


@pytest.mark.parametrize("epsilon", [1e-3, 0.5])
def test_charbonnier_is_scipys_pseudo_huber_but_for_scale(pair, epsilon):
    true, estimate = pair
    # SciPy: huber = d^2 (sqrt(1 + (r / d)^2) - 1) = d (sqrt(r^2 + d^2) - d).
    huber = special.pseudo_huber(epsilon, (estimate - true).astype(np.float64))
    expected = (huber / epsilon + epsilon).reshape(2, -1).mean(axis=1)
    computed = np.asarray(images.charbonnier(true, estimate, epsilon=epsilon))
    np.testing.assert_allclose(computed, expected, rtol=1e-5)


def test_a_perfect_estimate_has_the_loss_epsilon_and_no_slope(pair):
    estimate = tf.Variable(pair[0])
    with tf.GradientTape() as tape:
        loss = images.Charbonnier()(pair[0], estimate)
    np.testing.assert_allclose(float(loss), 1e-3, rtol=1e-6)
    np.testing.assert_array_equal(tape.gradient(loss, estimate), 0)


def test_the_class_is_the_mean_over_the_batch(pair):
    expected = np.mean(np.asarray(images.charbonnier(*pair)))
    np.testing.assert_allclose(float(images.Charbonnier()(*pair)), expected, rtol=1e-6)


def test_bfloat16_estimates_are_compared_in_float32(pair):
    true, estimate = pair
    rounded = tf.cast(estimate, tf.bfloat16)
    computed = images.charbonnier(true, rounded)
    expected = images.charbonnier(true, tf.cast(rounded, tf.float32))
    assert computed.dtype in (tf.float32, "float32")
    np.testing.assert_array_equal(computed, expected)


def test_it_can_be_saved_and_read_by_keras():
    loss = keras.losses.deserialize(keras.losses.serialize(images.Charbonnier()))
    assert isinstance(loss, images.Charbonnier)
