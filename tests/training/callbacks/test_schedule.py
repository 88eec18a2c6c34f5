import keras
import numpy as np
import pytest

from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.training.callbacks import Schedule
from deepresolve.training.callbacks.schedule import learning_rate_at
from deepresolve.training.progress import Progress

COSINE = SuperResolutionConfig(schedule="cosine", learning_rate=0.2)


def test_constant_is_constant():
    config = SuperResolutionConfig(learning_rate=1e-4)
    assert {learning_rate_at(config, n, n / 9) for n in range(10)} == {1e-4}


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_cosine_is_keras_cosine_decay(share):
    keras_decay = keras.optimizers.schedules.CosineDecay(0.2, decay_steps=1000)
    expected = float(keras_decay(round(1000 * share)))
    assert learning_rate_at(COSINE, 500, share) == pytest.approx(expected, abs=1e-7)


def test_cosine_stays_at_its_end():
    assert learning_rate_at(COSINE, 500, 1.7) == pytest.approx(0, abs=1e-12)


def test_warm_up_rises_in_equal_steps_to_the_peak():
    config = SuperResolutionConfig(learning_rate=0.4, warmup_steps=4)
    rates = [learning_rate_at(config, step, 0) for step in range(6)]
    np.testing.assert_allclose(rates, [0.1, 0.2, 0.3, 0.4, 0.4, 0.4])


@pytest.mark.parametrize(
    ("config", "step", "seconds", "share"),
    [
        (COSINE, 25, 0.0, 0.25),
        (COSINE.replace(max_minutes=1.0), 25, 30.0, 0.5),  # the time is further
        (COSINE.replace(max_minutes=1.0), 75, 30.0, 0.75),  # the steps are further
    ],
)
def test_rate_follows_whichever_of_steps_and_time_is_further(
    config, step, seconds, share
):
    progress = Progress()
    progress.step.assign(step)
    progress.seconds.assign(seconds)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    callback = Schedule(config, progress, total_steps=100)
    callback.set_model(model)
    callback.on_train_batch_begin(0)
    logs = {}
    callback.on_epoch_end(0, logs)
    expected = learning_rate_at(config, step, share)
    assert logs["learning_rate"] == pytest.approx(expected)
    assert float(model.optimizer.learning_rate) == pytest.approx(expected, rel=1e-6)
