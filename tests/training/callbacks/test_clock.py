import types

import pytest

from deepresolve.training.callbacks import Clock, clock
from deepresolve.training.progress import Progress


@pytest.fixture
def run(monkeypatch):
    """A clock on a time that the test moves, and the model that it may stop."""

    def start(max_minutes, agree=float):
        now = [100.0]
        monkeypatch.setattr(clock.time, "perf_counter", lambda: now[0])
        callback = Clock(Progress(), 8, max_minutes, agree)
        model = types.SimpleNamespace(stop_training=False)
        callback.set_model(model)
        return callback, model, now

    return start


def train(callback, now, steps, seconds_each):
    callback.on_epoch_begin(0)
    for step in range(steps):
        now[0] += seconds_each
        callback.on_train_batch_end(step)
    logs = {}
    callback.on_epoch_end(0, logs)
    return logs


def test_throughput_counts_training_alone(run):
    callback, _, now = run(0)
    assert train(callback, now, 5, 2.0)["patches_per_second"] == 8 / 2.0
    now[0] += 1000  # validation
    assert train(callback, now, 5, 4.0)["patches_per_second"] == 8 / 4.0


@pytest.mark.parametrize(("max_minutes", "stops"), [(0, False), (1, True), (2, False)])
def test_stops_when_the_training_time_is_spent(run, max_minutes, stops):
    callback, model, now = run(max_minutes)
    train(callback, now, 7, 10.0)
    assert model.stop_training is stops
    assert callback.out_of_time is stops


def test_workers_go_by_the_time_of_the_chief(run):
    chiefs = iter([25.0, 61.0, 62.0])
    callback, model, now = run(1, agree=lambda seconds: next(chiefs))
    train(callback, now, 1, 1000.0)
    assert model.stop_training is False
    train(callback, now, 1, 0.0)
    assert model.stop_training is True
