import types

import pytest

from deepresolve.training.callbacks import Clock, clock
from deepresolve.training.progress import Progress


@pytest.fixture
def run(monkeypatch):
    """A clock on a time that the test moves, the model that it may stop, its progress.

    The time is a list of one number.
    """

    def start(max_minutes, agree=float):
        now = [100.0]
        monkeypatch.setattr(clock.time, "perf_counter", lambda: now[0])
        progress = Progress()
        callback = Clock(progress, max_minutes, agree)
        model = types.SimpleNamespace(stop_training=False)
        callback.set_model(model)
        return callback, model, progress, now

    return start


def train(callback, now, steps, seconds_each):
    callback.on_epoch_begin(0)
    for step in range(steps):
        now[0] += seconds_each
        callback.on_train_batch_end(step)


def test_steps_and_the_time_of_training_alone_are_counted(run):
    callback, _, progress, now = run(0)
    train(callback, now, 5, 2.0)
    now[0] += 1000  # validation
    train(callback, now, 5, 4.0)
    assert int(progress.step) == 10
    assert float(progress.seconds) == 5 * 2 + 5 * 4


@pytest.mark.parametrize(("max_minutes", "stops"), [(0, False), (1, True), (2, False)])
def test_stops_when_the_training_time_is_spent(run, max_minutes, stops):
    callback, model, progress, now = run(max_minutes)
    train(callback, now, 7, 10.0)
    assert model.stop_training is stops
    assert clock.out_of_time(progress, max_minutes) is stops


def test_workers_go_by_the_time_of_the_chief(run):
    chiefs = iter([25.0, 61.0, 62.0])
    callback, model, _, now = run(1, agree=lambda seconds: next(chiefs))
    train(callback, now, 1, 1000.0)
    assert model.stop_training is False
    train(callback, now, 1, 0.0)
    assert model.stop_training is True
