import keras
import numpy as np
import pytest
import tensorflow as tf

from deepresolve.system.keras_stack import loss_scale
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.training.callbacks import Clock, Divergence, LossScale
from deepresolve.training.optimizers import build_optimizer
from deepresolve.training.progress import Progress


def length(y_true, y_pred):
    """0 at 0, where it has no gradient: infinity times 0."""
    return tf.sqrt(tf.reduce_sum(tf.square(y_pred), axis=-1))


def train(loss, steps, *, inputs, target):
    """Trains one float16 layer; its weights before and after, logs and optimizer."""
    keras.utils.set_random_seed(1)
    layer = keras.layers.Dense(1, dtype="mixed_float16")
    output = keras.layers.Activation("linear", dtype="float32")
    model = keras.Sequential([keras.Input((4,)), layer, output])
    config = SuperResolutionConfig(learning_rate=0.1, clip_norm=1.0)
    model.compile(build_optimizer(config, "mixed_float16"), loss, jit_compile=False)
    before = model.get_weights()
    progress = Progress()
    logs = model.fit(
        np.full((steps, 4), inputs, np.float32),
        np.full((steps, 1), target, np.float32),
        batch_size=1,
        callbacks=[Clock(progress), Divergence(progress), LossScale(progress)],
        verbose=0,
    ).history
    return before, model.get_weights(), logs, model.optimizer


def test_step_that_overflows_is_skipped_and_no_divergence():
    # The slope of (y - 100)^2 is about -200; times 2^15 it is far above 65,504, and
    # still at 2^9.
    before, after, logs, optimizer = train("mse", 4, inputs=1.0, target=100.0)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
    assert loss_scale(optimizer) == 2**15 / 2**4
    assert logs["loss_scale"] == [2**15 / 2**4]


def test_training_begins_when_the_scale_is_small_enough():
    before, after, _, optimizer = train("mse", 12, inputs=1.0, target=100.0)
    assert 2**4 < loss_scale(optimizer) < 2**12
    assert any((a != b).any() for a, b in zip(before, after, strict=True))


def test_run_that_would_skip_every_step_is_stopped():
    # 2^15 is halved to 1 in 15 steps.
    with pytest.raises(
        ValueError, match=r"diverged at step 15: its gradients.*float16"
    ):
        train(length, 20, inputs=0.0, target=0.0)
