import logging

import keras
import numpy as np
import pytest

from deepresolve.system import progress_bar
from deepresolve.training.callbacks import EpochLine, StepBar
from deepresolve.training.progress import Progress


@pytest.fixture
def log(caplog):
    # Of functions that other tests made it says that they are many.
    caplog.set_level(logging.ERROR, "tensorflow")
    caplog.set_level(logging.INFO, "deepresolve")
    return caplog


def train(callbacks, steps=5):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(loss="mse")
    x = np.zeros((steps, 1), np.float32)
    model.fit(x, x, batch_size=1, callbacks=callbacks, verbose=0)


class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = batch == 2


def test_an_epoch_that_time_ended_says_after_how_many_steps(log):
    train([StepBar(Progress(), 5, 1, hidden=False), Stop()])
    expected = "Epoch 1 stopped after 3 of 5 steps: --max_minutes is over."
    assert log.messages == [expected]


def test_a_whole_epoch_says_nothing_of_its_steps(log):
    bar = StepBar(Progress(), 5, 1, hidden=False)
    train([bar])
    assert not log.messages
    assert bar._bar.done == 5
    assert bar._bar.text == "loss 0"


def test_steps_of_an_earlier_start_are_counted(log):
    progress = Progress()
    progress.step.assign(12)  # 2 steps of the second epoch of 10
    bar = StepBar(progress, 10, 3, hidden=False)
    train([bar], steps=8)
    assert bar._bar.done == 10
    assert not log.messages


def test_what_ends_a_training_ends_the_bar(log, monkeypatch):
    monkeypatch.setattr(progress_bar, "_FIRST_S", 0.2)

    class Kill(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    bar = StepBar(Progress(), 5, 1, hidden=False)
    with pytest.raises(KeyboardInterrupt):
        train([bar, Kill()])
    bar.close()
    assert bar._bar._closed.is_set()


def test_a_line_tells_loss_and_scores(log):
    line = EpochLine(3)
    line.on_epoch_end(1, {"loss": 0.012345, "val_psnr": 33.4567, "steps_per_second": 2})
    assert log.messages == ["Epoch 2 of 3: loss 0.01235, val_psnr 33.46."]
