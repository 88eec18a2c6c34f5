import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.training import replicas

TWO_DEVICES = types.SimpleNamespace(num_replicas_in_sync=2)


@pytest.mark.parametrize("shares", [(3, 2), (2, 2)])
def test_means_of_the_devices_add_up_to_the_gradient_of_the_whole(shares):
    error = np.arange(1.0, sum(shares) + 1, dtype=np.float32)[:, np.newaxis]
    loss = keras.losses.MeanSquaredError()
    config = SuperResolutionConfig(batch_size=sum(shares))
    replicas.weigh_patches_alike(loss, TWO_DEVICES, config)
    offset = tf.Variable(0.0)
    gradient = 0.0
    for part in np.split(error, [shares[0]]):
        with tf.GradientTape() as tape:
            mean = loss(tf.zeros_like(part), part + offset)
        np.testing.assert_allclose(mean, np.mean(part**2), rtol=1e-6)
        gradient += tape.gradient(mean, offset) / 2  # as Keras divides it
    np.testing.assert_allclose(gradient, np.mean(2 * error), rtol=1e-6)


def test_weighted_loss_is_saved_as_what_it_is():
    loss = keras.losses.MeanAbsoluteError()
    replicas.weigh_patches_alike(loss, TWO_DEVICES, SuperResolutionConfig(batch_size=3))
    assert loss.get_config() == keras.losses.MeanAbsoluteError().get_config()


def test_one_device_changes_nothing():
    loss, optimizer = keras.losses.MeanSquaredError(), keras.optimizers.Adam(clipnorm=1)
    before = dict(vars(loss)), dict(vars(optimizer))
    strategy = tf.distribute.get_strategy()
    replicas.weigh_patches_alike(loss, strategy, SuperResolutionConfig(batch_size=3))
    replicas.clip_whole_gradient(optimizer, strategy)
    assert (dict(vars(loss)), dict(vars(optimizer))) == before


def test_scaled_losses_are_for_one_device():
    with pytest.raises(
        ValueError, match=r"mixed_float16 trains on one device, not on 2"
    ):
        replicas.check_precision("mixed_float16", TWO_DEVICES)
    replicas.check_precision("mixed_bfloat16", TWO_DEVICES)
    replicas.check_precision("mixed_float16", tf.distribute.get_strategy())
