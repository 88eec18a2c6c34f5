import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.training.callbacks import Clock, Throughput, clock, throughput
from deepresolve.training.progress import Progress

CONFIG = SuperResolutionConfig(batch_size=4, patch_shape=(2, 3, 5))
FLOP_PER_VOXEL = 7e6


class Delay(keras.callbacks.Callback):
    """Lets time pass within each step."""

    def __init__(self, now, seconds):
        super().__init__()
        self._now = now
        self._seconds = seconds

    def on_train_batch_begin(self, batch, logs=None):
        self._now[0] += self._seconds


@pytest.fixture
def now(monkeypatch):
    """The time, for the test to move: a list of one number."""
    time = [100.0]
    for module in (clock, throughput):
        monkeypatch.setattr(module.time, "perf_counter", lambda: time[0])
    return time


@pytest.fixture
def model():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.1), "mse", jit_compile=False)
    return model


def batches(before_each):
    """An endless dataset; `before_each` is called before each batch is there."""

    def generate():
        generator = np.random.default_rng(0)
        while True:
            before_each()
            yield generator.random((4, 3), np.float32), np.ones((4, 1), np.float32)

    signature = tf.TensorSpec((4, 3)), tf.TensorSpec((4, 1))
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    options = tf.data.Options()
    # Of its own accord TensorFlow 2.15 makes batches in the background.
    options.experimental_optimization.apply_default_optimizations = False
    return dataset.with_options(options)


@pytest.fixture
def measured(model, now):
    """Trains while time passes: the logs and the callback.

    A step computes for `computing` seconds; `waiting` are those before each batch, the
    last of them before all that follow.
    """

    def fit(model=model, *, waiting, computing, epochs=1, steps=5):
        seconds = itertools.chain(waiting, itertools.repeat(waiting[-1]))

        def wait():
            now[0] += next(seconds)

        progress = Progress()
        callback = Throughput(progress, CONFIG, FLOP_PER_VOXEL)
        logs = model.fit(
            batches(wait),
            epochs=epochs,
            steps_per_epoch=steps,
            callbacks=[Delay(now, computing), Clock(progress), callback],
            shuffle=False,
            verbose=0,
        ).history
        return logs, callback

    return fit


@pytest.mark.parametrize(
    ("waiting", "computing", "percent"), [(3.0, 1.0, 75.0), (0.0, 2.0, 0.0)]
)
def test_waiting_is_the_time_that_the_data_takes(measured, waiting, computing, percent):
    logs, _ = measured(waiting=[waiting], computing=computing, epochs=2)
    np.testing.assert_allclose(logs["data_wait_percent"], percent)
    rate = 1 / (waiting + computing)
    np.testing.assert_allclose(logs["steps_per_second"], rate)
    np.testing.assert_allclose(logs["patches_per_second"], 4 * rate)
    # A step is 3 forward passes (Kaplan, arXiv 2001.08361, section 2.1: the backward
    # pass has twice the work of the forward pass) over 4 patches of 2 x 3 x 5 voxels.
    flop = 3 * FLOP_PER_VOXEL * 4 * math.prod((2, 3, 5))
    np.testing.assert_allclose(logs["gflop_per_second"], flop * rate / 1e9)


def test_summary_tells_the_first_step_from_the_others(measured):
    _, callback = measured(waiting=[20.0, 1.0], computing=3.0)
    assert callback.summary() == (
        "Trained 5 steps in 39.0 s, the first after 23.0 s (20.0 s waiting for data); "
        "since then 0.25 steps/s, 1.0 patches/s, 0.6 GFLOP/s (a step is 3 forward "
        "passes), 25.00% of the time waiting for data."
    )


def test_run_of_one_step_has_no_rates(measured):
    _, callback = measured(waiting=[0.0], computing=2.0, steps=1)
    assert callback.summary() == (
        "Trained 1 steps in 2.0 s, the first after 2.0 s (0.0 s waiting for data)."
    )


def test_steps_are_those_of_keras(model, measured):
    weights = model.get_weights()
    model.fit(
        batches(lambda: None), steps_per_epoch=5, epochs=2, shuffle=False, verbose=0
    )
    expected = model.get_weights()
    again = keras.models.clone_model(model)
    again.compile(keras.optimizers.Adam(0.1), "mse", jit_compile=False)
    again.set_weights(weights)
    own = again.train_function
    _, callback = measured(again, waiting=[0.0], computing=1.0, epochs=2)
    for a, b in zip(expected, again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert own is None
    assert again.train_function != callback._timed_step
