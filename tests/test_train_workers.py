"""The script as several workers run it: real processes, one of them killed."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import time

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.runs.workdir import Workdir
from deepresolve.system.keras_stack import KERAS_3
from records import conversion
from records.datasets import DATASETS

ROOT = pathlib.Path(__file__).parent.parent
TIMEOUT_S = 240

# The same steps in one process: both workers' parts of each, put together.
_ONE_PROCESS = (
    f"import sys\n\nsys.path.insert(0, {str(ROOT)!r})"
    + """
import tensorflow as tf

from deepresolve import tasks
from deepresolve.training import fit as fitting
from deepresolve.training.data import TrainingData
from deepresolve.runs.workdir import Workdir
from records import manifest, reader

records, path, workers_path = sys.argv[1:]
parts_of_workers = fitting.training_dataset


def whole_batches(volumes, config, **options):
    parts = []
    for number in range(2):
        options["part"] = part = (number, 2)
        shards = lambda seed, part=part: reader.dataset(
            records, "train", shuffle_seed=seed, part=part
        )
        parts.append(parts_of_workers(shards, config, **options))
    join = lambda one, other: tuple(tf.concat(pair, 0) for pair in zip(one, other))
    return tf.data.Dataset.zip(tuple(parts)).map(join)


fitting.training_dataset = whole_batches
stored = manifest.load(records)
entries = stored.subjects("train")
config = Workdir(workers_path).load_config()
fitting.fit(
    tasks.find(config.task),
    config.replace(distribution="single", validation_volumes=0),
    TrainingData(
        volumes=lambda seed: reader.dataset(records, "train", shuffle_seed=seed),
        shapes={entry.subject: entry.shape for entry in entries},
        validation=[],
        label_names=stored.label_names,
        num_labelled=len(entries),
        records=records,
        sha256=stored.sha256,
    ),
    Workdir(path),
    verbose=0,
)
"""
)


def convert(folder, num_shards):
    study = DATASETS["phantom"](
        num_subjects=6, phantom_shape=(24, 24, 24), phantom_spacing_mm=(2.0, 2.0, 2.0)
    )
    recipe = conversion.Recipe(
        "phantom", study, split=(67, 17, 16), num_shards=num_shards
    )
    conversion.convert(recipe, str(folder))
    return folder


@pytest.fixture(scope="module")
def records_dir(tmp_path_factory):
    return convert(tmp_path_factory.mktemp("records"), num_shards=3)


def command(records_dir, workdir):
    return [
        *("train.py", "--preset=seg_cnn_small"),
        *(f"--records={records_dir}", f"--workdir={workdir}"),
        *("--distribution=multi_worker", "--batch_size=4", "--patch_shape=16,16,8"),
        *("--num_levels=2", "--num_features=4", "--dropout=0", "--precision=float32"),
        # The rate must not depend on the time, nor on how small a gradient is.
        *("--optimizer=sgd", "--learning_rate=0.1", "--schedule=constant"),
        *("--max_minutes=0", "--num_epochs=2", "--steps_per_epoch=6"),
        *("--validation_shape=16,16,16", "--checkpoint_minutes=0"),
    ]


def free_addresses():
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for found in sockets:
            found.bind(("localhost", 0))
        return [f"localhost:{found.getsockname()[1]}" for found in sockets]


def environment(addresses, index):
    task = {"type": "worker", "index": index}
    described = {"cluster": {"worker": addresses}, "task": task}
    return {"TF_CONFIG": json.dumps(described)}


@pytest.fixture(scope="module")
def two_workers(run_script):
    """Starts both; none outlives the context."""

    @contextlib.contextmanager
    def started(records_dir, workdir):
        addresses = free_addresses()
        workers = [
            run_script.start(
                *command(records_dir, workdir),
                seconds=TIMEOUT_S,
                environment=environment(addresses, index),
            )
            for index in range(2)
        ]
        try:
            yield workers
        finally:
            for worker in workers:
                worker.kill()

    return started


@pytest.fixture(scope="module")
def train(two_workers):
    """Lets both train to the end; what each wrote to its log."""

    def to_the_end(records_dir, workdir):
        with two_workers(records_dir, workdir) as workers:
            results = [worker.result() for worker in workers]
        for result in results:
            assert result.returncode == 0, result.stderr
        return [result.stderr for result in results]

    return to_the_end


@pytest.fixture(scope="module")
def undisturbed(records_dir, train, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "undisturbed"
    train(records_dir, path)
    return path


def losses(workdir):
    """Loss of each epoch, as TensorBoard shows it."""
    files = (workdir / "tensorboard" / "train").glob("*tfevents*")
    return {
        event.step: float(tf.make_ndarray(value.tensor))
        for file in files
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
        if value.tag == "epoch_loss"
    }


def test_two_workers_train_to_the_weights_of_one_process(
    records_dir, undisturbed, run_script, tmp_path
):
    script, path = tmp_path / "one_process.py", tmp_path / "one"
    script.write_text(_ONE_PROCESS, encoding="utf-8")
    result = run_script(script, records_dir, path, undisturbed)
    assert result.returncode == 0, result.stderr
    one, two = losses(path), losses(undisturbed)
    assert one.keys() == two.keys() == {0, 1}
    for epoch in one:
        assert two[epoch] == pytest.approx(one[epoch], rel=1e-4)
    one, two = (Workdir(p).load_model("last") for p in (path, undisturbed))
    for a, b in zip(one.trainable_weights, two.trainable_weights, strict=True):
        np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=1e-4, atol=1e-5)
    # Keras 2.15 keeps the variance of a sample on one device, of a population on two.
    tolerance = 1e-4 if KERAS_3 else 0.01
    for a, b in zip(one.non_trainable_weights, two.non_trainable_weights, strict=True):
        np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=tolerance, atol=1e-5)


def test_only_the_chief_writes(undisturbed, files_of_a_run):
    assert sorted(path.name for path in undisturbed.iterdir()) == files_of_a_run
    (start,) = Workdir(undisturbed).load_provenance()
    assert start["replicas"] == 2
    for name in ("train", "validation", "images"):
        assert len(list((undisturbed / "tensorboard" / name).iterdir())) == 1


def wait_for_checkpoint(workdir, number):
    checkpoint = workdir / "checkpoints" / "checkpoint"
    deadline = time.monotonic() + TIMEOUT_S
    while not checkpoint.exists() or f"ckpt-{number}" not in checkpoint.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_stopped_and_then_killed_run_goes_on_from_its_last_checkpoints(
    records_dir, undisturbed, two_workers, train, tmp_path
):
    path = tmp_path / "run"
    with two_workers(records_dir, path) as workers:
        wait_for_checkpoint(path, 3)
        os.kill(workers[1].pid, signal.SIGTERM)  # the chief has yet to hear of it
        for worker in workers:
            log = worker.result().stderr
            assert worker.result().returncode == 128 + signal.SIGTERM, log
            assert "is saved" in log
    with two_workers(records_dir, path) as workers:
        wait_for_checkpoint(path, 8)
        os.kill(workers[1].pid, signal.SIGKILL)
        chief = workers[0].result()
        assert chief.returncode == 1
    assert "Start all of them again with the same command" in chief.stderr
    assert "Traceback" not in chief.stderr
    for log in train(records_dir, path):
        assert "Resuming" in log
    one, other = (Workdir(p).load_model("last") for p in (undisturbed, path))
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_too_few_shards_are_refused_before_any_other_worker_is_there(
    run_script, tmp_path
):
    records_dir = convert(tmp_path / "records", num_shards=1)
    result = run_script(
        *command(records_dir, tmp_path / "run"),
        environment=environment(free_addresses(), 1),
    )
    assert result.returncode == 1
    assert "has 1 shards for 2 workers" in result.stderr
    assert "--num_shards=2" in result.stderr
    assert not (tmp_path / "run").exists()
