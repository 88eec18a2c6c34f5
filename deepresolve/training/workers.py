"""The workers of a run on several machines, and what they must do alike.

Each worker is a process that runs the same command; the environment variable TF_CONFIG
tells it who all are and which of them it is, in TensorFlow's own form:

    {"cluster": {"worker": ["host-0:2222", "host-1:2222"]},
     "task": {"type": "worker", "index": 0}}

The first is the chief, which alone writes the workdir. TensorFlow adds up what several
hold, gradients and on Keras 2.15 also the running statistics that are saved, and waits
until all have come to the same place: a decision that rests on a clock or on a score is
therefore the chief's (`Agreement`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from deepresolve.config import Config
from deepresolve.runs.workdir import Workdir

_JOBS = ("chief", "worker")


class Worker(NamedTuple):
    """One of the processes of a run.

    Attributes:
      index: which of them, 0 for the chief.
      count: how many there are.
    """

    # Named as methods of tuples are, which nobody asks of a worker.
    index: int = 0  # type: ignore[assignment]
    count: int = 1  # type: ignore[assignment]

    @property
    def is_chief(self) -> bool:
        """Whether it writes the workdir."""
        return self.index == 0


def this_worker(config: Config) -> Worker:
    """Which worker this process is, the only one unless `config` says multi_worker.

    Raises:
      ValueError: TF_CONFIG is missing, makes no sense or contradicts `config`; or the
        batch does not divide among the workers.
    """
    text = os.environ.get("TF_CONFIG", "")
    if config.distribution == "auto" and text and _parse(text).count > 1:
        raise ValueError(
            f"TF_CONFIG names {_parse(text).count} workers, which would all train the "
            "same run. Give --distribution=multi_worker to train together, or unset "
            "TF_CONFIG."
        )
    if config.distribution != "multi_worker":
        return Worker()
    worker = _parse(text)
    if config.batch_size % worker.count:
        below = config.batch_size // worker.count * worker.count
        raise ValueError(
            f"batch_size={config.batch_size} patches do not divide among "
            f"{worker.count} workers. Choose a multiple, such as "
            f"--batch_size={below or worker.count}."
        )
    return worker


def _parse(text: str) -> Worker:
    try:
        described = json.loads(text)
        jobs = described["cluster"]
        job, index = described["task"]["type"], int(described["task"]["index"])
        addresses = [a for name in _JOBS for a in _addresses(jobs.get(name, []))]
        if not set(jobs) <= set(_JOBS) or not 0 <= index < len(jobs[job]):
            raise ValueError("no such task")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            "distribution=multi_worker needs the environment variable TF_CONFIG, "
            'such as {"cluster": {"worker": ["host-0:2222", "host-1:2222"]}, "task": '
            '{"type": "worker", "index": 0}}, with chief and worker tasks alone; got '
            f"{text!r} ({error!r})."
        ) from error
    before = len(jobs.get("chief", [])) if job == "worker" else 0
    return Worker(before + index, len(addresses))


def _addresses(tasks: object) -> list[str]:
    if not isinstance(tasks, list) or not all(isinstance(t, str) for t in tasks):
        raise TypeError(f"expected a list of addresses, not {tasks!r}")
    return tasks


def join(worker: Worker) -> tf.distribute.Strategy:
    """The strategy of all workers, which waits for them.

    Raises:
      OSError: they do not come together.
    """
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise OSError(
            f"Worker {worker.index} of {worker.count} could not join the others "
            f"({error.message}). Is each address of TF_CONFIG free on its machine and "
            f"reachable from all? It is {os.environ['TF_CONFIG']}"
        ) from error


class Agreement:
    """What all workers of a run hold alike; each call waits for all of them.

    Args:
      strategy: of all workers, each with as many devices.
      worker: this one.
    """

    def __init__(self, strategy: tf.distribute.Strategy, worker: Worker):
        self._exchange = _exchange(strategy, worker)

    def chiefs(self, number: float) -> float:
        """The chief's number."""
        return self.chiefs_and_largest(number, 0.0)[0]

    def chiefs_and_largest(self, number: float, other: float) -> tuple[float, float]:
        """The chief's of the one number, and the largest of the other."""
        of_all = self._exchange((number, other))
        return float(of_all[0, 0]), float(of_all[:, 1].max())

    def wait(self) -> None:
        """Comes back when all workers have called it."""
        self.chiefs(0.0)


def _exchange(
    strategy: tf.distribute.Strategy, worker: Worker
) -> Callable[[tuple[float, float]], np.ndarray]:
    """A function from two numbers of this worker's to (workers, 2), those of all."""
    if worker.count == 1:
        return lambda pair: np.array([pair], np.float64)
    num_devices = strategy.num_replicas_in_sync // worker.count

    @tf.function(input_signature=[tf.TensorSpec((2,), tf.float64)])
    def exchange(pair: tf.Tensor) -> tf.Tensor:
        def add_up() -> tf.Tensor:
            # A row for each worker, filled in by its first device.
            context = tf.distribute.get_replica_context()
            replica = context.replica_id_in_sync_group
            is_first = tf.equal(replica % num_devices, 0)
            mine = tf.where(is_first, pair, tf.zeros_like(pair))
            is_mine = tf.equal(tf.range(worker.count), worker.index)[:, tf.newaxis]
            # Not a product: a score may be infinite, and 0 times that is no number.
            row = tf.where(is_mine, mine, tf.zeros_like(mine))
            return context.all_reduce(tf.distribute.ReduceOp.SUM, row)

        return strategy.experimental_local_results(strategy.run(add_up))[0]

    return lambda pair: exchange(tf.constant(pair, tf.float64)).numpy()


def require_same_run(
    agreement: Agreement, worker: Worker, config: Config, sha256: str, step: int
) -> None:
    """ValueError on a worker that would train another run than the chief.

    Args:
      agreement: of the workers.
      worker: this one.
      config: what it was asked for.
      sha256: of its records.
      step: of the checkpoint that it found.
    """
    digest = hashlib.sha256(config.to_json().encode()).hexdigest()
    for what, number, cure in [
        ("config", _number(digest), "Start all workers with the same command."),
        ("records", _number(sha256), "Give all workers the same records."),
        ("checkpoint", step, "All workers must see the same folder as --workdir."),
    ]:
        if agreement.chiefs(number) != number:
            raise ValueError(
                f"Worker {worker.index} has another {what} than the chief. {cure}"
            )


def _number(digest: str) -> float:
    """The first 48 bits, which float64 holds exactly."""
    return float(int(digest[:12], 16)) if digest else 0.0


@contextlib.contextmanager
def own_workdir(workdir: Workdir, worker: Worker) -> Iterator[Workdir]:
    """Where a worker writes: the chief the workdir, the others what is then deleted.

    Raises:
      locking.InUseError: another training writes the workdir.
      OSError: the chief cannot write it.
    """
    if worker.is_chief:
        with workdir.claimed():
            yield workdir
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Workdir(folder)


def share(
    batches: tf.data.Dataset, strategy: tf.distribute.Strategy, worker: Worker
) -> tf.data.Dataset:
    """What `fit` takes of this worker's batches: they are for its own devices alone.

    Args:
      batches: of this worker's part of each step.
      strategy: of all workers, each with as many devices.
      worker: this one.
    """
    if worker.count == 1:
        return batches
    num_devices = strategy.num_replicas_in_sync // worker.count
    batch_size = batches.element_spec[0].shape[0]
    smaller, larger = divmod(batch_size, num_devices)
    sizes = [smaller + (n < larger) for n in range(num_devices)]
    return strategy.distribute_datasets_from_function(
        lambda context: batches.rebatch(sizes, drop_remainder=True)
    )
