import json
import pathlib
import types

import pytest
import tensorflow as tf

from deepresolve.runs.workdir import Workdir
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.training import workers
from deepresolve.training.workers import Worker

CONFIG = SuperResolutionConfig(distribution="multi_worker", batch_size=12)
TWO = {"worker": ["a:1", "b:2"]}


@pytest.fixture
def describe(monkeypatch):
    """Sets TF_CONFIG."""

    def set_to(cluster, job="worker", index=0):
        task = {"type": job, "index": index}
        text = json.dumps({"cluster": cluster, "task": task})
        monkeypatch.setenv("TF_CONFIG", text)

    return set_to


@pytest.mark.parametrize(
    ("cluster", "job", "index", "expected"),
    [
        (TWO, "worker", 0, Worker(0, 2)),
        (TWO, "worker", 1, Worker(1, 2)),
        ({"chief": ["a:1"], **TWO}, "chief", 0, Worker(0, 3)),
        ({"chief": ["a:1"], **TWO}, "worker", 0, Worker(1, 3)),
        ({"worker": ["a:1"]}, "worker", 0, Worker(0, 1)),
    ],
)
def test_tf_config_names_the_worker(describe, cluster, job, index, expected):
    describe(cluster, job, index)
    assert workers.this_worker(CONFIG) == expected
    assert expected.is_chief is (expected.index == 0)


@pytest.mark.parametrize(
    ("cluster", "job", "index"),
    [
        (TWO, "worker", 2),
        (TWO, "worker", -1),
        (TWO, "chief", 0),
        (TWO, "worker", "first"),
        ({**TWO, "ps": ["c:3"]}, "worker", 0),
        ({"worker": "a:1"}, "worker", 0),
        (["a:1"], "worker", 0),
    ],
)
def test_what_makes_no_sense_is_refused_with_an_example(describe, cluster, job, index):
    describe(cluster, job, index)
    with pytest.raises(ValueError, match=r"such as \{.*\"index\": 0\}\}.*; got '"):
        workers.this_worker(CONFIG)


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"cluster": {}}', "3"])
def test_missing_or_broken_tf_config_is_refused(monkeypatch, text):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match="needs the environment variable TF_CONFIG"):
        workers.this_worker(CONFIG)


@pytest.mark.parametrize(("batch_size", "instead"), [(7, 6), (1, 2)])
def test_batch_that_does_not_divide_is_refused(describe, batch_size, instead):
    describe(TWO)
    with pytest.raises(ValueError, match=f"2 workers.*--batch_size={instead}"):
        workers.this_worker(CONFIG.replace(batch_size=batch_size))


def test_workers_that_would_not_train_together_are_refused(describe):
    describe(TWO)
    with pytest.raises(ValueError, match="--distribution=multi_worker"):
        workers.this_worker(CONFIG.replace(distribution="auto"))
    assert workers.this_worker(CONFIG.replace(distribution="single")) == Worker()
    describe({"worker": ["a:1"]})
    assert workers.this_worker(CONFIG.replace(distribution="auto")) == Worker()


def test_only_the_chief_writes_the_workdir(tmp_path):
    workdir = Workdir(tmp_path)
    with workers.own_workdir(workdir, Worker(0, 2)) as own:
        assert own is workdir
    with workers.own_workdir(workdir, Worker(1, 2)) as own:
        own.start(CONFIG)
        assert own.path != workdir.path
    assert not pathlib.Path(own.path).exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("place", "what"), [(0, "config"), (1, "records"), (2, "checkpoint")]
)
def test_worker_of_another_run_is_refused(place, what):
    def chief(other_at):
        numbers = iter(range(3))
        return types.SimpleNamespace(
            chiefs=lambda number: number + (next(numbers) == other_at)
        )

    mine = (Worker(1, 2), CONFIG, "c0ffee" * 10, 40)
    workers.require_same_run(chief(None), *mine)
    with pytest.raises(ValueError, match=f"Worker 1 has another {what} than the chief"):
        workers.require_same_run(chief(place), *mine)


def test_one_worker_agrees_with_itself():
    agreement = workers.Agreement(tf.distribute.get_strategy(), Worker())
    assert agreement.chiefs(2.5) == 2.5
    assert agreement.chiefs_and_largest(2.5, 15) == (2.5, 15)
