"""Work spread over machines by Apache Beam, which is installed only where asked for.

A pipeline that runs elsewhere (Dataflow, Flink, Spark) gives its elements back to
nobody. Each piece of work therefore leaves its answer in a file, in a folder that all
machines reach, and who started the pipeline reads them at its end.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import pickle
import shlex
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from deepresolve.system import storage
from deepresolve.system.extras import how_to_install

SCRATCH_SUFFIX = ".beam"


class Work(Protocol):
    """What is done for each task. It pickles, and so does a task."""

    def prepare(self) -> Any:
        """Called once in each worker: what its tasks share, such as a network."""

    def do(self, task: Any, prepared: Any) -> Any:
        """Does one task; returns JSON values.

        Raises:
          ValueError, OSError: for who started the pipeline to see.
        """


@contextlib.contextmanager
def scratch_folder(parent: str) -> Iterator[str]:
    """Gives a new hidden folder for one pipeline, removed at the end.

    Args:
      parent: a folder that every worker reaches by this name; made where it is not.
    """
    scratch = storage.join(parent, f".{uuid.uuid4().hex}{SCRATCH_SUFFIX}")
    storage.make_folder(scratch)
    try:
        yield scratch
    finally:
        storage.remove_folder(scratch)


def run(work: Work, tasks: Sequence[Any], *, scratch: str, options: str) -> None:
    """Does all tasks in a pipeline; their answers are in `scratch` then.

    Args:
      work: what to do for each.
      tasks: what to do it for.
      scratch: of `scratch_folder`.
      options: of the pipeline, as on a command line.

    Raises:
      ValueError: Apache Beam is not installed.
    """
    pipeline, worker = _modules(options)
    elements = _write_tasks(scratch, tasks)
    worker.run(pipeline, worker.Worker(work, scratch), elements)


def _modules(options: str):
    """The pipeline's options, and the module that needs Beam to be imported."""
    try:
        from apache_beam.options.pipeline_options import (
            PipelineOptions,
            StandardOptions,
        )

        from deepresolve.system.beam import worker as beam_worker
    except ImportError as error:
        raise ValueError(
            f"--runner=beam needs Apache Beam ({error}): {how_to_install('beam')}."
        ) from error
    asked = PipelineOptions(shlex.split(options))
    standard = asked.view_as(StandardOptions)
    if standard.runner in (None, "DirectRunner"):
        # DirectRunner would first look for another runner, Prism, on the internet.
        standard.runner = "FnApiRunner"
    return asked, beam_worker


def _write_tasks(scratch: str, tasks: Sequence[Any]) -> list[tuple[int, int, int]]:
    """Writes all tasks to one file; returns the number, start and length of each.

    The pipeline itself then stays small: Dataflow takes none of more than 10 MB.
    """
    pickled = [pickle.dumps(task) for task in tasks]
    storage.write(tasks_path(scratch), b"".join(pickled))
    starts = itertools.accumulate(map(len, pickled), initial=0)
    return [
        (number, start, len(content))
        for number, (start, content) in enumerate(zip(starts, pickled, strict=False))
    ]


def tasks_path(scratch: str) -> str:
    """Where the tasks lie."""
    return storage.join(scratch, "tasks.pickle")


def answers(scratch: str, num_tasks: int) -> list:
    """What `work.do` answered, in the order of the tasks.

    Raises:
      ValueError: the first error of a task.
      OSError: the first error of a task; or one has no answer.
    """
    return [_answer(scratch, number) for number in range(num_tasks)]


def finished_answers(scratch: str, num_tasks: int) -> list:
    """Those of the tasks that were done, whatever became of the others."""
    paths = (answer_path(scratch, number) for number in range(num_tasks))
    found = (json.loads(storage.read(p)) for p in paths if storage.is_file(p))
    return [answer["value"] for answer in found if "value" in answer]


def _answer(scratch: str, number: int) -> Any:
    """What a task answered; its error, where it had one, is raised."""
    path = answer_path(scratch, number)
    if not storage.is_file(path):
        raise OSError(
            f"A worker left no answer at {path}. Workers must reach that folder by the "
            "same name as this process."
        )
    answer = json.loads(storage.read(path))
    if "value_error" in answer:
        raise ValueError(answer["value_error"])
    if "os_error" in answer:
        raise OSError(answer["os_error"])
    return answer["value"]


def answer_path(scratch: str, number: int) -> str:
    """Where the answer of a task lies."""
    return storage.join(scratch, f"{number:08d}.json")
