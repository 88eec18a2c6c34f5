import keras

from deepresolve.training.progress import Progress
from deepresolve.training.resuming.unfinished import finish_epoch


class Heard(keras.callbacks.Callback):
    """Keeps what it is called with."""

    def __init__(self):
        super().__init__()
        self.ends = []

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append((epoch, self.model))


def finish(step, awaits_validation):
    progress, heard = Progress(), Heard()
    progress.step.assign(step)
    progress.awaits_validation.assign(awaits_validation)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    finish_epoch(model, progress, 10, [heard])
    return [epoch for epoch, its_model in heard.ends if its_model is model]


def test_epoch_that_was_cut_off_gets_its_end():
    # Epochs of 10 steps, counted from 0; the last one may end early, out of time.
    assert [finish(step, True) for step in (10, 20, 24)] == [[0], [1], [2]]


def test_epoch_that_is_under_way_is_left_to_its_steps():
    assert finish(14, False) == []
